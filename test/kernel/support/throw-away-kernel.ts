import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { ensurePrograms } from '../../cluster/tool/packages.ts';

const run = promisify(execFile);
const root = fileURLToPath(new URL('../../..', import.meta.url));
const KERNEL = 'linux.uml';
const BEGIN = '=====begin';
const END = '=====end';
const TIMEOUT_MS = 100_000;
const MAX_OUTPUT = 1 << 26;

/** Debian's user-mode kernel: another version than the machine's, and gone with everything that was done to it. Only for x86. */
export const hasThrowAwayKernel = process.arch === 'x64';

const init = (script: string): string => `#!/bin/sh
export PATH=${dirname(process.execPath)}:/usr/sbin:/usr/bin:/sbin:/bin HOME=/nonexistent LC_ALL=C
mount -t proc proc /proc
mount -t sysfs sys /sys
cd ${root}
echo
echo ${BEGIN}
(${script}) 2>&1
echo
echo ${END}
echo o > /proc/sysrq-trigger
sleep 60
`;

/**
 * Boots the kernel, runs a shell script on it as root with this machine's files to read, and returns what it printed. Two seconds; each
 * time Node is started in there is some more. Throws when the kernel does not come to the script's end.
 */
export async function onThrowAwayKernel(script: string, megabytes = 128): Promise<string> {
  await ensurePrograms({ [KERNEL]: 'user-mode-linux' });
  // Below the project: what init reads must be on the file system that the kernel gets as its root.
  const folder = await mkdtemp(join(root, 'node_modules', '.throw-away-kernel-'));
  try {
    const file = join(folder, 'init.sh');
    await writeFile(file, init(script), { mode: 0o755 });
    const disk = ['root=/dev/root', 'rootfstype=hostfs', 'hostfs=/', 'ro'];
    const console = ['quiet', 'con=null', 'con0=null,fd:1', `uml_dir=${folder}`];
    const { stdout } = await run(KERNEL, [`mem=${megabytes}M`, ...disk, ...console, `init=${file}`], {
      maxBuffer: MAX_OUTPUT,
      timeout: TIMEOUT_MS,
      killSignal: 'SIGKILL',
    });
    const text = stdout.replaceAll('\r', '');
    const [begin, end] = [text.indexOf(`${BEGIN}\n`), text.indexOf(`\n${END}\n`)];
    if (begin === -1 || end === -1)
      throw new Error(`the kernel did not run the script: ${text.slice(-1000)}`);
    return text.slice(begin + BEGIN.length + 1, end).trim();
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
