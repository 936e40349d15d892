import { isScalar, isSeq } from 'yaml';
import { within, type Source, type Span } from './source.ts';
import type { Subjects } from './subjects.ts';

/** sysctl -w a=1 b="1 2", also with -qw and without -w. */
const SYSCTL =
  /\bsysctl((?:\s+-[A-Za-z]+|\s+--\w+)*)((?:\s+[A-Za-z0-9_]+(?:[./][\w@+*-]+)+\s*=\s*(?:"[^"]*"|'[^']*'|[^\s;&|"']+))+)/g;
const ASSIGNMENT = /([A-Za-z0-9_]+(?:[./][\w@+*-]+)+)\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s;&|"']+))/g;
/** echo 262144 > /proc/sys/vm/max_map_count */
const ECHO = /\becho\s+(?:-n\s+)?["']?([^"'>|;&\n]+?)["']?\s*>\s*\/proc\/sys\/([\w/@+.-]+)/g;

interface Assignment {
  name: string;
  value: string;
}

/** What a shell script sets; sysctl -p and values that come out of variables are not known. */
export function assignmentsIn(script: string): Assignment[] {
  const bySysctl = [...script.matchAll(SYSCTL)].flatMap(([, , list = '']) =>
    [...list.matchAll(ASSIGNMENT)].map(([, name = '', double, single, bare]) => ({
      name,
      value: double ?? single ?? bare ?? '',
    })),
  );
  const byEcho = [...script.matchAll(ECHO)].map(([, value = '', path = '']) => ({
    name: path.replace(/[./]/g, (c) => (c === '/' ? '.' : '/')),
    value,
  }));
  return [...bySysctl, ...byEcho];
}

/** `command` or `args` of a container: a text, or a list of words of which one may be a script. */
export function readCommand(node: unknown, hostNetwork: boolean, source: Source, subjects: Subjects): void {
  const words = isSeq(node) ? node.items.filter((item) => isScalar(item)) : isScalar(node) ? [node] : [];
  const isSysctl = /(^|\/)sysctl$/.test(String(words[0]?.value));
  for (const word of words) {
    const text = String(word.value);
    // ["sysctl", "-w", "vm.max_map_count=262144"] has no shell in between.
    const found = assignmentsIn(isSysctl ? `sysctl -w ${text.replace(/=(.*\s.*)$/, '="$1"')}` : text);
    const span: Span = [word.range?.[0] ?? 0, word.range?.[1] ?? 0];
    for (const { name, value } of found) {
      const nameSpan = within(source, span, name);
      const after: Span = [nameSpan[1], span[1]];
      subjects.commands.push({
        source,
        name,
        nameSpan,
        value: {
          text: value,
          span: within(source, after, value),
          usable: !value.includes('$'),
          integer: false,
        },
        hostNetwork,
      });
    }
  }
}
