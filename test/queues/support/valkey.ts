import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);
const KEYRING = '/usr/share/keyrings/debian-archive-keyring.gpg';
/** The oldest Debian that is used here has it in its backports only; the program runs on later ones too. */
const SOURCE = `deb [signed-by=${KEYRING}] http://deb.debian.org/debian bookworm-backports main\n`;

async function runs(program: string): Promise<boolean> {
  return run(program, ['--version']).then(
    () => true,
    () => false,
  );
}

/** Unpacks it into `folder` with apt's own tools and a list of sources of its own: nothing of the machine is changed. */
async function fetch(folder: string): Promise<void> {
  const work = await mkdtemp(join(tmpdir(), 'valkey-'));
  try {
    await mkdir(join(work, 'lists/partial'), { recursive: true });
    await mkdir(join(work, 'archives/partial'), { recursive: true });
    await writeFile(join(work, 'sources.list'), SOURCE);
    const options = [
      `Dir::Etc::sourcelist=${work}/sources.list`,
      'Dir::Etc::sourceparts=/nonexistent',
      `Dir::State::lists=${work}/lists`,
      `Dir::Cache=${work}`,
      'APT::Sandbox::User=root',
    ].flatMap((option) => ['-o', option]);
    const apt = (...args: string[]): Promise<unknown> =>
      run('apt-get', [...options, ...args], { cwd: work, timeout: 60_000 });
    await apt('update', '-qq');
    await apt('download', '-qq', 'valkey-server', 'valkey-tools');
    for (const file of await readdir(work))
      if (file.endsWith('.deb')) await run('dpkg', ['-x', join(work, file), join(work, 'root')]);
    await mkdir(join(folder, '..'), { recursive: true });
    await rm(folder, { recursive: true, force: true });
    await rename(join(work, 'root'), folder).catch(() => run('cp', ['-a', join(work, 'root'), folder]));
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

/** Path of valkey-server: the machine's own, or Debian's, kept in the cache; undefined, said aloud, where it cannot be had. */
export async function valkeyServer(): Promise<string | undefined> {
  if (await runs('valkey-server')) return 'valkey-server';
  const cache = process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache');
  const folder = join(cache, 'sysctl-operator', 'valkey');
  const program = join(folder, 'usr/bin/valkey-server');
  try {
    if (!(await runs(program))) await fetch(folder);
    if (await runs(program)) return program;
    throw new Error(`${program} does not run here`);
  } catch (error) {
    process.stderr.write(
      `!!! VALKEY SKIPPED: no valkey-server is installed, and Debian's could not be fetched: ${String(error)}\n`,
    );
    return undefined;
  }
}
