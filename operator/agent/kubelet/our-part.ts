import { without } from './change.ts';
import { KEY, listOf, parseConfig, renderDropIn, withList } from './config.ts';
import type { HostFile } from './host-files.ts';
import type { OurFile } from './journal.ts';

/** The file without our entries: its own list, or none where there was none before us. */
function stripped(file: OurFile, current: HostFile): HostFile {
  const config = { path: file.path, text: current.text };
  const list = listOf(config);
  const rest = without(list, file.ours);
  if (rest.length === list.length) return current;
  const hadList = !file.original || KEY in parseConfig({ path: file.path, text: file.original.text });
  return { ...current, text: withList(config, rest.length > 0 || hadList ? rest : undefined) };
}

/**
 * The file as it is to be given back: the very bytes of before, where nobody has changed it since; else what is there now without
 * our entries. Undefined: there is to be no file. Throws where somebody else made it unreadable. Pure.
 */
export function givenBack(file: OurFile, current: HostFile | undefined): HostFile | undefined {
  if (file.kind === 'dropIn') return undefined;
  // A file that we have not written has nothing of ours, even where its list has the same entries.
  if (!current || !file.original || current.text === file.original.text) return current;
  return current.text === file.written ? file.original : stripped(file, current);
}

/** The text that brings the list into the file; undefined where there is to be no file. Pure. */
export function textWith(
  list: readonly string[] | undefined,
  file: OurFile,
  current: HostFile | undefined,
): string | undefined {
  if (file.kind === 'dropIn') return list && renderDropIn(list);
  const text = givenBack(file, current)?.text;
  return list && text !== undefined ? withList({ path: file.path, text }, list) : text;
}
