import { copyFileSync, cpSync, existsSync, mkdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { buildah, buildahEnvironment, within } from './buildah.ts';
import { PROJECT } from './layout.ts';
import { run, say, succeeds } from './shell.ts';

const BASE = 'node:24-bookworm-slim';
/** buildah finds a short name here too, so the stand-in never takes the place of the real image. */
const STAND_IN = `localhost/${BASE}`;

const nodeVersion = (): string => {
  const manifest = JSON.parse(readFileSync(join(PROJECT, 'package.json'), 'utf8')) as {
    devDependencies: Record<string, string>;
  };
  return manifest.devDependencies['node'] ?? '24';
};

/** The first Debian mirror that this machine installs from. */
async function debianMirror(): Promise<string[]> {
  const text = await run('sh', [
    '-c',
    'cat /etc/apt/sources.list /etc/apt/sources.list.d/* 2>/dev/null || true',
  ]);
  const found = /^(?:URIs:|deb(?: \[[^\]]*\])?)\s+(\S+)/m.exec(text)?.[1];
  return found ? [found] : [];
}

/**
 * The Dockerfile's base image: what is there, what a registry has, or a stand-in for node:24-bookworm-slim, where no image registry can be reached: Debian by debootstrap, Node from the npm package that
 * carries its binary, npm from this machine. Made once (about 45 s).
 */
export async function ensureBaseImage(): Promise<void> {
  const env = buildahEnvironment();
  if (await succeeds('buildah', ['inspect', '--type', 'image', BASE], { env })) return;
  // A registry that cannot be reached must not be waited for.
  if (await succeeds('timeout', ['120', 'buildah', 'pull', '-q', BASE], { env })) return;
  say(`no image registry can be reached: making a stand-in for ${BASE} (once, about 45 s)`);
  await within('base', async (folder) => {
    const root = join(folder, 'root');
    await run('debootstrap', [
      '--variant=minbase',
      '--include=ca-certificates',
      'bookworm',
      root,
      ...(await debianMirror()),
    ]);
    await run('npm', ['pack', '--silent', `node-linux-${process.arch}@${nodeVersion()}`], { cwd: folder });
    await run('sh', ['-c', 'tar xzf node-linux-*.tgz'], { cwd: folder });
    copyFileSync(join(folder, 'package/bin/node'), join(root, 'usr/local/bin/node'));
    const modules = join(root, 'usr/local/lib/node_modules');
    mkdirSync(modules, { recursive: true });
    cpSync(join((await run('npm', ['root', '-g'])).trim(), 'npm'), join(modules, 'npm'), { recursive: true });
    for (const name of ['npm', 'npx'])
      symlinkSync(`../lib/node_modules/npm/bin/${name}-cli.js`, join(root, 'usr/local/bin', name));
    // This machine's own trust, for npm ci inside the build.
    const certificates = 'etc/ssl/certs/ca-certificates.crt';
    if (existsSync(`/${certificates}`)) copyFileSync(`/${certificates}`, join(root, certificates));
    for (const path of ['var/cache/apt/archives', 'var/lib/apt/lists'])
      rmSync(join(root, path), { recursive: true, force: true });
    const container = (await buildah('from', 'scratch')).trim();
    await buildah('copy', '-q', container, root, '/');
    await buildah(
      'config',
      '--env',
      `NODE_EXTRA_CA_CERTS=/${certificates}`,
      '--env',
      'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
      '--cmd',
      'node',
      container,
    );
    await buildah('commit', '-q', container, STAND_IN);
    await buildah('rm', container);
  });
}
