import { createHash } from 'node:crypto';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { run, say } from './shell.ts';
import { CONTAINERD, KUBERNETES, versions } from './versions.ts';

const ARCHITECTURE: Record<string, string> = { x64: 'amd64', arm64: 'arm64' };

async function fetchFile(url: string): Promise<Buffer> {
  const response = await fetch(url, { signal: AbortSignal.timeout(300_000) });
  if (!response.ok) throw new Error(`${url}: ${response.status}`);
  return Buffer.from(await response.arrayBuffer());
}

/** Answers within four seconds whether the release site can be reached. */
export async function online(): Promise<boolean> {
  try {
    return (await fetch('https://dl.k8s.io/release/stable.txt', { signal: AbortSignal.timeout(4_000) })).ok;
  } catch {
    return false;
  }
}

/** The content, when its SHA-256 is among the published sums; throws otherwise. */
export function verify(content: Buffer, sums: string, file: string): Buffer {
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
export async function download(missing: readonly string[], folder: string): Promise<void> {
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
