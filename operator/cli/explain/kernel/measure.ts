import { InputError } from '../../usage.ts';
import { listing, shellIn, type Listing } from './listing.ts';

/** Root of a user namespace, who is nobody outside: the kernel lets it write what belongs to its own namespaces, and nothing else. */
const STRANGER = [
  'setpriv',
  '--reuid=65534',
  '--regid=65534',
  '--clear-groups',
  'unshare',
  '--user',
  '--map-root-user',
];
const PID = ['--pid', '--fork', '--mount-proc'];
/** What a namespace's host and domain name are set to, to see who else has them then. */
export const MARK = 'throw-away';

/** This machine's sysctls, seen from here and from fresh namespaces of every kind. */
export interface Measurement {
  host: Listing;
  net: Listing;
  ipc: Listing;
  pid: Listing;
  uts: Listing;
  stranger: Listing;
  strangerNet: Listing;
  strangerIpc: Listing;
  strangerPid: Listing;
  memfdStaysInside: boolean;
}

/** Raises vm.memfd_noexec in a PID namespace of its own: the only key whose place neither permissions nor fresh values show. */
async function memfdStaysInside(): Promise<boolean> {
  const file = '/proc/sys/vm/memfd_noexec';
  const script = `test -e ${file} && old=$(cat ${file}) && new=$((old < 2 ? old + 1 : 2)) && echo $new > ${file} && echo $old $(cat ${file})`;
  const inside = await shellIn(['unshare', ...PID], script);
  const outside = await shellIn([], `cat ${file} 2>/dev/null`);
  const [old, raised] = inside.trim().split(' ');
  return raised !== undefined && raised !== old && outside.trim() === old;
}

/** Changes values in namespaces of its own only. Throws InputError without root. */
export async function measure(): Promise<Measurement> {
  if (process.getuid?.() !== 0)
    throw new InputError(
      '--kernel makes namespaces and needs root: sudo kubectl-sysctl explain --kernel ...',
    );
  const rename = `echo ${MARK} > /proc/sys/kernel/hostname; echo ${MARK} > /proc/sys/kernel/domainname`;
  const [host, net, ipc, pid, uts, stranger, strangerNet, strangerIpc, strangerPid, memfd] =
    await Promise.all([
      listing([]),
      listing(['unshare', '--net']),
      listing(['unshare', '--ipc']),
      listing(['unshare', ...PID]),
      listing(['unshare', '--uts'], rename),
      listing(STRANGER),
      listing([...STRANGER, '--net']),
      listing([...STRANGER, '--ipc']),
      listing([...STRANGER, ...PID]),
      memfdStaysInside(),
    ]);
  // Not net.core: on older kernels (Linux 6.1) the network namespaces of strangers do not have it at all.
  if (![...strangerNet].some(([name, { permitted }]) => permitted && name.startsWith('net.ipv4.')))
    throw new InputError(
      '--kernel: user namespaces have no rights on this machine (kernel.apparmor_restrict_unprivileged_userns?), so nothing can be told',
    );
  return {
    host,
    net,
    ipc,
    pid,
    uts,
    stranger,
    strangerNet,
    strangerIpc,
    strangerPid,
    memfdStaysInside: memfd,
  };
}
