import { setTimeout as sleep } from 'node:timers/promises';
import { kubectlJson } from './cluster.ts';
import { screen } from './screen.ts';

interface Condition {
  type: string;
  status: string;
  reason: string;
  message: string;
}

interface Item {
  kind: string;
  metadata: { name: string };
  status?: {
    phase?: string;
    reason?: string;
    conditions?: Condition[];
    kubelet?: { state: string; allowedUnsafeSysctls?: string[] };
  };
}

export interface Fact {
  who: string;
  what: string;
  good: boolean | undefined;
}

function factOf({ kind, metadata, status }: Item): Fact | undefined {
  const { name } = metadata;
  if (kind === 'Pod') {
    const what = status?.reason ? `${status.phase}: ${status.reason}` : (status?.phase ?? 'Pending');
    return { who: `pod ${name}`, what, good: status?.phase === 'Running' };
  }
  const ready = status?.conditions?.find(({ type }) => type === 'Ready');
  if (!ready) return undefined;
  const kubelet =
    status?.kubelet && status.kubelet.state !== 'Unmanaged' ? `; kubelet ${status.kubelet.state}` : '';
  return {
    who: kind === 'Node' ? name : kind === 'SysctlProfile' ? `profile ${name}` : `agent of ${name}`,
    what: `${ready.status === 'True' ? 'Ready' : 'not Ready'}, ${ready.reason}: ${ready.message}${kubelet}`,
    good: ready.status === 'True',
  };
}

/**
 * Shows every change of the objects as it happens until the check holds for them. Throws when that takes too long, with what was
 * there last.
 */
export async function follow(
  kinds: string,
  done: (facts: ReadonlyMap<string, Fact>) => boolean,
  seconds = 60,
): Promise<void> {
  const started = performance.now();
  let shown = new Map<string, Fact>();
  for (;;) {
    const { items } = await kubectlJson<{ items: Item[] }>('get', kinds);
    const facts = new Map<string, Fact>();
    for (const fact of items.map(factOf)) if (fact) facts.set(fact.who, fact);
    const elapsed = performance.now() - started;
    for (const fact of facts.values())
      if (shown.get(fact.who)?.what !== fact.what) screen.change(elapsed, fact.who, fact.what, fact.good);
    for (const { who } of shown.values()) if (!facts.has(who)) screen.change(elapsed, who, 'gone', undefined);
    shown = facts;
    if (done(facts)) return;
    if (elapsed > seconds * 1000)
      throw new Error(
        `not within ${seconds} s; last: ${[...facts.values()].map(({ who, what }) => `${who}: ${what}`).join('; ')}`,
      );
    await sleep(150);
  }
}

/** Polls a value until it is as wanted; resolves with how long that took, in ms. */
export async function until(find: () => Promise<string>, wanted: string, seconds = 60): Promise<number> {
  const started = performance.now();
  for (;;) {
    const found = await find();
    const elapsed = performance.now() - started;
    if (found === wanted) return elapsed;
    if (elapsed > seconds * 1000) throw new Error(`expected ${wanted}, found ${found}, after ${seconds} s`);
    await sleep(100);
  }
}
