import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ensureBaseImage } from './base-image.ts';
import { buildah, imagesFolder, save } from './buildah.ts';
import { PROJECT } from './layout.ts';
import { inCache } from './lock.ts';
import { run, say, succeeds } from './shell.ts';

/** What the image of the operator is called in a development cluster. */
export const IMAGE = 'localhost/sysctl-operator:dev';
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
  const archive = join(imagesFolder(), 'sysctl-operator.tar');
  const stamp = `${archive}.inputs`;
  const inputs = inputsHash();
  if (existsSync(archive) && existsSync(stamp) && readFileSync(stamp, 'utf8') === inputs) return archive;
  say('building the image from the Dockerfile');
  if (await succeeds('docker', ['info'])) {
    await run('docker', ['build', '-q', '-t', IMAGE, PROJECT]);
  } else {
    await ensureBaseImage();
    await buildah('bud', '-q', '--pull-never', '--layers', '-t', IMAGE, PROJECT);
  }
  await save(IMAGE, archive);
  writeFileSync(stamp, inputs);
  return archive;
}
