import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { Namespaces, type AgentProcess } from './support/namespaces.ts';
import { suite } from './support/scenario.ts';
import { nothing, revision } from './support/revision.ts';

/** Low and high threshold of the fragment reassembly. */
const pair = (low: string, high: string) => [
  { name: 'net.ipv4.ipfrag_low_thresh', value: low },
  { name: 'net.ipv4.ipfrag_high_thresh', value: high },
];

suite('applying a revision to a real kernel', () => {
  let namespaces: Namespaces;
  let agent: AgentProcess;

  beforeEach(async () => {
    namespaces = await Namespaces.make();
    agent = namespaces.agent();
  });
  afterEach(() => namespaces.remove());

  const good = [
    { name: 'net.core.somaxconn', value: '8192' },
    { name: 'net.ipv4.tcp_keepalive_time', value: '600' },
    { name: 'net.ipv4.ip_local_port_range', value: '20000 60000' },
    { name: 'net.ipv4.tcp_rmem', value: '4096 87380 6291456' },
    { name: 'kernel.msgmax', value: '65536' },
    { name: 'kernel.sem', value: '250 32000 100 128' },
    { name: 'fs.mqueue.msg_max', value: '20' },
  ];

  test('one missing, one refused and one read-only key among ten are reported by name and errno, the others are applied', async () => {
    const { deviations, counts } = await agent.apply(
      revision(
        'ten',
        { name: 'net.ipv4.no_such_key', value: '1' },
        { name: 'net.ipv4.tcp_syn_retries', value: '100000' },
        { name: 'net.netfilter.nf_conntrack_max', value: '12345' },
        ...good,
      ),
    );
    expect(counts).toEqual({ inSync: 7, drifted: 0, failed: 2, unsupported: 1, foreign: 0 });
    expect(deviations.map((d) => [d.name, d.state, d.message])).toEqual(
      expect.arrayContaining([
        [
          'net.ipv4.no_such_key',
          'Unsupported',
          'net.ipv4.no_such_key: this kernel does not have it (ENOENT)',
        ],
        [
          'net.ipv4.tcp_syn_retries',
          'Failed',
          'net.ipv4.tcp_syn_retries: the kernel refused "100000" (EINVAL: invalid argument); it has 6',
        ],
        [
          'net.netfilter.nf_conntrack_max',
          'Failed',
          expect.stringMatching(/refused "12345" \(EACCES: permission denied\); it has \d+/),
        ],
      ]),
    );
    expect(await agent.read('kernel.msgmax')).toBe('65536');
    expect(await agent.read('net.core.somaxconn')).toBe('8192');
    expect(await agent.read('kernel.sem')).toBe('250\t32000\t100\t128');
  });

  test('a refused key is not in the ledger and is not written again by the next sweep', async () => {
    await agent.apply(revision('bad', { name: 'net.ipv4.tcp_syn_retries', value: '100000' }));
    const { effects, deviations, originals } = await agent.sweep();
    expect(effects).toEqual([]);
    expect(originals).toEqual({});
    expect(deviations).toHaveLength(1);
  });

  test('values with tabs, rounding and hexadecimal are in sync and stay so', async () => {
    await agent.apply(
      revision(
        'spellings',
        { name: 'net.ipv4.tcp_rmem', value: '4096 87380 6291456' },
        { name: 'net.core.somaxconn', value: '0x2000' },
        { name: 'net.ipv4.icmp_ratelimit', value: '1001' },
        { name: 'net.ipv4.ip_local_reserved_ports', value: '3,1,2,8080' },
      ),
    );
    const { effects, counts, deviations } = await agent.sweep();
    expect(deviations).toEqual([]);
    expect(counts.inSync).toBe(4);
    expect(effects).toEqual([]);
  });

  test('a value that the kernel refuses and keeps in part is found by reading back, and undone like any other', async () => {
    const name = 'net.core.rps_default_mask';
    const before = await agent.read(name);
    const mask = Array<string>(400).fill('ffffffff').join(',');
    const { deviations, originals } = await agent.apply(
      revision('CPUs', { name, value: mask.slice(0, 3500) }),
    );
    expect(deviations).toEqual([
      expect.objectContaining({
        state: 'Failed',
        live: expect.stringMatching(/[1-9a-f]/),
        message: expect.stringContaining('EOVERFLOW'),
      }),
    ]);
    expect(originals).toEqual({ [name]: before });
    await agent.apply(nothing);
    expect(await agent.read(name)).toBe(before);
  });

  test('a value that the kernel takes and ignores is found by reading back', async () => {
    const { deviations, originals } = await agent.apply(
      revision('ignored', { name: 'kernel.auto_msgmni', value: '1' }),
    );
    expect(deviations).toEqual([
      expect.objectContaining({
        state: 'Failed',
        live: '0',
        message: expect.stringContaining('wrote "1", the kernel made it "0"'),
      }),
    ]);
    expect(originals).toEqual({});
  });

  test('a value that the kernel would cut is not written', async () => {
    const { deviations, effects } = await agent.apply(
      revision('long', { name: 'kernel.domainname', value: 'd'.repeat(70) }),
    );
    expect(deviations[0]?.message).toContain('takes 64 bytes, not 70');
    expect(effects).toEqual([]);
    expect(await agent.read('kernel.domainname')).toBe('(none)');
  });

  test('a value that was right and that the write of another key changed is put right at once, and is nobody’s drift', async () => {
    const forwarding = revision(
      'router',
      { name: 'net.ipv4.ip_forward', value: '1' },
      { name: 'net.ipv4.conf.lo.forwarding', value: '0', drift: 'Report' },
    );
    await agent.foreign('net.ipv4.ip_forward', '0');
    const { deviations, counts, originals } = await agent.apply(forwarding);
    expect(deviations).toEqual([]);
    expect(counts.inSync).toBe(2);
    expect(originals).toEqual({ 'net.ipv4.ip_forward': '0', 'net.ipv4.conf.lo.forwarding': '0' });
    expect((await agent.sweep()).corrected).toEqual([]);
    await agent.apply(nothing);
    expect(await agent.read('net.ipv4.conf.lo.forwarding')).toBe('0');
    expect(await agent.read('net.ipv4.ip_forward')).toBe('0');
  });

  test('a value longer than the kernel looks at is not written at all', async () => {
    const ports = Array.from({ length: 1000 }, (_, i) => 10_000 + 2 * i).join(',');
    const { deviations } = await agent.apply(
      revision('ports', { name: 'net.ipv4.ip_local_reserved_ports', value: ports }),
    );
    expect(deviations[0]?.message).toContain('more than the kernel takes at once (4095)');
    expect(await agent.read('net.ipv4.ip_local_reserved_ports')).toBe('');
  });

  test('a wrong number of values is reported and not written, because the kernel would take the first ones', async () => {
    const { deviations, effects } = await agent.apply(
      revision(
        'shapes',
        { name: 'kernel.sem', value: '100' },
        { name: 'net.ipv4.ip_local_port_range', value: '20000' },
        { name: 'net.core.somaxconn', value: '5 trailing' },
      ),
    );
    expect(deviations.map((d) => d.state)).toEqual(['Failed', 'Failed', 'Failed']);
    expect(effects).toEqual([]);
    expect(await agent.read('kernel.sem')).toBe('32000\t1024000000\t500\t32000');
  });

  test('thresholds of which the low one must stay below the high one are raised and lowered in one go', async () => {
    for (const values of [pair('9000000', '9500000'), pair('1000', '2000'), pair('3000', '4000')]) {
      const { deviations } = await agent.apply(revision(`to ${values[0]?.value}`, ...values));
      expect(deviations).toEqual([]);
    }
    const { deviations } = await agent.apply(nothing);
    expect(deviations).toEqual([]);
    expect(await agent.read('net.ipv4.ipfrag_low_thresh')).toBe('3145728');
    expect(await agent.read('net.ipv4.ipfrag_high_thresh')).toBe('4194304');
  });

  test('only what differs is written, and an edit of one key never touches another', async () => {
    await agent.apply(revision('first', ...good));
    const { effects } = await agent.apply(
      revision(
        'second',
        ...good.map((entry) => (entry.name === 'kernel.msgmax' ? { ...entry, value: '70000' } : entry)),
      ),
    );
    expect(effects).toEqual(['ledger', 'write kernel.msgmax']);
  });

  test('a bound that the node keeps already is left alone, one that it does not keep is written', async () => {
    const { effects, originals, counts } = await agent.apply(
      revision(
        'bounds',
        { name: 'net.core.somaxconn', value: '1024', match: 'AtLeast' },
        { name: 'kernel.msgmax', value: '65536', match: 'AtLeast' },
        { name: 'net.ipv4.tcp_keepalive_time', value: '600', match: 'AtMost' },
      ),
    );
    expect(counts.inSync).toBe(3);
    expect(effects).toEqual(['ledger', 'write kernel.msgmax', 'write net.ipv4.tcp_keepalive_time']);
    expect(originals).toEqual({ 'kernel.msgmax': '8192', 'net.ipv4.tcp_keepalive_time': '7200' });
  });

  test('a key of an interface is reached by both spellings of sysctl.d', async () => {
    const { deviations } = await agent.apply(
      revision('lo', { name: 'net.ipv4.conf.lo.rp_filter', value: '2' }),
    );
    expect(deviations).toEqual([]);
    expect(await agent.read('net/ipv4/conf/lo/rp_filter')).toBe('2');
  });
});
