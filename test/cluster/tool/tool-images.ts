import { copyFileSync, existsSync, mkdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { buildah, imagesFolder, save, within } from './buildah.ts';
import { inCache } from './lock.ts';

const APPLETS =
  'sh cat sleep echo sysctl ls grep sed head tail id env mount ip ps nc wget test true false date'.split(' ');

/** pause and busybox as docker archives: one static program each is all they need. */
export async function toolImages(): Promise<string[]> {
  const folder = imagesFolder();
  const archives = ['pause', 'busybox'].map((name) => join(folder, `${name}.tar`));
  await inCache('images', async () => {
    if (!archives.every((file) => existsSync(file))) await makeToolImages(folder);
  });
  return archives;
}

async function makeToolImages(folder: string): Promise<void> {
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
}
