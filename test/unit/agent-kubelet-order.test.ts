import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { NodeAgent } from '../../operator/agent/agent.ts';
import type { NamedRevision } from '../../operator/agent/revisions.ts';
import { StatusWriter } from '../../operator/agent/status-writer.ts';
import {
  MemoryFiles,
  MemoryKernel,
  recordingLog,
  revision,
  stateOf,
  StubApiServer,
  until,
} from './support/agent-fakes.ts';

const INSTANCES = 'fs.inotify.max_user_instances';
const SWAPPINESS = 'vm.swappiness';

let kernel: MemoryKernel;
let api: StubApiServer;
let stop: AbortController;
let agent: NodeAgent;
/** The kernel's values whenever the kubelet was to be brought to a list. */
let atTheKubelet: Record<string, string>[];
let whileItRestarts: () => void;

beforeEach(() => {
  kernel = new MemoryKernel({ [INSTANCES]: '128', [SWAPPINESS]: '60' });
  [api, stop, atTheKubelet] = [new StubApiServer(), new AbortController(), []];
  whileItRestarts = () => {};
  const log = recordingLog();
  agent = new NodeAgent({
    api,
    kernel,
    log,
    files: new MemoryFiles(),
    kubelet: async () => ({
      recover: async () => {},
      refresh: async () => ({ state: 'Synced' }),
      reconcile: async (wanted) => {
        whileItRestarts();
        atTheKubelet.push(Object.fromEntries(kernel.values));
        return { state: wanted.length > 0 ? 'Synced' : 'Unmanaged', allowedUnsafeSysctls: [...wanted] };
      },
    }),
    events: { record: () => {} },
    status: new StatusWriter(api, 'worker-1', log, stop.signal),
    namespace: 'sysctl',
    stateDir: '/state',
    signal: stop.signal,
  });
});
afterEach(() => stop.abort());

async function goTo({ name, data }: NamedRevision, generation: number): Promise<void> {
  api.answer = ({ method }) => (method === 'GET' ? { data } : {});
  agent.stateChanged(stateOf(name, generation));
  await until(() => api.statuses.at(-1)?.observedRevision === name);
}

const tuned = revision(
  'tuned',
  [
    { name: INSTANCES, value: '8192' },
    { name: SWAPPINESS, value: '1' },
  ],
  ['kernel.msgmax'],
);

test('a limit that a kubelet needs is raised before its restart', async () => {
  await goTo(tuned, 1);
  expect(atTheKubelet).toEqual([{ [INSTANCES]: '8192', [SWAPPINESS]: '1' }]);
});

test('and put back only after it, also where a sweep comes meanwhile; other values do not wait', async () => {
  await goTo(tuned, 1);
  whileItRestarts = () => agent.sweep();
  await goTo(revision('empty', []), 2);
  expect(atTheKubelet.at(-1)).toEqual({ [INSTANCES]: '8192', [SWAPPINESS]: '60' });
  expect(Object.fromEntries(kernel.values)).toEqual({ [INSTANCES]: '128', [SWAPPINESS]: '60' });
  expect(api.statuses.at(-1)?.originals).toEqual({});
});

test('a bound that is lowered waits for the restart as well', async () => {
  const bound = (value: string): NamedRevision =>
    revision(`at least ${value}`, [{ name: INSTANCES, value, match: 'AtLeast' }], ['kernel.msgmax']);
  await goTo(bound('8192'), 1);
  await goTo(bound('100'), 2);
  expect(atTheKubelet.map((values) => values[INSTANCES])).toEqual(['8192', '8192']);
  expect(kernel.values.get(INSTANCES)).toBe('128');
});
