import type { Log } from '../../telemetry/log.ts';
import { missing, without } from './change.ts';
import type { Clock } from './clock.ts';
import { areApplied, undoEdits } from './edits.ts';
import type { EndpointOptions, KubeletEndpoint } from './endpoint.ts';
import type { HostFiles } from './host-files.ts';
import type { KubeletRecord, PendingChange } from './journal.ts';
import type { FoundKubelet, NotFound } from './locate.ts';
import { afterChange, afterUndo } from './situation.ts';
import type { ServiceManager } from './systemd.ts';

/** How long a kubelet that may just be starting is waited for. */
const WAIT_MS = 20_000;
const POLL_MS = 500;

export interface RecoveryOptions {
  host: HostFiles;
  services: ServiceManager;
  connect: (options: EndpointOptions) => KubeletEndpoint;
  locate: () => Promise<FoundKubelet | NotFound>;
  clock: Clock;
  log: Log;
}

type Found = { down: boolean; live?: string[] };

async function ask(found: FoundKubelet, connect: RecoveryOptions['connect']): Promise<Found> {
  const endpoint = connect(found.endpoint);
  try {
    if (!(await endpoint.healthy())) return { down: true };
    const live = await endpoint.list().catch(() => undefined);
    return { down: false, ...(live && { live }) };
  } finally {
    endpoint.close();
  }
}

/** The kubelet and its live list, after a while in which it may come up. One that cannot be configured runs, or is none of ours. */
async function waitForKubelet({ locate, connect, clock }: RecoveryOptions): Promise<Found> {
  const deadline = clock.monotonic() + WAIT_MS;
  for (;;) {
    const found = await locate();
    if ('state' in found && found.state === 'Unsupported') return { down: false };
    const state: Found = 'state' in found ? { down: true } : await ask(found, connect);
    if (!state.down || clock.monotonic() >= deadline) return state;
    await clock.sleep(POLL_MS);
  }
}

const isLive = (live: readonly string[], { ours }: PendingChange, had: readonly string[]): boolean =>
  missing(ours, live).length === 0 && without(had, ours).every((gone) => missing([gone], live).length === 1);

/**
 * Finishes a change that was cut short, where the running kubelet has its list already; else puts the files back, and restarts a
 * kubelet that is down. Returns the record without the change. Can be cut short itself at any point and run again.
 */
export async function recoverChange(
  record: KubeletRecord,
  change: PendingChange,
  options: RecoveryOptions,
): Promise<KubeletRecord> {
  const { host, services, log } = options;
  const { down, live } = await waitForKubelet(options);
  if (live && isLive(live, change, record.ours) && areApplied(host, change.edits)) {
    log.info('a change of the kubelet that was cut short turned out to be done');
    return afterChange(record, change);
  }
  undoEdits(host, change, record.ours);
  if (down) {
    log.warn('the kubelet was found down in the middle of a change: its old configuration is back', {
      unit: record.unit,
    });
    await services.restart(record.unit);
  }
  return afterUndo(record, change);
}
