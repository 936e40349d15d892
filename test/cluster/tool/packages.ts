import { onPath, run, say, succeeds } from './shell.ts';

/** Debian packages by a program that shows that they are there. */
const PACKAGES: Record<string, string> = {
  runc: 'runc',
  buildah: 'buildah',
  ip: 'iproute2',
  iptables: 'iptables',
  nft: 'nftables',
  pgrep: 'procps',
  'dbus-daemon': 'dbus',
  '/lib/systemd/systemd': 'systemd',
  openssl: 'openssl',
  debootstrap: 'debootstrap',
  'redis-server': 'redis-server',
  '/usr/lib/cni/bridge': 'containernetworking-plugins',
  '/bin/busybox': 'busybox-static',
};
const PATH = `/usr/sbin:/usr/bin:/sbin:/bin:${process.env['PATH'] ?? ''}`;

/** Debian packages of programs that are not there. */
const missingOf = (packages: Readonly<Record<string, string>>): string[] =>
  Object.entries(packages)
    .filter(([program]) => onPath(program, PATH) === undefined)
    .map(([, name]) => name);

/** Installs Debian packages when run as root; otherwise names them in one line. */
async function install(packages: readonly string[]): Promise<void> {
  if (packages.length === 0) return;
  const command = `apt-get install ${packages.join(' ')}`;
  if (process.getuid?.() !== 0 || !(await succeeds('apt-get', ['--version'])))
    throw new Error(`these packages are missing; install them first: ${command}`);
  say(`installing ${packages.join(' ')}`);
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  await run('apt-get', ['update', '-qq'], { env });
  await run('apt-get', ['install', '-y', '-qq', '--no-install-recommends', ...packages], { env });
}

/** The programs of these packages, by a program that shows that each is there. */
export const ensurePrograms = (packages: Readonly<Record<string, string>>): Promise<void> =>
  install(missingOf(packages));

/** Everything that a cluster needs. */
export async function ensurePackages(): Promise<void> {
  const missing = missingOf(PACKAGES);
  // The images of pause and busybox hold this program alone: one that needs shared libraries does not run there.
  if (!missing.includes('busybox-static') && (await succeeds('ldd', ['/bin/busybox'])))
    missing.push('busybox-static');
  await install(missing);
}
