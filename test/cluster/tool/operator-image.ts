import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { ensureBaseImage } from './base-image.ts';
import { buildah, imagesFolder, save } from './buildah.ts';
import { PROJECT } from './layout.ts';
import { inCache } from './lock.ts';
import { run, say, succeeds } from './shell.ts';

/** What the image of the operator is called in a development cluster. */
export const IMAGE = 'localhost/sysctl-operator:dev';
const PREFIX = 'sysctl-operator-';
/** Archives that are kept, about 0.3 GB each. */
const KEPT = 6;
const INPUTS = [
  'Dockerfile',
  '.npmrc',
  'package.json',
  'package-lock.json',
  'tsconfig.json',
  'scripts/build.ts',
  'scripts/packed.ts',
  'operator',
];

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
  for (const file of INPUTS.flatMap(filesBelow))
    hash
      .update(file)
      .update('\0')
      .update(readFileSync(join(PROJECT, file)));
  return hash.digest('hex');
}

/** Builds the project's Dockerfile, with docker where an engine runs and buildah elsewhere; returns a docker archive. */
export const operatorImage = (): Promise<string> => inCache('images', build);

async function build(): Promise<string> {
  // Named by what went into it: several checkouts on one machine do not take each other's image.
  const archive = join(imagesFolder(), `${PREFIX}${inputsHash().slice(0, 16)}.tar`);
  if (existsSync(archive)) return archive;
  say('building the image from the Dockerfile');
  if (await succeeds('docker', ['info'])) {
    await run('docker', ['build', '-q', '-t', IMAGE, PROJECT]);
  } else {
    await ensureBaseImage();
    await buildah('bud', '-q', '--pull-never', '--layers', '-t', IMAGE, PROJECT);
  }
  await save(IMAGE, archive);
  forgetOldest(archive);
  return archive;
}

function forgetOldest(newest: string): void {
  const folder = imagesFolder();
  const archives = readdirSync(folder)
    .filter((name) => name.startsWith(PREFIX))
    .map((name) => join(folder, name))
    .toSorted((a, b) => statSync(b).mtimeMs - statSync(a).mtimeMs);
  for (const archive of archives.slice(KEPT)) if (archive !== newest) rmSync(archive, { force: true });
}
