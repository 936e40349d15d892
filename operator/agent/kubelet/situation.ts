import { union, without, type Change } from './change.ts';
import { listOf, merge, type ConfigFile } from './config.ts';
import type { HostFile, HostFiles } from './host-files.ts';
import type { Edit, KubeletRecord, OurFile, PendingChange } from './journal.ts';
import type { FoundKubelet } from './locate.ts';
import { givenBack, textWith } from './our-part.ts';

/** The kubelet's configuration as it is, and what of it is ours. */
export interface Situation {
  /** Where our part belongs now; `original` says what is given back one day. */
  record: KubeletRecord;
  /** The files that hold our part, or will, as they are. */
  current: ReadonlyMap<string, HostFile | undefined>;
  /** What the kubelet's own files say, without ours. */
  base: string[];
}

/** The kubelet reads another file than before: ours goes there first, and only then comes out of the old one. */
function movedTo({ path, kind, unit }: FoundKubelet, record: KubeletRecord): KubeletRecord {
  if (record.path === path) return { ...record, unit };
  const known: OurFile[] = [...(record.left ?? []), record].map(fileOnly);
  const back = known.find((file) => file.path === path);
  return {
    version: 1,
    unit,
    ...(back ?? { path, kind }),
    ours: record.ours,
    left: known.filter((file) => file !== back),
    ...(record.failed && { failed: record.failed }),
  };
}

const fileOnly = ({ path, kind, original, written, ours }: OurFile): OurFile => ({
  path,
  kind,
  ...(original && { original }),
  ...(written !== undefined && { written }),
  ours,
});

/** No record, but perhaps a drop-in of ours: then the agent's folder was lost, and what the drop-in adds is taken for ours. */
function adopted({ path, kind, unit }: FoundKubelet, base: string[], current?: HostFile): KubeletRecord {
  const empty: KubeletRecord = { version: 1, path, kind, unit, ours: [] };
  if (kind === 'main' || !current) return empty;
  return { ...empty, written: current.text, ours: without(listOf({ path, text: current.text }), base) };
}

/** Reads what is needed to decide. Throws where a file cannot be read. */
export function situationOf(
  found: FoundKubelet,
  known: KubeletRecord | undefined,
  host: Pick<HostFiles, 'read'>,
): Situation {
  const moved = known && movedTo(found, known);
  const files = moved ? [moved, ...(moved.left ?? [])] : [];
  const current = new Map(
    [found.path, ...files.map(({ path }) => path)].map((path) => [path, host.read(path)] as const),
  );
  const own = found.files.flatMap((file): ConfigFile[] => {
    const ours = files.find(({ path }) => path === file.path);
    if (!ours) return [file];
    const text = givenBack(ours, current.get(file.path))?.text;
    return text === undefined ? [] : [{ path: file.path, text }];
  });
  const base = merge(own).allowedUnsafeSysctls ?? [];
  const record = moved ?? adopted(found, base, current.get(found.path));
  const original = record.kind === 'main' ? givenBack(record, current.get(record.path)) : undefined;
  return { record: { ...record, ...(original && { original }) }, current, base };
}

/** What the change does to the files, in an order in which the kubelet never misses an entry; first the one that holds our part then. Pure. */
export function editsFor({ record, current }: Situation, { list }: Pick<Change, 'list'>): Edit[] {
  const edit = (file: OurFile, after: string | undefined): Edit => {
    const before = current.get(file.path);
    const { path, kind } = file;
    return { path, kind, ...(before && { before }), ...(after !== undefined && { after }) };
  };
  return [
    edit(record, textWith(list, record, current.get(record.path))),
    ...(record.left ?? []).map((file) => edit(file, givenBack(file, current.get(file.path))?.text)),
  ];
}

/** The record once the change is done. Pure. */
export function afterChange(record: KubeletRecord, { edits: [edit], ours }: PendingChange): KubeletRecord {
  const { left: _, written: __, failed: ___, change: ____, ...rest } = record;
  return { ...rest, ...(edit?.after !== undefined && { written: edit.after }), ours };
}

/** The record after a change that was undone. What it may have brought is ours too: what of it is live is found in the kubelet's configz. Pure. */
export function afterUndo(record: KubeletRecord, { ours }: PendingChange): KubeletRecord {
  const { change: _, ...rest } = record;
  return { ...rest, ours: union(record.ours, ours) };
}
