import { spawn } from 'node:child_process';
import { renameSync } from 'node:fs';
import { join } from 'node:path';
import { run, say } from './shell.ts';
import { CONTAINERD, GO, KUBERNETES, versions } from './versions.ts';

/** sudo and cron drop the folder in which Go's own installer puts it. */
const environment = (): NodeJS.ProcessEnv => ({
  ...process.env,
  PATH: `${process.env['PATH'] ?? ''}:/usr/local/go/bin`,
  CGO_ENABLED: '0',
  // Halves the compiler's time for twice its memory.
  GOGC: '400',
  GOFLAGS: '-trimpath',
});

/** How many packages a module's tools are made of; with an empty build cache each is compiled. */
async function packagesOf(cwd: string): Promise<number> {
  try {
    return (await run('go', ['list', '-deps', 'tool'], { cwd, env: environment() })).split('\n').length - 1;
  } catch (error) {
    throw new Error(
      `Go >= 1.26 is needed to build the binaries (or set KUBEBUILDER_ASSETS): ${String(error)}`,
      { cause: error },
    );
  }
}

/** `go build` with a line of progress every ten seconds. */
async function goBuild(folder: string, args: readonly string[], about: string): Promise<void> {
  const cwd = join(GO, folder);
  const total = await packagesOf(cwd);
  const started = Date.now();
  let compiled = 0;
  let last = '';
  const child = spawn('go', ['build', '-v', ...args, 'tool'], {
    cwd,
    env: environment(),
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  child.stderr.on('data', (chunk: Buffer) => {
    compiled += chunk.toString().split('\n').length - 1;
    last = (last + chunk.toString()).slice(-2000);
  });
  const progress = (): void =>
    say(
      `  ${about}: ${compiled} of at most ${total} packages compiled, ${Math.round((Date.now() - started) / 1000)} s`,
    );
  const timer = setInterval(progress, 10_000);
  try {
    const code = await new Promise((resolve, reject) => {
      child.once('error', reject);
      child.once('close', resolve);
    });
    if (code !== 0) throw new Error(`go build of ${about} failed:\n${last}`);
  } finally {
    clearInterval(timer);
  }
}

/** Builds from the two pinned modules. */
export async function build(missing: readonly string[], folder: string): Promise<void> {
  const { kubernetes, containerd } = versions();
  say(
    `building ${missing.join(', ')} from Go modules: some minutes once, seconds when the Go build cache is warm`,
  );
  if (missing.some((m) => m === 'etcd' || KUBERNETES.includes(m))) {
    const at = 'k8s.io/component-base/version';
    const minor = kubernetes.split('.')[1];
    const flags = `-s -w -X ${at}.gitVersion=${kubernetes} -X ${at}.gitMajor=1 -X ${at}.gitMinor=${minor} -X ${at}.gitTreeState=clean`;
    await goBuild('kubernetes', ['-o', `${folder}/`, '-ldflags', flags], `Kubernetes ${kubernetes} and etcd`);
    renameSync(join(folder, 'server'), join(folder, 'etcd'));
  }
  if (missing.some((m) => CONTAINERD.includes(m))) {
    const flags = `-s -w -X github.com/containerd/containerd/v2/version.Version=${containerd}`;
    await goBuild(
      'containerd',
      ['-o', `${folder}/`, '-ldflags', flags, '-tags', 'no_btrfs,no_devmapper,no_zfs'],
      `containerd ${containerd}`,
    );
  }
}
