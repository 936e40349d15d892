import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { Killed, Namespaces, type AgentProcess } from './support/namespaces.ts';
import { suite } from './support/scenario.ts';
import { nothing, revision } from './support/revision.ts';

const MSGMAX = 'kernel.msgmax';
const SOMAXCONN = 'net.core.somaxconn';
const originals = { [MSGMAX]: '8192', [SOMAXCONN]: '4096' };
const one = revision('one', { name: MSGMAX, value: '10000' }, { name: SOMAXCONN, value: '1000' });
const two = revision('two', { name: MSGMAX, value: '20000' }, { name: SOMAXCONN, value: '2000' });

const values = async (agent: AgentProcess): Promise<Record<string, string>> => ({
  [MSGMAX]: await agent.read(MSGMAX),
  [SOMAXCONN]: await agent.read(SOMAXCONN),
});

suite('who owns a value', () => {
  let namespaces: Namespaces;

  beforeEach(async () => {
    namespaces = await Namespaces.make();
  });
  afterEach(() => namespaces.remove());

  test('the old values come back when the revision no longer has the keys, and the ledger forgets them', async () => {
    const agent = namespaces.agent();
    expect((await agent.apply(one)).originals).toEqual(originals);
    const { originals: left, deviations } = await agent.apply(nothing);
    expect(await values(agent)).toEqual(originals);
    expect(left).toEqual({});
    expect(deviations).toEqual([]);
  });

  /** Kills the agent before its n-th effect for every n, and gives how often; the last life goes through. */
  const walk = async (before: 'nothing' | 'one', kill: typeof one): Promise<number> => {
    for (let killAt = 1; ; killAt++) {
      if (before === 'one') await (await fresh()).apply(one);
      const agent = namespaces.agent({ killAt });
      const killed = await agent.apply(kill).then(
        () => false,
        (error: unknown) => error instanceof Killed || Promise.reject(error),
      );
      const next = await fresh();
      const { deviations } = await next.apply(nothing);
      expect([killAt, await values(next), deviations]).toEqual([killAt, originals, []]);
      if (!killed) return killAt - 1;
    }
  };
  const fresh = async (): Promise<AgentProcess> => namespaces.agent();

  test('an agent that is killed before any of its effects restores the true originals when it is started again', async () => {
    // The ledger, two values.
    expect(await walk('nothing', one)).toBe(3);
  });

  test('so it does when it is killed on the way from one revision to another', async () => {
    expect(await walk('one', two)).toBe(3);
  });

  test('so it does when it is killed while it restores', async () => {
    // Two values, the ledger.
    expect(await walk('one', nothing)).toBe(3);
  });

  test('so it does when it is killed twice in a row between the ledger and the kernel', async () => {
    await (await fresh()).apply(one);
    for (const next of [
      two,
      revision('three', { name: MSGMAX, value: '30000' }, { name: SOMAXCONN, value: '3000' }),
    ])
      await expect(namespaces.agent({ killAt: 2 }).apply(next)).rejects.toThrow(Killed);
    const agent = await fresh();
    expect((await agent.apply(nothing)).deviations).toEqual([]);
    expect(await values(agent)).toEqual(originals);
  });

  test('a value that somebody else wrote meanwhile is not put back but reported until the next revision, also by a new agent', async () => {
    const agent = namespaces.agent();
    await agent.apply(one);
    await agent.foreign(MSGMAX, '12345');
    const { deviations, originals: left } = await agent.apply(nothing);
    expect(await values(agent)).toEqual({ ...originals, [MSGMAX]: '12345' });
    expect(deviations).toEqual([
      expect.objectContaining({ name: MSGMAX, state: 'Foreign', live: '12345', desired: '8192' }),
    ]);
    expect(left).toEqual({});
    expect((await agent.sweep()).deviations).toHaveLength(1);
    await agent.kill();
    const next = namespaces.agent();
    expect((await next.apply(nothing)).deviations).toHaveLength(1);
    expect((await next.apply(revision('other'))).deviations).toEqual([]);
  });

  test('removalPolicy Keep leaves the value, also when only the policy was edited', async () => {
    const agent = namespaces.agent();
    const entry = { name: MSGMAX, value: '10000' };
    await agent.apply(revision('restore', entry));
    await agent.apply(revision('keep', { ...entry, removal: 'Keep' }));
    const { originals: left } = await agent.apply(nothing);
    expect(await agent.read(MSGMAX)).toBe('10000');
    expect(left).toEqual({});
  });

  test('after a reboot the values that are found are the new originals', async () => {
    const before = namespaces.agent({ bootID: 'first boot' });
    await before.apply(one);
    await before.kill();
    const agent = namespaces.agent({ bootID: 'second boot' });
    // The kernel came up with another value than before.
    await agent.foreign(MSGMAX, '9999');
    expect((await agent.apply(one)).originals).toMatchObject({ [MSGMAX]: '9999' });
    await agent.apply(nothing);
    expect(await agent.read(MSGMAX)).toBe('9999');
  });

  test('an AtLeast that is lowered takes the value back down, and to the original where that is enough', async () => {
    const agent = namespaces.agent();
    const bound = (value: string) => revision(value, { name: MSGMAX, value, match: 'AtLeast' });
    await agent.apply(bound('65536'));
    await agent.apply(bound('20000'));
    expect(await agent.read(MSGMAX)).toBe('20000');
    const { originals: left } = await agent.apply(bound('4096'));
    expect(await agent.read(MSGMAX)).toBe('8192');
    expect(left).toEqual({});
  });

  test('a value that was right from the start is what is put back after a drift was corrected', async () => {
    const agent = namespaces.agent();
    await agent.apply(revision('same', { name: MSGMAX, value: '8192' }));
    await agent.foreign(MSGMAX, '5000');
    expect((await agent.sweep()).originals).toEqual({ [MSGMAX]: '8192' });
    await agent.apply(nothing);
    expect(await agent.read(MSGMAX)).toBe('8192');
  });

  test('a ledger that is cut stops every change', async () => {
    const agent = namespaces.agent();
    await agent.apply(one);
    await agent.kill();
    await namespaces.writeLedger((await namespaces.ledger()).slice(0, 40));
    await expect(namespaces.agent().apply(nothing)).rejects.toThrow('is cut or not JSON');
    const reader = namespaces.agent();
    await expect(reader.read(MSGMAX)).rejects.toThrow('is cut or not JSON');
  });
});
