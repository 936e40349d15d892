import { messageOf } from '../../errors.ts';
import type { Clock } from './clock.ts';
import type { KubeletEndpoint } from './endpoint.ts';
import type { ServiceManager } from './systemd.ts';

const POLL_MS = 250;
/** systemd has started it again this often by itself: it is not going to come up. */
const CRASHES = 2;

export interface RestartOptions {
  services: ServiceManager;
  unit: string;
  endpoint: KubeletEndpoint;
  /** Why the live list is not what it should be; undefined when it is. */
  check: (live: string[]) => string | undefined;
  timeoutMs: number;
  clock: Clock;
}

/** up: runs, and its list is as it should be. unread: runs, but its list cannot be read. down: does not run, or has another list. */
export type RestartResult = { state: 'up'; live: string[] } | { state: 'unread' | 'down'; message: string };

/** The line of the kubelet's last ones that says why it ended, without its timestamp. */
function reason(lines: string): string {
  const line = lines
    .trim()
    .split('\n')
    .findLast((l) => /err(or)?[=:]|failed/i.test(l));
  if (line === undefined) return '';
  return `: ${/err="((?:[^"\\]|\\.)*)"/.exec(line)?.[1]?.replaceAll(String.raw`\"`, '"') ?? line}`.slice(
    0,
    400,
  );
}

/** Restarts the kubelet through its unit and waits until it runs with the list. systemctl's answer says nothing: the unit is Type=simple. */
export async function restartKubelet({
  services,
  unit,
  endpoint,
  check,
  timeoutMs,
  clock,
}: RestartOptions): Promise<RestartResult> {
  const before = await services.show(unit);
  try {
    await services.restart(unit);
  } catch (error) {
    return { state: 'down', message: `${unit} was not restarted: ${messageOf(error)}` };
  }
  const base = (await services.show(unit))?.restarts ?? 0;
  const deadline = clock.monotonic() + timeoutMs;
  let unread: string | undefined;
  while (clock.monotonic() < deadline) {
    const now = await services.show(unit);
    // What it said before counts only as long as it runs.
    unread = undefined;
    if (now && now.restarts - base >= CRASHES)
      return {
        state: 'down',
        message: `${unit} ended ${now.restarts} times${reason(await services.lastWords(unit))}`,
      };
    if (now && now.mainPid > 0 && now.mainPid !== before?.mainPid && (await endpoint.healthy())) {
      try {
        const live = await endpoint.list();
        const wrong = check(live);
        return wrong === undefined ? { state: 'up', live } : { state: 'down', message: wrong };
      } catch (error) {
        unread = messageOf(error);
      }
    }
    await clock.sleep(POLL_MS);
  }
  if (unread !== undefined) return { state: 'unread', message: unread };
  return {
    state: 'down',
    message: `${unit} was not healthy within ${timeoutMs / 1000} s${reason(await services.lastWords(unit))}`,
  };
}
