import type { MeasuredKernel } from '../../sysctl/kernel/measured.ts';
import { MARK, PART } from './script.ts';

const dotted = (path: string): string => path.replace(/[./]/g, (c) => (c === '/' ? '.' : '/'));
const FILE = /^(\d+) \/proc\/sys\/(.+)$/gm;

function listing(text: string): { writable: Map<string, boolean>; everybody: Set<string> } {
  const writable = new Map<string, boolean>();
  const everybody = new Set<string>();
  for (const [, mode = '', path = ''] of text.matchAll(FILE)) {
    const name = dotted(path);
    writable.set(name, /[2367]/.test(mode));
    if (mode === '666') everybody.add(name);
  }
  return { writable, everybody };
}

const pathsIn = (text: string, pattern: RegExp): Set<string> =>
  new Set([...text.matchAll(pattern)].map(([, path = '']) => dotted(path)));

/** What the script printed. A part that is not there says nothing. */
export function parseProbe(output: string): MeasuredKernel {
  const parts = new Map(
    output.split(PART).map((part) => {
      const end = part.indexOf('\n');
      return [part.slice(0, end), part.slice(end + 1)];
    }),
  );
  const text = (part: string): string => parts.get(part) ?? '';
  const { writable, everybody } = listing(text('host'));
  return {
    host: writable,
    everybody,
    fresh: listing(text('fresh')).writable,
    permitted: pathsIn(text('permitted'), /^\/proc\/sys\/(.+)$/gm),
    ownNames: pathsIn(text('names'), new RegExp(`^/proc/sys/([^:]+):${MARK}$`, 'gm')),
  };
}
