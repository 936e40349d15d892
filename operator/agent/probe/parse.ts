import type { MeasuredKernel } from '../../sysctl/kernel/measured.ts';
import { MARK, PART } from './script.ts';

const dotted = (path: string): string => path.replace(/[./]/g, (c) => (c === '/' ? '.' : '/'));
const PATH = /^\/proc\/sys\/(.+)$/gm;
const OWN_NAME = new RegExp(`^(\\w+):${MARK}$`, 'gm');
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
    permitted: new Set([...text('permitted').matchAll(PATH)].map(([, path = '']) => dotted(path))),
    ownNames: new Set([...text('names').matchAll(OWN_NAME)].map(([, name]) => `kernel.${name}`)),
  };
}
