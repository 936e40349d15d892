import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { Namespaces, type AgentProcess } from './support/namespaces.ts';
import { suite } from './support/scenario.ts';
import { nothing, revision } from './support/revision.ts';

const NAME = 'kernel.msgmax';

suite('a value that somebody else writes', () => {
  let namespaces: Namespaces;
  let agent: AgentProcess;

  beforeEach(async () => {
    namespaces = await Namespaces.make();
    agent = namespaces.agent();
  });
  afterEach(() => namespaces.remove());

  test('is corrected by the next sweep, and only told as corrected', async () => {
    await agent.apply(
      revision('one', { name: NAME, value: '10000' }, { name: 'net.core.somaxconn', value: '1000' }),
    );
    await agent.foreign(NAME, '5000');
    const { corrected, deviations, counts, effects } = await agent.sweep();
    expect(corrected).toEqual([{ name: NAME, from: '5000', to: '10000' }]);
    expect(deviations).toEqual([]);
    expect(counts).toEqual({ inSync: 2, drifted: 0, failed: 0, unsupported: 0, foreign: 0 });
    expect(effects).toContain(`write ${NAME}`);
    expect(effects).not.toContain('write net.core.somaxconn');
    expect(await agent.read(NAME)).toBe('10000');
  });

  test('is restored to the true original after corrections', async () => {
    await agent.apply(revision('one', { name: NAME, value: '10000' }));
    await agent.foreign(NAME, '5000');
    await agent.sweep();
    await agent.apply(nothing);
    expect(await agent.read(NAME)).toBe('8192');
  });

  test('is left and reported where the policy says Report, also by an agent that is started again or gets another revision', async () => {
    const entry = { name: NAME, value: '10000', drift: 'Report' } as const;
    await agent.apply(revision('one', entry));
    await agent.foreign(NAME, '5000');
    const drifted = expect.objectContaining({
      name: NAME,
      state: 'Drifted',
      desired: '10000',
      live: '5000',
      message: `${NAME}: somebody else changed it from 10000 to 5000; driftPolicy Report leaves it`,
    });
    expect((await agent.sweep()).deviations).toEqual([drifted]);
    await agent.kill();
    agent = namespaces.agent();
    expect((await agent.apply(revision('one', entry))).deviations).toEqual([drifted]);
    const other = await agent.apply(revision('two', entry, { name: 'net.core.somaxconn', value: '1000' }));
    expect(other.deviations).toEqual([drifted]);
    expect(await agent.read(NAME)).toBe('5000');
  });

  test('is corrected where the policy says Report as soon as the profile wants another value', async () => {
    const entry = { name: NAME, value: '10000', drift: 'Report' } as const;
    await agent.apply(revision('one', entry));
    await agent.foreign(NAME, '5000');
    await agent.apply(revision('two', { ...entry, value: '11000' }));
    expect(await agent.read(NAME)).toBe('11000');
  });

  test('again and again is not fought over for ever, and the likely writers are named', async () => {
    const fought = revision('one', { name: NAME, value: '10000' });
    await agent.apply(fought);
    for (let round = 1; round <= 5; round++) {
      await agent.foreign(NAME, '5000');
      expect((await agent.sweep()).corrected).toHaveLength(1);
    }
    await agent.foreign(NAME, '5000');
    const { corrected, deviations, effects } = await agent.sweep();
    expect(corrected).toEqual([]);
    expect(effects).toEqual([]);
    expect(deviations).toEqual([
      expect.objectContaining({
        state: 'Contested',
        message: expect.stringMatching(/another writer keeps changing it.*systemd-sysctl or TuneD/),
      }),
    ]);
    expect(await agent.read(NAME)).toBe('5000');
    await agent.apply({ ...fought, name: 'two' });
    expect(await agent.read(NAME)).toBe('10000');
  });

  test('is not noticed as drift where a bound still holds', async () => {
    await agent.apply(revision('one', { name: NAME, value: '10000', match: 'AtLeast' }));
    await agent.foreign(NAME, '20000');
    const { deviations, effects } = await agent.sweep();
    expect(deviations).toEqual([]);
    expect(effects).toEqual([]);
    await agent.foreign(NAME, '5000');
    await agent.sweep();
    expect(await agent.read(NAME)).toBe('10000');
  });
});
