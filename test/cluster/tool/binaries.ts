import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  accessSync,
  chmodSync,
  constants,
  existsSync,
  mkdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { cacheFolder, type Layout } from './layout.ts';
import { onPath, run, say } from './shell.ts';

const GO = join(import.meta.dirname, '..', 'go');
const KUBERNETES = [
  'kube-apiserver',
  'kube-controller-manager',
  'kube-scheduler',
  'kube-proxy',
  'kubelet',
  'kubectl',
];
const CONTAINERD = ['containerd', 'containerd-shim-runc-v2', 'ctr'];
const ALL = [...KUBERNETES, 'etcd', ...CONTAINERD];
/** Oldest versions that the manifests and the node layout are made for. */
const MINIMUM: Record<string, [pattern: RegExp, minor: number]> = {
  ...Object.fromEntries(KUBERNETES.map((name) => [name, [/v1\.(\d+)\./, 34] as [RegExp, number]])),
  etcd: [/Version: 3\.(\d+)\./, 5],
  containerd: [/v?2\.(\d+)\./, 0],
};

const moduleVersion = (folder: string, module: string): string => {
  const found = new RegExp(`${module.replaceAll('.', '\\.')} (v\\S+)`).exec(
    readFileSync(join(GO, folder, 'go.mod'), 'utf8'),
  );
  if (!found?.[1]) throw new Error(`test/cluster/go/${folder}/go.mod does not name ${module}`);
  return found[1];
};
const versions = () => ({
  kubernetes: moduleVersion('kubernetes', 'k8s.io/kubernetes'),
  etcd: moduleVersion('kubernetes', 'go.etcd.io/etcd/server/v3'),
  containerd: moduleVersion('containerd', 'github.com/containerd/containerd/v2'),
});

const executable = (file: string): boolean => {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
};

/** A program on PATH that is new enough; ctr and the shim are taken only together with containerd. */
async function installed(name: string): Promise<string | undefined> {
  const file = onPath(name);
  if (!file) return undefined;
  const [pattern, minor] = MINIMUM[CONTAINERD.includes(name) ? 'containerd' : name] ?? [/^/, 0];
  const probe = CONTAINERD.includes(name) ? onPath('containerd') : file;
  if (!probe) return undefined;
  const args = name === 'kubectl' ? ['version', '--client'] : ['--version'];
  const found = pattern.exec(await run(probe, args).catch(() => ''));
  return found && Number(found[1]) >= minor ? file : undefined;
}

/** Folders of binaries that are there already, or undefined for those to get. */
async function present(name: string, built: string): Promise<string | undefined> {
  const assets = process.env['KUBEBUILDER_ASSETS'];
  if (assets && executable(join(assets, name))) return join(assets, name);
  return (await installed(name)) ?? (executable(join(built, name)) ? join(built, name) : undefined);
}

const ARCHITECTURE: Record<string, string> = { x64: 'amd64', arm64: 'arm64' };

async function fetchFile(url: string): Promise<Buffer> {
  const response = await fetch(url, { signal: AbortSignal.timeout(300_000) });
  if (!response.ok) throw new Error(`${url}: ${response.status}`);
  return Buffer.from(await response.arrayBuffer());
}

async function online(): Promise<boolean> {
  try {
    return (await fetch('https://dl.k8s.io/release/stable.txt', { signal: AbortSignal.timeout(4_000) })).ok;
  } catch {
    return false;
  }
}

function verify(content: Buffer, sums: string, file: string): Buffer {
  const sum = createHash('sha256').update(content).digest('hex');
  if (!sums.split(/\s+/).includes(sum)) throw new Error(`${file}: the checksum is wrong`);
  return content;
}

async function unpack(
  archive: Buffer,
  folder: string,
  names: readonly string[],
  strip: number,
): Promise<void> {
  const file = join(folder, '.archive.tar.gz');
  writeFileSync(file, archive);
  const members = (await run('tar', ['tzf', file]))
    .split('\n')
    .filter((m) => names.includes(m.split('/').at(-1) ?? ''));
  await run('tar', ['xzf', file, '-C', folder, `--strip-components=${strip}`, ...members]);
  rmSync(file);
}

/** The released binaries, verified by their published checksums. */
async function download(missing: readonly string[], folder: string): Promise<void> {
  const arch = ARCHITECTURE[process.arch] ?? process.arch;
  const { kubernetes, etcd, containerd } = versions();
  say(`downloading ${missing.join(', ')}`);
  for (const name of missing.filter((m) => KUBERNETES.includes(m))) {
    const url = `https://dl.k8s.io/release/${kubernetes}/bin/linux/${arch}/${name}`;
    writeFileSync(
      join(folder, name),
      verify(await fetchFile(url), (await fetchFile(`${url}.sha256`)).toString(), name),
      { mode: 0o755 },
    );
  }
  if (missing.includes('etcd')) {
    const base = `https://github.com/etcd-io/etcd/releases/download/${etcd}`;
    const name = `etcd-${etcd}-linux-${arch}.tar.gz`;
    await unpack(
      verify(await fetchFile(`${base}/${name}`), (await fetchFile(`${base}/SHA256SUMS`)).toString(), name),
      folder,
      ['etcd'],
      1,
    );
  }
  if (missing.some((m) => CONTAINERD.includes(m))) {
    const name = `containerd-${containerd.slice(1)}-linux-${arch}.tar.gz`;
    const url = `https://github.com/containerd/containerd/releases/download/${containerd}/${name}`;
    await unpack(
      verify(await fetchFile(url), (await fetchFile(`${url}.sha256sum`)).toString(), name),
      folder,
      CONTAINERD,
      1,
    );
  }
}

/** `go build` with a line of progress every ten seconds. */
function goBuild(folder: string, args: readonly string[], about: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const env = { ...process.env, CGO_ENABLED: '0', GOGC: '400', GOFLAGS: '-trimpath' };
    const child = spawn('go', ['build', '-v', ...args, 'tool'], {
      cwd: join(GO, folder),
      env,
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    let lines = 0;
    let last = '';
    const started = Date.now();
    const timer = setInterval(
      () => say(`  ${about}: ${lines} packages compiled, ${Math.round((Date.now() - started) / 1000)} s`),
      10_000,
    );
    child.stderr.on('data', (chunk: Buffer) => {
      lines += chunk.toString().split('\n').length - 1;
      last = (last + chunk.toString()).slice(-2000);
    });
    child.once('error', (error) =>
      reject(
        new Error(`Go >= 1.26 is needed to build the binaries (or set KUBEBUILDER_ASSETS): ${error.message}`),
      ),
    );
    child.once('close', (code) => {
      clearInterval(timer);
      if (code === 0) resolve();
      else reject(new Error(`go build of ${about} failed:\n${last}`));
    });
  });
}

/** Builds from the two pinned modules. */
async function build(missing: readonly string[], folder: string): Promise<void> {
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

/**
 * Puts all ten binaries into the cluster's bin/: from KUBEBUILDER_ASSETS, from PATH, from the cache, by download, or built from the
 * Go modules, in that order for each.
 */
export async function ensureBinaries(layout: Layout): Promise<void> {
  const { kubernetes, containerd } = versions();
  const cached = join(cacheFolder(), 'bin', `${kubernetes}-${containerd}`);
  mkdirSync(cached, { recursive: true });
  const missing: string[] = [];
  for (const name of ALL) if (!(await present(name, cached))) missing.push(name);
  if (missing.length > 0) {
    const fresh = `${cached}.${process.pid}`;
    mkdirSync(fresh, { recursive: true });
    try {
      await ((await online())
        ? download(missing, fresh).catch(async (error: Error) => {
            say(`download failed (${error.message})`);
            await build(missing, fresh);
          })
        : build(missing, fresh));
      for (const name of ALL) {
        if (!existsSync(join(fresh, name))) continue;
        chmodSync(join(fresh, name), 0o755);
        renameSync(join(fresh, name), join(cached, name));
      }
    } finally {
      rmSync(fresh, { recursive: true, force: true });
    }
  }
  mkdirSync(layout.bin, { recursive: true });
  for (const name of ALL) {
    const file = await present(name, cached);
    if (!file) throw new Error(`${name} is still missing after the build`);
    // What PATH names may be this very link.
    const real = realpathSync(file);
    rmSync(join(layout.bin, name), { force: true });
    symlinkSync(real, join(layout.bin, name));
  }
}
