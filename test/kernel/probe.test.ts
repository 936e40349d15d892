import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { beforeAll, expect, test } from '@jest/globals';
import type { KernelStatus } from '../../operator/api/state.ts';
import { parseProbe } from '../../operator/agent/probe/parse.ts';
import { knownNames, probeKernel } from '../../operator/agent/probe/probe.ts';
import { MARK, SCRIPT } from '../../operator/agent/probe/script.ts';
import { KernelView } from '../../operator/sysctl/kernel/view.ts';
import { judge, measure, type Measurement } from './support/measure.ts';
import { suite } from './support/scenario.ts';

/** That everybody's key is the node's shows only when it is set, for ever. */
const NOT_TO_BE_TOLD = 'net.netfilter.nf_hooks_lwtunnel';
const KINDS = ['net', 'ipc', 'uts', 'user', 'pid', 'mnt'];

/**
 * Links of other processes' namespaces. One that has ended, and whose parent does not look, is in none any more but still has a link to its
 * user namespace, for as long as nobody looks: it does not count.
 */
function namespaces(): Set<string> {
  const found = new Set<string>();
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name)))
    try {
      const links = KINDS.map((kind) => readlinkSync(`/proc/${pid}/ns/${kind}`));
      for (const link of links) found.add(link);
    } catch {
      // It has ended.
    }
  return found;
}

/** Processes of a probe, by their environment: every one that it starts inherits it. */
const processesOf = (mark: string): string[] =>
  readdirSync('/proc').filter((pid) => {
    try {
      return /^\d+$/.test(pid) && readFileSync(`/proc/${pid}/environ`, 'utf8').includes(`PROBE_TEST=${mark}`);
    } catch {
      return false;
    }
  });

/** Every writable value that does not change by itself. */
function values(): Map<string, string> {
  const counters = /^(fs\.(dentry-state|file-nr|inode)|kernel\.(random|ns_last_pid|pty\.nr))|_next_id$|-nr$/;
  const seen = new Map<string, string>();
  for (const name of knownNames()) {
    if (counters.test(name) || name.includes('*') || name === 'vm.stat_refresh') continue;
    try {
      seen.set(name, readFileSync(`/proc/sys/${name.replaceAll('.', '/')}`, 'utf8'));
    } catch {
      // Not here, or write-only.
    }
  }
  return seen;
}

/** What is different after some work. Others live on this machine too, so that it is the least of a few tries. */
async function leastChanges(work: () => Promise<void>): Promise<string[]> {
  let changes: string[] = [];
  for (let attempt = 0; attempt < 5; attempt++) {
    const [before, inside] = [values(), namespaces()];
    // oxlint-disable-next-line no-await-in-loop -- one after the other is the point
    await work();
    const changed = [...values()].filter(([name, value]) => before.get(name) !== value).map(([name]) => name);
    // A namespace is seen until the last process in it has ended, which has no environment any more by then.
    const limit = performance.now() + 1000;
    let left = [...namespaces()].filter((link) => !inside.has(link));
    while (left.length > 0 && performance.now() < limit) {
      // oxlint-disable-next-line no-await-in-loop -- polls
      await new Promise((resolve) => setTimeout(resolve, 20));
      left = [...namespaces()].filter((link) => !inside.has(link));
    }
    changes = [...changed, ...left];
    if (changes.length === 0) break;
  }
  return changes;
}

const untilGone = async (mark: string): Promise<void> => {
  const limit = performance.now() + 4000;
  while (processesOf(mark).length > 0) {
    if (performance.now() > limit) throw new Error(`still there: ${processesOf(mark).join(' ')}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
};

suite("the probe of this machine's kernel", () => {
  let seen: Measurement;
  let kernel: KernelStatus;
  let problems: string;

  beforeAll(async () => {
    seen = measure();
    ({ kernel, problems } = await probeKernel());
  });

  test('comes through without a word of any of its programs', () => {
    expect(problems).toBe('');
    expect(kernel.digest).toMatch(/^[0-9a-f]{16}$/);
  });

  test('agrees with an independent measurement on what new namespaces have of every writable file', () => {
    const view = new KernelView(kernel);
    const names = [...seen.host].filter(([name, file]) => file.writable && name !== NOT_TO_BE_TOLD);
    expect(names.length).toBeGreaterThan(500);
    const differences = names.flatMap(([name]) => {
      const measured = judge(name, seen);
      const { podPresence } = view.placement(name);
      return podPresence === measured.presence
        ? []
        : [`${name}: ${podPresence}, measured ${measured.presence}`];
    });
    expect(differences).toEqual([]);
  });

  test("agrees with it on which of the catalog's files the node does not have, or nobody can write", () => {
    const view = new KernelView(kernel);
    const names = knownNames().map((name) => ({ name, file: name.replace('.*.', '.lo.') }));
    const lacking = names.filter(({ file }) => !seen.host.get(file)?.writable).map(({ name }) => name);
    const found = names
      .map(({ name }) => name)
      .filter((name) => ['missing', 'notWritable'].includes(view.find(name) ?? ''));
    expect(found).toEqual(lacking);
  });

  test('sees names of a new UTS namespace that are not on the node', () => {
    const output = execFileSync('sh', ['-c', SCRIPT], { encoding: 'utf8' });
    expect(parseProbe(output).ownNames).toEqual(new Set(['kernel.hostname', 'kernel.domainname']));
    expect(readFileSync('/proc/sys/kernel/hostname', 'utf8')).not.toContain(MARK);
  });

  test('finds the same again', async () => {
    expect((await probeKernel()).kernel).toEqual(kernel);
  });

  test('leaves values, namespaces and processes as they were', async () => {
    expect(values().size).toBeGreaterThan(500);
    const changes = await leastChanges(async () => {
      await probeKernel(`export PROBE_TEST=whole\n${SCRIPT}`);
      expect(processesOf('whole')).toEqual([]);
    });
    expect(changes).toEqual([]);
  });

  test.each([0, 1, 2, 3, 5, 8, 12, 16, 20, 25])('leaves nothing when killed after %d ms', async (delay) => {
    const changes = await leastChanges(async () => {
      const mark = `killed-${delay}`;
      const first = spawn('sh', ['-c', SCRIPT], {
        stdio: 'ignore',
        env: { ...process.env, PROBE_TEST: mark },
      });
      const ended = once(first, 'exit');
      await new Promise((resolve) => setTimeout(resolve, delay));
      // Only the first process, as the kernel's OOM killer would: the others must end by themselves.
      first.kill('SIGKILL');
      await ended;
      await untilGone(mark);
    });
    expect(changes).toEqual([]);
  });

  test('is ended as a whole when it takes too long, with what it has started', async () => {
    const slow = 'export PROBE_TEST=slow; unshare --net --uts sh -c "sleep 300" & sleep 300';
    await expect(probeKernel(slow, 100)).rejects.toMatchObject({ code: 'ProbeFailed' });
    expect(processesOf('slow')).toEqual([]);
  });

  test('says nothing of a part that it could not look at', async () => {
    const withoutNamespaces = SCRIPT.replaceAll('unshare', 'no-such-program');
    const result = await probeKernel(withoutNamespaces);
    expect(result.problems).toContain('no-such-program');
    expect(Object.keys(result.kernel.differences ?? {})).toEqual(Object.keys(kernel.differences ?? {}));
    const view = new KernelView(result.kernel);
    expect(view.placement('kernel.msgmax')).toEqual({ namespace: 'ipc', podPresence: 'own' });
  });
});
