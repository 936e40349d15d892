import childProcess from 'node:child_process';
import { promisify } from 'node:util';
import type { Effect } from './wrap.ts';

const STARTS = ['exec', 'execFile', 'execFileSync', 'execSync', 'fork', 'spawn', 'spawnSync'] as const;
/** Commands that only look. */
const LOOKS = /systemctl show|journalctl/;
/** A script is not a name. */
const MAX_ARGUMENT = 60;

type Start = ((...args: unknown[]) => unknown) & { [promisify.custom]?: (...args: unknown[]) => unknown };

function commandOf([file, args]: readonly unknown[]): string {
  const list = Array.isArray(args) ? (args as unknown[]).map(String) : [];
  const inside = list.indexOf('--');
  const command = inside < 0 ? [String(file), ...list] : list.slice(inside + 1);
  return command.filter((word) => word.length <= MAX_ARGUMENT).join(' ');
}

/** Every program that is started: before that, and while it runs. */
export function watchProcesses(effect: Effect): void {
  const functions = childProcess as unknown as Record<string, Start>;
  for (const name of STARTS) {
    const original = functions[name];
    if (!original) continue;
    const watched =
      (start: (...args: unknown[]) => unknown) =>
      (...args: unknown[]): unknown => {
        const command = commandOf(args);
        if (LOOKS.test(command)) return start(...args);
        effect(`run ${command}`);
        const started = start(...args);
        effect(`run ${command}, under way`);
        return started;
      };
    const custom = original[promisify.custom];
    functions[name] = Object.assign(watched(original), custom && { [promisify.custom]: watched(custom) });
  }
}
