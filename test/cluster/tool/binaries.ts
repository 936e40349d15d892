import {
  accessSync,
  chmodSync,
  constants,
  existsSync,
  mkdirSync,
  readdirSync,
  realpathSync,
  renameSync,
  rmSync,
  symlinkSync,
} from 'node:fs';
import { join } from 'node:path';
import { download, online } from './download.ts';
import { build } from './go-build.ts';
import { cacheFolder } from './layout.ts';
import { inCache } from './lock.ts';
import { onPath, run, say } from './shell.ts';
import { CONTAINERD, KUBERNETES, PROGRAMS, versions } from './versions.ts';

const executable = (file: string): boolean => {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
};

const minor = (pattern: RegExp, text: string): number => Number(pattern.exec(text)?.[1] ?? Number.NaN);

/**
 * True when an installed program's answer to --version suits the pinned versions. Kubernetes must be of the same minor release:
 * a kubelet may not be newer than its API server.
 */
export function isSuitable(name: string, answer: string): boolean {
  if (KUBERNETES.includes(name))
    return minor(/v1\.(\d+)\./, answer) === minor(/v1\.(\d+)\./, versions().kubernetes);
  if (name === 'etcd') return minor(/Version: 3\.(\d+)\./, answer) >= 5;
  return minor(/v?2\.(\d+)\./, answer) >= 0;
}

/** A suitable program on PATH; ctr and the shim are judged by containerd, which they come with. */
async function installed(name: string): Promise<string | undefined> {
  const file = onPath(name);
  const judged = CONTAINERD.includes(name) ? onPath('containerd') : file;
  if (!file || !judged) return undefined;
  const answer = await run(judged, name === 'kubectl' ? ['version', '--client'] : ['--version']).catch(
    () => '',
  );
  return isSuitable(name, answer) ? file : undefined;
}

/** Where a program is already: in KUBEBUILDER_ASSETS, on PATH, or in the cache. */
async function present(name: string, cached: string): Promise<string | undefined> {
  const assets = process.env['KUBEBUILDER_ASSETS'];
  if (assets && executable(join(assets, name))) return join(assets, name);
  return (await installed(name)) ?? (executable(join(cached, name)) ? join(cached, name) : undefined);
}

function sayWhatAssetsLack(): void {
  const assets = process.env['KUBEBUILDER_ASSETS'];
  const lacking = assets ? PROGRAMS.filter((name) => !executable(join(assets, name))) : [];
  if (lacking.length > 0)
    say(`KUBEBUILDER_ASSETS=${assets} does not hold ${lacking.join(', ')}: taken from elsewhere`);
}

/** Downloads or builds programs into the cache; the cache never holds half of one. */
async function get(missing: readonly string[], cached: string): Promise<void> {
  for (const left of readdirSync(join(cached, '..')).filter((name) => name.endsWith('.part')))
    rmSync(join(cached, '..', left), { recursive: true, force: true });
  const fresh = `${cached}.part`;
  mkdirSync(fresh, { recursive: true });
  try {
    const downloaded =
      (await online()) &&
      (await download(missing, fresh).then(
        () => true,
        (error: Error) => {
          say(`the download failed (${error.message})`);
          return false;
        },
      ));
    if (!downloaded) await build(missing, fresh);
    for (const name of PROGRAMS.filter((program) => existsSync(join(fresh, program)))) {
      chmodSync(join(fresh, name), 0o755);
      renameSync(join(fresh, name), join(cached, name));
    }
  } finally {
    rmSync(fresh, { recursive: true, force: true });
  }
}

/**
 * Puts links to all ten programs into a cluster's `bin` folder: for each from KUBEBUILDER_ASSETS, from PATH, from the cache, by download,
 * or built from the Go modules, in that order.
 */
export async function ensureBinaries(bin: string): Promise<void> {
  const { kubernetes, containerd } = versions();
  const cached = join(cacheFolder(), 'bin', `${kubernetes}-${containerd}`);
  mkdirSync(cached, { recursive: true });
  sayWhatAssetsLack();
  await inCache('bin', async () => {
    const missing: string[] = [];
    for (const name of PROGRAMS) if (!(await present(name, cached))) missing.push(name);
    if (missing.length > 0) await get(missing, cached);
  });
  mkdirSync(bin, { recursive: true });
  for (const name of PROGRAMS) {
    const file = await present(name, cached);
    if (!file) throw new Error(`${name} is still missing after the build`);
    // What PATH or KUBEBUILDER_ASSETS names may be this very link.
    const real = realpathSync(file);
    rmSync(join(bin, name), { force: true });
    symlinkSync(real, join(bin, name));
  }
}
