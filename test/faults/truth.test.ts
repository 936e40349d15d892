import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect } from '@jest/globals';
import { addNode, existing, removeNode } from '../cluster/tool/cluster.ts';
import {
  applyProfile,
  clean,
  live,
  onNode,
  setByHand,
  waitCondition,
  waitReady,
} from '../node/support/cluster.ts';
import { scenario } from '../node/support/scene.ts';
import { Sampler } from './support/sampler.ts';
import { lagOf, untruths } from './support/truth.ts';

const PROFILE = 'sampled';
const LINK = 'faults0';
const SOMAXCONN = 'net.core.somaxconn';
const BACKLOG = 'net.ipv4.tcp_max_syn_backlog';
const PORT_START = 'net.ipv4.ip_unprivileged_port_start';
const PORT_RANGE = 'net.ipv4.ip_local_port_range';
const OF_LINK = `net.ipv4.conf.${LINK}.rp_filter`;
const KEYS = [SOMAXCONN, BACKLOG, PORT_START, OF_LINK];

const edit = (values: Record<string, string>): Promise<string> =>
  applyProfile(PROFILE, {
    nodeSelector: {},
    sysctls: Object.entries(values).map(([name, value]) => ({ name, value, scope: 'Node' })),
    rollout: { maxUnavailable: 1 },
  });

describe('the status of a profile', () => {
  let nodes: string[];
  let added: string | undefined;
  let sampler: Sampler | undefined;

  beforeAll(async () => {
    if (existing().nodes().length < 3) await addNode((added = 'node-3'));
    nodes = existing().nodes();
  });
  beforeEach(clean);
  afterEach(async () => {
    await sampler?.stop();
    for (const node of nodes)
      await onNode(
        node,
        'sh',
        '-c',
        `ip link del ${LINK} 2>/dev/null; sysctl -w "${PORT_RANGE}=32768 60999"`,
      );
    await clean();
  });
  afterAll(async () => {
    if (added) await removeNode(added);
  });

  scenario(
    'is never True while a node lacks a value, nor False for more than two seconds when the last one has it',
    async () => {
      const lacking = nodes.at(-1) ?? '';
      for (const node of nodes)
        if (node !== lacking) await onNode(node, 'ip', 'link', 'add', LINK, 'type', 'bridge');
      // This node's kernel alone refuses ports of everybody above 1500.
      const refusing = nodes[1] ?? '';
      await setByHand(refusing, PORT_RANGE, '1500 60999');
      sampler = new Sampler(existing(), PROFILE, nodes, KEYS);
      const { edit: during } = { edit: sampler.edit.bind(sampler) };
      const succeeds = async (name: string, values: Record<string, string>): Promise<void> => {
        await during(name, values, () => edit(values));
        await waitReady(PROFILE);
        for (const node of nodes)
          for (const [key, value] of Object.entries(values)) expect(await live(node, key)).toBe(value);
        // Long enough to be seen as it stays.
        await sleep(500);
      };
      const fails = async (
        name: string,
        values: Record<string, string>,
        node: string,
        key: string,
      ): Promise<void> => {
        await during(name, values, () => edit(values));
        const { status } = await waitCondition(PROFILE, ({ reason }) => reason === 'NodeFailed');
        expect(status?.failures).toEqual([expect.objectContaining({ node, name: key })]);
        await sleep(1500);
      };
      await succeeds('a first rollout', { [SOMAXCONN]: '5001', [BACKLOG]: '5001' });
      await succeeds('an edit', { [SOMAXCONN]: '5002', [BACKLOG]: '5001' });
      await fails(
        'a value that one kernel refuses',
        { [SOMAXCONN]: '5003', [PORT_START]: '1800' },
        refusing,
        PORT_START,
      );
      await succeeds('a value that all take', { [SOMAXCONN]: '5004', [PORT_START]: '1400' });
      await fails('a key that one node lacks', { [SOMAXCONN]: '5005', [OF_LINK]: '2' }, lacking, OF_LINK);
      await onNode(lacking, 'ip', 'link', 'add', LINK, 'type', 'bridge');
      await succeeds('a key that all have', { [SOMAXCONN]: '5006', [OF_LINK]: '1' });

      const epochs = await sampler.stop();
      expect(epochs.flatMap(untruths)).toEqual([]);
      // What was to fail has failed, and enough was seen to say so.
      expect(epochs.map((epoch) => lagOf(epoch) !== undefined)).toEqual([
        true,
        true,
        false,
        true,
        false,
        true,
      ]);
      for (const { samples } of epochs) expect(samples.length).toBeGreaterThanOrEqual(8);
      process.stderr.write(
        `${epochs.map((epoch) => `${epoch.name}: ${epoch.samples.length} samples, Ready ${lagOf(epoch)?.toFixed(0) ?? 'never'} ms after the last`).join('\n')}\n`,
      );
    },
  );
});
