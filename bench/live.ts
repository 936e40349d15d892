/**
 * On a cluster with the operator installed (npm run cluster -- up && npm run cluster -- install): the time from the PATCH of a
 * profile to the value in the node's kernel and to the profile's Ready condition, and the memory of the agent.
 *   npm run bench
 */
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { KubeConfig } from '@kubernetes/client-node';
import { paths } from '../operator/api/names.ts';
import type { SysctlProfile } from '../operator/api/profile.ts';
import { conditionOf } from '../operator/api/conditions.ts';
import { contentTypes } from '../operator/kube/api-server.ts';
import { ClientNodeApiServer } from '../operator/kube/client-node-api-server.ts';
import { existing } from '../test/cluster/tool/cluster.ts';
import { kubectl } from '../test/cluster/tool/install.ts';
import { nodeExec } from '../test/cluster/tool/node-exec.ts';
import { pidOf } from '../test/cluster/tool/processes.ts';

const ROUNDS = 20;
const NAME = 'bench-live';
const NODE = 'node-1';
const FILE = '/proc/sys/net/core/somaxconn';

const layout = existing();
const config = new KubeConfig();
config.loadFromFile(layout.kubeconfig);
const api = new ClientNodeApiServer(config);
const nodePid = pidOf(layout, NODE);

const now = (): number => Number(process.hrtime.bigint()) / 1e6;
const percentile = (sorted: readonly number[], p: number): string =>
  (sorted[Math.min(sorted.length - 1, Math.floor((sorted.length * p) / 100))] ?? 0).toFixed(0);

/** A program in the node's network namespace that tells, on the same monotonic clock, when the value changes. */
const WATCHER = `
const { readFileSync } = require('node:fs');
let last = '';
setInterval(() => {
  const value = readFileSync('${FILE}', 'utf8').trim();
  if (value !== last) console.log(value, Number(process.hrtime.bigint()) / 1e6);
  last = value;
}, 1);`;

const setValue = (value: number, method: 'PATCH' | 'POST' = 'PATCH'): Promise<SysctlProfile> => {
  const spec = {
    nodeSelector: { matchLabels: { 'kubernetes.io/hostname': NODE } },
    sysctls: [{ name: 'net.core.somaxconn', value, scope: 'Node' }],
  };
  const body = {
    apiVersion: 'sysctl-operator.dev/v1alpha1',
    kind: 'SysctlProfile',
    metadata: { name: NAME },
    spec,
  };
  if (method === 'POST') return api.request<SysctlProfile>({ method, path: paths.profiles, body });
  return api.request<SysctlProfile>({
    method,
    path: `${paths.profiles}/${NAME}`,
    contentType: contentTypes.mergePatch,
    body: { spec },
  });
};

async function ready(generation: number): Promise<number> {
  for (;;) {
    const profile = await api.request<SysctlProfile>({ method: 'GET', path: `${paths.profiles}/${NAME}` });
    const condition = conditionOf(profile.status?.conditions, 'Ready');
    if (condition?.status === 'True' && condition.observedGeneration === generation) return now();
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}

function memory(pid: string): string {
  const status = readFileSync(`/proc/${nodePid}/root/proc/${pid}/status`, 'utf8');
  const kb = (key: string): string =>
    (Number(new RegExp(`${key}:\\s+(\\d+)`).exec(status)?.[1]) / 1024).toFixed(1);
  return `RSS ${kb('VmRSS')} MiB, of it anonymous ${kb('RssAnon')} MiB`;
}

async function main(): Promise<void> {
  const watcher = spawn('nsenter', ['-t', String(nodePid), '-n', process.execPath, '-e', WATCHER], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const seen = new Map<string, number>();
  createInterface(watcher.stdout).on('line', (line) => {
    const [value = '', at] = line.split(' ');
    seen.set(value, Number(at));
  });
  const live: number[] = [];
  const told: number[] = [];
  try {
    await ready((await setValue(20_000, 'POST')).metadata.generation ?? 0);
    for (let i = 1; i <= ROUNDS; i++) {
      await new Promise((resolve) => setTimeout(resolve, 300));
      const value = 20_000 + i;
      const started = now();
      const { metadata } = await setValue(value);
      told.push((await ready(metadata.generation ?? 0)) - started);
      live.push((seen.get(String(value)) ?? Number.NaN) - started);
    }
    for (const [what, times] of [
      ['value live on the node', live],
      ['profile Ready', told],
    ] as const) {
      const sorted = times.toSorted((a, b) => a - b);
      console.log(
        `PATCH to ${what}: p50 ${percentile(sorted, 50)} ms, p95 ${percentile(sorted, 95)} ms (${ROUNDS} times)`,
      );
    }
    const pid = (await nodeExec(layout, NODE, 'pgrep', '-f', 'main.cjs agent')).trim().split('\n')[0] ?? '';
    console.log(`agent: ${memory(pid)}`);
  } finally {
    watcher.kill();
    await kubectl(layout, 'delete', 'sysctlprofile', NAME, '--ignore-not-found');
    api.close();
  }
}

await main();
