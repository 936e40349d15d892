import { afterEach, describe, expect, it } from '@jest/globals';
import { spawn } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { PROJECT } from './tool/layout.ts';
import { run } from './tool/shell.ts';

const TOOL = join(PROJECT, 'test/cluster/tool/main.ts');
const folders: string[] = [];

const tool = (dir: string, ...args: string[]): Promise<string> =>
  run(process.execPath, [TOOL, ...args], { cwd: PROJECT, env: { ...process.env, CLUSTER: dir } });

const environment = (pid: string): string[] => {
  try {
    return readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0');
  } catch {
    return [];
  }
};

/** Everything on this machine that a cluster changes, without what belongs to other clusters. */
async function machine(dir: string): Promise<Record<string, unknown>> {
  const mark = `SYSCTL_OPERATOR_CLUSTER=${dir}`;
  const cgroups = readdirSync('/sys/fs/cgroup', { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .flatMap(({ name }) => readdirSync(join('/sys/fs/cgroup', name)).map((child) => `${name}/${child}`))
    .filter((name) => /\/k8s-/.test(name));
  return {
    processes: readdirSync('/proc').filter((pid) => /^\d+$/.test(pid) && environment(pid).includes(mark)),
    mounts: readFileSync('/proc/self/mounts', 'utf8')
      .split('\n')
      .filter((line) => line.includes(dir)),
    links: (await run('ip', ['-o', 'link'])).match(/(?<=^\d+: )[^:@]+/gm)?.toSorted(),
    cgroups: cgroups.toSorted(),
    slots: readdirSync('/run/sysctl-operator-clusters/slots').toSorted(),
  };
}

afterEach(async () => {
  for (const dir of folders.splice(0)) {
    await tool(dir, 'down');
    await rm(dir, { recursive: true, force: true });
  }
});

describe('npm run cluster', () => {
  for (const seconds of [1, 3, 6])
    it(`down leaves nothing of a cluster whose start was killed after ${seconds} s`, async () => {
      const dir = await mkdtemp(join(tmpdir(), 'killed-cluster-'));
      folders.push(dir);
      const before = await machine(dir);
      const child = spawn(process.execPath, [TOOL, 'up', '--nodes', '1'], {
        cwd: PROJECT,
        stdio: 'ignore',
        env: { ...process.env, CLUSTER: dir },
      });
      await sleep(seconds * 1000);
      child.kill('SIGKILL');
      await new Promise((resolve) => child.once('exit', resolve));
      expect(existsSync(dir)).toBe(true);
      await tool(dir, 'down');
      expect(await machine(dir)).toEqual(before);
    });

  it('up is idempotent, exec runs in the node, and down leaves nothing', async () => {
    const dir = await mkdtemp(join(tmpdir(), 'idempotent-cluster-'));
    folders.push(dir);
    const before = await machine(dir);
    await tool(dir, 'up', '--nodes', '1');
    const pids = (await machine(dir))['processes'];
    await tool(dir, 'up', '--nodes', '1');
    expect((await machine(dir))['processes']).toEqual(pids);
    expect(await tool(dir, 'exec', 'node-1', 'hostname')).toBe('node-1\n');
    expect(await tool(dir, 'exec', 'node-1', '--', 'sh', '-c', 'echo $0 a b', 'x')).toBe('x a b\n');
    expect(await tool(dir, 'status')).toMatch(/^node-1\s+Ready/m);
    await expect(tool(dir, 'exec', 'node-9', 'true')).rejects.toThrow('node-9 is not running');
    await tool(dir, 'down');
    expect(await machine(dir)).toEqual(before);
    await expect(tool(dir, 'env')).rejects.toThrow('no cluster is up; start one with: npm run cluster -- up');
  });
});
