import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Layout } from '../../cluster/tool/layout.ts';

/** How often the kubelet of a node has started so far: it says its version once in a life. */
export const kubeletStarts = (layout: Layout, node: string): number =>
  readFileSync(join(layout.log, node, 'kubelet.log'), 'utf8').split('"Kubelet version"').length - 1;

/** A stretch of the life of a node, in ms. */
export interface Stretch {
  from: number;
  to: number;
}

/**
 * How often the agent may restart the kubelet: once for each change of the list, and for each fault in the middle of one once to put the
 * old list back and once to try again.
 */
export const allowedRestarts = (changes: readonly Stretch[], faults: readonly number[]): number =>
  changes.reduce(
    (sum, { from, to }) => sum + 1 + 2 * faults.filter((at) => at >= from && at <= to).length,
    0,
  );
