/** The two definitions against the program, which judges once more what the API server has let through. */
import { describe, expect, test } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import essentials from '../../operator/sysctl/catalog/essentials.json' with { type: 'json' };
import { guardOf } from '../../operator/sysctl/guards.ts';
import { manifests } from './support/installation.ts';

interface Schema {
  description?: string;
  properties?: Record<string, Schema>;
  items?: Schema;
}

const schemaOf = (kind: string): Schema => {
  const text = readFileSync(join(manifests, '..', 'crds', `${kind}.yaml`), 'utf8');
  const { spec } = parse(text) as { spec: { versions: [{ schema: { openAPIV3Schema: Schema } }] } };
  return spec.versions[0].schema.openAPIV3Schema;
};

/** Paths of the fields that kubectl explain would say nothing about. */
function unexplained(schema: Schema, path: string): string[] {
  const standard = ['.apiVersion', '.kind', '.metadata'];
  const here = schema.description || standard.includes(path) ? [] : [path];
  const below = Object.entries(schema.properties ?? {}).flatMap(([name, child]) =>
    unexplained(child, `${path}.${name}`),
  );
  const items = schema.items?.properties ? unexplained(schema.items, `${path}[]`) : [];
  return [...here, ...below, ...items];
}

test.each(['sysctlprofiles', 'nodesysctlstates'])('every field of %s is explained', (kind) => {
  const schema = schemaOf(kind);
  expect(Object.keys(schema.properties ?? {})).toContain('status');
  expect(unexplained(schema, '')).toEqual([]);
});

/** The sysctls that the rules with this in their message name. */
const keysOf = (about: string): string[] => {
  const found = new Set<string>();
  JSON.stringify(schemaOf('sysctlprofiles'), (_key, value: unknown) => {
    const { rule, message } = (value ?? {}) as { rule?: string; message?: string };
    if (rule && message?.includes(about))
      for (const [, key] of rule.matchAll(/'((?:net|kernel)\.[a-z0-9_.]+)'/g)) found.add(key ?? '');
    return value;
  });
  return [...found].toSorted();
};

describe('the definition agrees with the program', () => {
  test('on what no pod has for itself', () => {
    expect(keysOf('the kernel has it once per node')).toEqual(essentials.node.absent.toSorted());
  });

  test('on what a pod can only read', () => {
    expect(keysOf('it shows the value of the node')).toEqual(essentials.node.readOnly.toSorted());
  });

  test('on what a pod can write for all', () => {
    const keys = keysOf('a pod that sets this one changes the whole node');
    expect(keys).toEqual(essentials.node.shared.toSorted());
  });

  test.each([
    'the kernel runs its value as root on the node',
    'it cannot be undone before the node is rebooted',
  ])('on what is guarded, because %s', (why) => {
    const keys = keysOf(why);
    expect(keys.length).toBeGreaterThan(3);
    expect(keys.filter((key) => guardOf(key) !== why)).toEqual([]);
  });
});
