import { expect, it } from '@jest/globals';
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { cacheFolder } from '../cluster/tool/layout.ts';

const PROJECT = join(import.meta.dirname, '..', '..');

/** What a program prints to a pipe, and its exit status. */
const output = (args: readonly string[]): Promise<{ text: string; status: number | null }> =>
  new Promise((resolve, reject) => {
    const child = spawn(process.execPath, args, {
      cwd: PROJECT,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, CLUSTER: join(cacheFolder(), 'demo-test-cluster') },
    });
    let text = '';
    const collect = (chunk: Buffer): void => void (text += chunk.toString());
    child.stdout.on('data', collect);
    child.stderr.on('data', collect);
    child.once('error', reject);
    child.once('close', (status) => resolve({ text, status }));
  });

it('shows the main job on real nodes, plain and within 100 columns when piped, and leaves no cluster', async () => {
  const { text, status } = await output(['scripts/demo/main.ts']);
  if (status !== 0) process.stderr.write(text);
  expect(status).toBe(0);
  const order = [
    'kubectl apply -k',
    'Failed: SysctlForbidden',
    'profile elasticsearch    Ready, AllNodesReady: 1 node has every sysctl',
    'pod search               Running',
    'inside it net.ipv4.tcp_retries2 is 5',
    'found and put back to 1',
    'somebody else made it 90; put back to 1',
    'KubeletHeld',
    'every value, the kubelet and the node’s labels are as before',
    'the cluster is down',
    'done in',
  ];
  const places = order.map((words) => text.indexOf(words));
  expect(Object.fromEntries(order.map((words, i) => [words, (places[i] ?? -1) >= 0]))).toEqual(
    Object.fromEntries(order.map((words) => [words, true])),
  );
  expect(places).toEqual(places.toSorted((a, b) => a - b));
  expect(text).not.toContain('\u001B');
  expect(text.split('\n').filter((line) => line.length > 100 && !/^ {4}/.test(line))).toEqual([]);
}, 1_200_000);
