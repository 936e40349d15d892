import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { cacheFolder } from './layout.ts';
import { run, succeeds } from './shell.ts';

/** The archives of images, kept between runs. */
export const imagesFolder = (): string => {
  const folder = join(cacheFolder(), 'images');
  mkdirSync(folder, { recursive: true });
  return folder;
};

/** buildah without user namespaces or overlay mounts: works in containers and on plain virtual machines. */
export const buildahEnvironment = (): NodeJS.ProcessEnv => ({
  ...process.env,
  BUILDAH_ISOLATION: 'chroot',
  STORAGE_DRIVER: 'vfs',
});
export const buildah = (...args: string[]): Promise<string> =>
  run('buildah', args, { env: buildahEnvironment() });

/** Calls `work` with a new folder that is removed afterwards. */
export async function within<T>(name: string, work: (folder: string) => Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), `sysctl-operator-${name}-`));
  try {
    return await work(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Writes a docker archive of an image; whole or not at all. */
export async function save(image: string, archive: string): Promise<void> {
  const part = `${archive}.part`;
  rmSync(part, { force: true });
  if (await succeeds('docker', ['image', 'inspect', image])) await run('docker', ['save', '-o', part, image]);
  else await buildah('push', '-q', image, `docker-archive:${part}:${image}`);
  renameSync(part, archive);
}

/** A docker archive of a local image, or the file itself when it is one already. */
export async function archiveOf(image: string): Promise<string> {
  if (existsSync(image) && statSync(image).isFile()) return image;
  const archive = join(imagesFolder(), `${image.replaceAll(/[^A-Za-z0-9.]+/g, '-')}.tar`);
  await save(image, archive);
  return archive;
}
