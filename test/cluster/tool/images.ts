import { createHash } from 'node:crypto';
import {
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { cacheFolder } from './layout.ts';
import { run, say, succeeds } from './shell.ts';

const PROJECT = join(import.meta.dirname, '..', '..', '..');
/** What the image of the operator is called in a development cluster. */
export const IMAGE = 'localhost/sysctl-operator:dev';
const NODE_IMAGE = 'docker.io/library/node:24-bookworm-slim';
const APPLETS = [
  'sh',
  'cat',
  'sleep',
  'echo',
  'sysctl',
  'ls',
  'grep',
  'sed',
  'head',
  'tail',
  'id',
  'env',
  'mount',
  'ip',
  'ps',
  'nc',
  'wget',
  'test',
  'true',
];

/** buildah without user namespaces or overlay mounts: works in containers and on plain virtual machines. */
const buildahEnvironment = (): NodeJS.ProcessEnv => ({
  ...process.env,
  BUILDAH_ISOLATION: 'chroot',
  STORAGE_DRIVER: 'vfs',
});
const buildah = (...args: string[]): Promise<string> => run('buildah', args, { env: buildahEnvironment() });
const imagesFolder = (): string => join(cacheFolder(), 'images');

async function within<T>(name: string, work: (folder: string) => Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), `sysctl-operator-${name}-`));
  try {
    return await work(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** pause and busybox as docker archives: one static program each is all they need. */
export async function toolImages(): Promise<string[]> {
  const folder = imagesFolder();
  mkdirSync(folder, { recursive: true });
  const archives = ['pause', 'busybox'].map((name) => join(folder, `${name}.tar`));
  if (archives.every((file) => existsSync(file))) return archives;
  await within('images', async (root) => {
    mkdirSync(join(root, 'bin'));
    copyFileSync('/bin/busybox', join(root, 'bin/busybox'));
    for (const applet of APPLETS) symlinkSync('busybox', join(root, 'bin', applet));
    const container = (await buildah('from', 'scratch')).trim();
    await buildah('copy', '-q', container, root, '/');
    await buildah('config', '--entrypoint', '["/bin/sleep","2147483647"]', container);
    await buildah('commit', '-q', container, 'local.test/pause:1');
    await buildah('config', '--entrypoint', '[]', '--cmd', '/bin/sh', container);
    await buildah('commit', '-q', container, 'local.test/busybox:1');
    await buildah('rm', container);
  });
  for (const name of ['pause', 'busybox']) await save(`local.test/${name}:1`, join(folder, `${name}.tar`));
  return archives;
}

async function save(image: string, archive: string): Promise<void> {
  rmSync(archive, { force: true });
  await buildah('push', '-q', image, `docker-archive:${archive}:${image}`);
}

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
 * A stand-in for node:24-bookworm-slim, where no image registry can be reached: Debian by debootstrap, Node from the npm package that
 * carries its binary, npm from this machine. Made once (about 45 s).
 */
async function standInBase(): Promise<void> {
  if (await succeeds('buildah', ['inspect', '--type', 'image', NODE_IMAGE], { env: buildahEnvironment() }))
    return;
  if (await succeeds('buildah', ['pull', '--retry', '0', NODE_IMAGE], { env: buildahEnvironment() })) return;
  say(`  no image registry can be reached: making a stand-in for ${NODE_IMAGE} (once)`);
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
    await buildah('commit', '-q', container, NODE_IMAGE);
    await buildah('rm', container);
  });
}

function filesBelow(path: string): string[] {
  const full = join(PROJECT, path);
  if (!existsSync(full)) return [];
  if (statSync(full).isFile()) return [path];
  return readdirSync(full)
    .toSorted()
    .flatMap((name) => filesBelow(join(path, name)));
}

/** Changes with everything that goes into the image. */
function inputsHash(): string {
  const hash = createHash('sha256');
  for (const file of [
    'Dockerfile',
    'package.json',
    'package-lock.json',
    'scripts/build.ts',
    'operator',
  ].flatMap(filesBelow))
    hash
      .update(file)
      .update('\0')
      .update(readFileSync(join(PROJECT, file)));
  return hash.digest('hex');
}

/** Builds the project's Dockerfile, with docker where an engine runs and buildah elsewhere; returns a docker archive. */
export async function operatorImage(): Promise<string> {
  mkdirSync(imagesFolder(), { recursive: true });
  const archive = join(imagesFolder(), 'sysctl-operator.tar');
  const stamp = `${archive}.inputs`;
  const inputs = inputsHash();
  if (existsSync(archive) && existsSync(stamp) && readFileSync(stamp, 'utf8') === inputs) return archive;
  say('  building the image from the Dockerfile');
  if (await succeeds('docker', ['info'])) {
    await run('docker', ['build', '-q', '-t', IMAGE, PROJECT]);
    await run('docker', ['save', '-o', archive, IMAGE]);
  } else {
    await standInBase();
    await buildah('bud', '-q', '--pull-never', '--layers', '-t', IMAGE, PROJECT);
    await save(IMAGE, archive);
  }
  writeFileSync(stamp, inputs);
  return archive;
}

/** A docker archive of an image name or of a file that is one already. */
export async function archiveOf(image: string): Promise<string> {
  if (existsSync(image) && statSync(image).isFile()) return image;
  const archive = join(imagesFolder(), `${image.replaceAll(/[^A-Za-z0-9.]+/g, '-')}.tar`);
  if (await succeeds('docker', ['image', 'inspect', image]))
    await run('docker', ['save', '-o', archive, image]);
  else await save(image, archive);
  return archive;
}
