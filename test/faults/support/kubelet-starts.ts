import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Layout } from '../../cluster/tool/layout.ts';

/**
 * How often the kubelet of a node has come up so far: it says its version once in a life. A life that ended at once, because containerd was
 * away, is not counted: systemd begins the next one by itself.
 */
export function kubeletStarts(layout: Layout, node: string): number {
  const log = readFileSync(join(layout.log, node, 'kubelet.log'), 'utf8');
  const count = (text: string): number => log.split(text).length - 1;
  return count('"Kubelet version"') - count('"command failed" err="failed to run Kubelet');
}

/** A stretch of the life of a node, in ms. */
export interface Stretch {
  from: number;
  to: number;
}

/** What a fault does may show so long after it, in ms: programs come back, and wait for others before they give up. */
const AFTERMATH_MS = 10_000;

/**
 * How often the agent may restart the kubelet: once for each change of the list, and for each fault in the middle of one once to put the
 * old list back and once to try again.
 */
export const allowedRestarts = (changes: readonly Stretch[], faults: readonly Stretch[]): number =>
  changes.reduce(
    (sum, { from, to }) =>
      sum + 1 + 2 * faults.filter((fault) => fault.from <= to && fault.to + AFTERMATH_MS >= from).length,
    0,
  );
