import { readdirSync, readFileSync } from 'node:fs';
import { parse } from 'yaml';
import type { Namespace, Origin, Presence, ValueType } from '../../operator/sysctl/catalog/types.ts';
import { either, integer, list, map, nullable, object, oneOf, text, yes, type Check } from './schema.ts';

const folder = new URL('../../operator/sysctl/catalog/', import.meta.url);

const type = oneOf<ValueType>(
  'int',
  'uint',
  'bool',
  'long',
  'ulong',
  'string',
  'tuple',
  'bitmap',
  'hex',
  'ports',
);
const origin = oneOf<Origin>('hardCoded', 'init', 'parent');
const namespace = oneOf<Namespace>('net', 'ipc', 'uts', 'user', 'pid', 'none');
const presence = oneOf<Presence>('own', 'readOnly', 'absent', 'shared');
const pair: Check<[number, number]> = (value, at) => {
  const [min, max, ...more] = list(integer)(value, at);
  if (min === undefined || max === undefined || more.length > 0 || min > max)
    throw new Error(`${at}: must be the smallest and the largest value, not ${JSON.stringify(value)}`);
  return [min, max];
};

/** Ranges that very many keys share. A number of seconds is kept in clock ticks: outside of this no kernel takes it. */
const RANGES: Record<string, [number, number]> = {
  int32: [-2_147_483_648, 2_147_483_647],
  positive: [0, 2_147_483_647],
  uint8: [0, 255],
  uint32: [0, 4_294_967_295],
  seconds: [-21_474_836, 21_474_836],
  /** Of a machine's word: the upper end is the width of the type, which a number of JavaScript only comes near to. */
  fromOne: [1, 2 ** 64],
  fromTwoPages: [8192, 2 ** 64],
};
const range: Check<[number, number]> = (value, at) =>
  (typeof value === 'string' ? RANGES[value] : undefined) ?? pair(value, at);

const measuredKey = object(
  { type },
  {
    mode: text,
    /** How many numbers a tuple has. */
    values: integer,
    from: origin,
    default: (value: unknown, at: string) => (value === '' ? '' : text(value, at)),
    range,
    /** `source`: read in the kernel's source, because trying it is dangerous. */
    evidence: oneOf('source'),
  },
);
const measuredFile = object({ kernel: text, keys: map(map(measuredKey)) }, {});

/** Numbers that JSON cannot hold exactly stay the vendor's words. */
const providerRange: Check<[number, number] | string> = (value, at) => {
  const words = text(value, at);
  const numbers = (/^(\d+)\.\.(\d+)$/.exec(words) ?? []).slice(1).map(Number);
  return numbers.length > 0 && numbers.every(Number.isSafeInteger) ? pair(numbers, at) : words;
};

const annotation = object(
  {},
  {
    does: text,
    /** How the value of conf.all counts beside the interface's own. */
    all: text,
    type,
    arity: nullable(integer),
    unit: text,
    range: nullable(range),
    default: nullable(text),
    minKernel: text,
    writers: list(text),
    aliases: list(text),
    coupled: object({ names: list(text), rule: text }, {}),
    rounding: text,
    history: text,
    module: text,
    writeOnce: yes,
    trigger: yes,
    irreversible: text,
    risks: list(text),
    providers: object({}, { aks: providerRange, gke: providerRange }),
    source: text,
    /** In place of a measurement, for keys that the measured kernel does not have. */
    known: object(
      { namespace, presence, type },
      {
        from: origin,
        default: text,
        /** No kernel of today has it any more. */
        removed: yes,
      },
    ),
  },
);
const short: Check<{ does: string }> = (value, at) => ({ does: text(value, at) });

export type Annotation = ReturnType<typeof annotation>;
export type Measured = ReturnType<typeof measuredKey> & { namespace: Namespace; presence: Presence };

/** What the kernel was seen to do, by name. Throws where measured.json does not follow its schema. */
export function readMeasured(content = readFileSync(new URL('measured.json', folder), 'utf8')) {
  const { kernel, keys } = measuredFile(JSON.parse(content), 'measured.json');
  const byName = new Map<string, Measured>();
  for (const [place, group] of Object.entries(keys)) {
    const [first, second] = place.split(' ');
    const where = { namespace: namespace(first, place), presence: presence(second, place) };
    for (const [name, key] of Object.entries(group)) byName.set(name, { ...key, ...where });
  }
  return { kernel, keys: byName };
}

/** One YAML file of judgement, by name; `net.ipv[46].` stands for both. Throws where it does not follow its schema. */
export function parseAnnotations(file: string, content: string): [name: string, Annotation][] {
  const entries: Record<string, Annotation> = map(either(short, annotation))(parse(content), file);
  return Object.entries(entries).flatMap(([name, entry]): [string, Annotation][] =>
    name.includes('[46]')
      ? ['4', '6'].map((v) => [name.replace('[46]', v), forVersion(entry, v)])
      : [[name, entry]],
  );
}

function forVersion(entry: Annotation, version: string): Annotation {
  return {
    ...entry,
    ...(entry.aliases && { aliases: entry.aliases.map((a) => a.replace('[46]', version)) }),
  };
}

/** All annotations; what two files say about one key is put together. */
export function readAnnotations(): Map<string, Annotation> {
  const all = new Map<string, Annotation>();
  const annotations = new URL('annotations/', folder);
  for (const file of readdirSync(annotations).toSorted())
    for (const [name, entry] of parseAnnotations(file, readFileSync(new URL(file, annotations), 'utf8')))
      all.set(name, { ...all.get(name), ...entry });
  return all;
}
