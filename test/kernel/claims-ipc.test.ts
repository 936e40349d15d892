import { afterEach, expect } from '@jest/globals';
import { describe as entryOf } from '../../operator/sysctl/catalog/index.ts';
import { borrowing } from './support/host-values.ts';
import { Places } from './support/place.ts';
import { scenario, suite } from './support/scenario.ts';

/** What a new namespace starts with, and another value that the kernel takes. */
const IPC: Readonly<Record<string, [fresh: string, other: string]>> = {
  'kernel.sem': ['32000\t1024000000\t500\t32000', '250\t256000\t32\t1024'],
  'kernel.msgmax': ['8192', '8193'],
  'kernel.msgmnb': ['16384', '16385'],
  'kernel.msgmni': ['32000', '31999'],
  'kernel.shmall': ['18446744073692774399', '18446744073692774398'],
  'kernel.shmmax': ['18446744073692774399', '18446744073692774398'],
  'kernel.shmmni': ['4096', '4095'],
  'kernel.shm_rmid_forced': ['0', '1'],
  'fs.mqueue.msg_default': ['10', '9'],
  'fs.mqueue.msg_max': ['10', '11'],
  'fs.mqueue.msgsize_default': ['8192', '8193'],
  'fs.mqueue.msgsize_max': ['8192', '8193'],
  'fs.mqueue.queues_max': ['256', '257'],
};
const NAMES = Object.keys(IPC);
const fresh = Object.fromEntries(Object.entries(IPC).map(([name, [value]]) => [name, value]));

suite('IPC namespaces', () => {
  const places = new Places();
  afterEach(() => places.close());

  const read = async (place: { ask: (...probes: ['get', string][]) => Promise<string[]> }) => {
    const values = await place.ask(...NAMES.map((name): ['get', string] => ['get', name]));
    return Object.fromEntries(NAMES.map((name, i) => [name, values[i]]));
  };

  scenario('a new namespace starts with the values that are compiled in', NAMES, async () => {
    expect(await read(await places.fresh('ipc'))).toEqual(fresh);
  });

  scenario('what the creating namespace changed is not handed on', NAMES, async () => {
    const parent = await places.fresh('ipc');
    for (const [name, [, other]] of Object.entries(IPC))
      expect(await parent.puts(name, other)).toEqual(['OK', other]);
    expect(await read(await parent.inside('ipc'))).toEqual(fresh);
  });

  // shm_rmid_forced=1 would destroy segments of the machine.
  const harmless = NAMES.filter((name) => name !== 'kernel.shm_rmid_forced');
  scenario('nor is what the machine has', harmless, async () => {
    await borrowing(harmless, async (set) => {
      for (const name of harmless) set(name, IPC[name]?.[1] ?? '');
      const machine = await read(await places.host());
      expect(harmless.filter((name) => machine[name] !== IPC[name]?.[1])).toEqual([]);
      expect(await read(await places.fresh('ipc'))).toEqual(fresh);
    });
  });

  scenario('a write stays in its namespace', NAMES, async () => {
    const [one, other] = [await places.fresh('ipc'), await places.fresh('ipc')];
    for (const [name, [, value]] of Object.entries(IPC)) await one.put(name, value);
    expect(await read(other)).toEqual(fresh);
  });

  const also = ['kernel.msg_next_id', 'kernel.sem_next_id', 'kernel.shm_next_id', 'kernel.auto_msgmni'];
  scenario(
    'the namespace holds 17 sysctls: these 13, three *_next_id and auto_msgmni, and the catalog knows them',
    also,
    async () => {
      const place = await places.fresh('ipc');
      for (const name of also.slice(0, 3)) expect(await place.get(name)).toBe('-1');
      expect([...NAMES, ...also].filter((name) => entryOf(name)?.namespace !== 'ipc')).toEqual([]);
      // Accepted and ignored since Linux 3.19.
      expect(await place.puts('kernel.auto_msgmni', '1')).toEqual(['OK', '0']);
    },
  );
});
