import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import type { Namespace, Presence } from '../../../operator/sysctl/catalog/types.ts';

export interface SysctlFile {
  /** The file's mode has a write bit for somebody. */
  writable: boolean;
  everybody: boolean;
  /** The kernel would let the process that looked write it (access(2); nothing was written). */
  permitted: boolean;
  value: string | undefined;
}
export type Listing = ReadonlyMap<string, SysctlFile>;

const PART = '=====';
/** vm.stat_refresh is not a value: reading it starts work on every CPU. */
const LIST = `find /proc/sys -type f -printf '%m %P\\n'; echo ${PART}; find /proc/sys -type f -writable -printf '%P\\n'; echo ${PART}; grep -rs --exclude=stat_refresh '' /proc/sys`;
export const MARK = 'catalog-test';

const dotted = (path: string): string => path.replace(/[./]/g, (c) => (c === '/' ? '.' : '/'));

/** Every file below /proc/sys as a process in the given new namespaces sees it. */
function listing(command: readonly string[], script = LIST): Listing {
  const output = execFileSync('env', [...command, 'sh', '-c', `${script}; true`], {
    encoding: 'utf8',
    maxBuffer: 1 << 26,
  });
  const [modes = '', permitted = '', values = ''] = output.split(`${PART}\n`);
  const may = new Set(permitted.split('\n'));
  const texts = new Map<string, string>();
  for (const [, path = '', text = ''] of values.matchAll(/^\/proc\/sys\/([^:]+):(.*)$/gm))
    texts.set(path, texts.has(path) ? `${texts.get(path)}\n${text}` : text);
  const files = [...modes.matchAll(/^(\d+) (.+)$/gm)].map(
    ([, mode = '', path = '']): [string, SysctlFile] => [
      dotted(path),
      {
        writable: /[2367]/.test(mode),
        everybody: mode === '666',
        permitted: may.has(path),
        value: texts.get(path),
      },
    ],
  );
  return new Map(files);
}

/** Root of a user namespace, which is nobody outside: the kernel lets it write what belongs to its own namespaces, and nothing else. */
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

/** Raises vm.memfd_noexec in a pid namespace of its own: the only key whose place neither permissions nor values of new namespaces show. */
function memfdStaysInside(): boolean {
  const file = '/proc/sys/vm/memfd_noexec';
  if (!existsSync(file)) return false;
  const before = readFileSync(file, 'utf8').trim();
  const raised = String(Math.min(Number(before) + 1, 2));
  const script = `echo ${raised} > ${file} && cat ${file}`;
  const inside = execFileSync('unshare', [...PID, 'sh', '-c', script], { encoding: 'utf8' }).trim();
  return inside === raised && readFileSync(file, 'utf8').trim() === before;
}

/** This machine's sysctls, seen from here and from fresh namespaces of every kind. Changes values in those only. */
export function measure() {
  const strangerNet = listing([...STRANGER, '--net']);
  if (!strangerNet.get('net.core.somaxconn')?.permitted)
    throw new Error(
      'user namespaces have no rights on this machine (kernel.apparmor_restrict_unprivileged_userns?): nothing can be told',
    );
  return {
    host: listing([]),
    net: listing(['unshare', '--net']),
    ipc: listing(['unshare', '--ipc']),
    pid: listing(['unshare', ...PID]),
    uts: listing(['unshare', '--uts'], `hostname ${MARK} && domainname ${MARK}; ${LIST}`),
    stranger: listing(STRANGER),
    strangerNet,
    strangerIpc: listing([...STRANGER, '--ipc']),
    strangerPid: listing([...STRANGER, ...PID]),
    memfdStaysInside: memfdStaysInside(),
  };
}
export type Measurement = ReturnType<typeof measure>;

const DEVICE = /^(net\.ipv[46]\.(?:conf|neigh)\.)(?!all\.|default\.)[^.]+(\.[^.]+)$/;
/** The same file of the interface that every network namespace has. */
export const onLoopback = (name: string): string => name.replace(DEVICE, '$1lo$2');

const own = (namespace: Namespace) => ({ namespace, presence: 'own' as const });

/** Whose value a key is, from what was seen only: no name is known here but that of a key which needed a write. */
export function judge(name: string, seen: Measurement): { namespace: Namespace; presence: Presence } {
  if (name.startsWith('net.')) {
    const child = seen.net.get(onLoopback(name));
    if (!child) return { namespace: 'none', presence: 'absent' };
    if (!child.writable) return { namespace: 'none', presence: 'readOnly' };
    // What namespaces of strangers do not have at all is registered per namespace.
    const permitted = seen.strangerNet.get(onLoopback(name))?.permitted ?? true;
    return permitted ? own('net') : { namespace: 'none', presence: 'shared' };
  }
  const everybody = seen.host.get(name)?.everybody;
  // Permissions say nothing where everybody may write.
  if (everybody && seen.pid.get(name)?.value !== seen.host.get(name)?.value) return own('pid');
  if (!everybody && seen.stranger.get(name)?.permitted) return own('user');
  if (!everybody && seen.strangerIpc.get(name)?.permitted) return own('ipc');
  if (!everybody && seen.strangerPid.get(name)?.permitted) return own('pid');
  if (seen.uts.get(name)?.value === MARK) return own('uts');
  if (name === 'vm.memfd_noexec' && seen.memfdStaysInside) return own('pid');
  return { namespace: 'none', presence: 'shared' };
}

/** How many integers the kernel prints; null for other texts, undefined where it prints nothing. */
export function countValues(value: string | undefined): number | null | undefined {
  const parts = value?.trim().split(/\s+/) ?? [''];
  if (parts[0] === '') return undefined;
  return parts.every((part) => /^-?\d+$/.test(part)) ? parts.length : null;
}
