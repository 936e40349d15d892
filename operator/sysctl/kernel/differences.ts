import { createHash } from 'node:crypto';
import type { KernelFinding, KernelStatus } from '../../api/state.ts';
import { lookup } from '../catalog/lookup.ts';
import { type MeasuredKernel, presenceOf } from './measured.ts';

/** In the order in which they are kept when there are too many: what decides where an entry goes before what it only explains. */
const FINDINGS: readonly KernelFinding[] = ['own', 'absent', 'readOnly', 'shared', 'missing', 'notWritable'];
const MAX_NAMES = 100;
const DIGEST_LENGTH = 16;

const FAMILY = /^(net\.ipv[46]\.(?:conf|neigh)\.)(\*|all|default|lo)(\.[^.]+)$/;
/** Of a family, the file of the interface that is always there. */
const onLoopback = (name: string): string => name.replace(FAMILY, (_, head, __, tail) => `${head}lo${tail}`);
/** The node's file that answers for a name of the catalog. */
const askedOf = (name: string): string => (name.includes('*') ? onLoopback(name) : name);
const ofFamily = (name: string): string => name.replace(FAMILY, (_, head, __, tail) => `${head}*${tail}`);

/** The family's name for the file of lo, and the other files of a family only where something else holds for them. */
function withFamilies(found: ReadonlyMap<string, KernelFinding>): Map<string, KernelFinding> {
  const result = new Map<string, KernelFinding>();
  for (const [name, finding] of found) {
    const family = ofFamily(name);
    if (onLoopback(name) === name) result.set(family, finding);
    else if (family === name || found.get(onLoopback(name)) !== finding) result.set(name, finding);
  }
  return result;
}

/** The names that start with the same folders as something that the node has. */
function foldersOf(names: Iterable<string>): Set<string> {
  const folders = new Set<string>();
  for (const name of names)
    for (let end = name.indexOf('.'); end !== -1; end = name.indexOf('.', end + 1))
      folders.add(name.slice(0, end));
  return folders;
}

/** The highest folder of a name that the node does not have, as "folder.*"; the name itself where the folder is there. */
function collapsed(name: string, folders: ReadonlySet<string>): string {
  for (let end = name.indexOf('.'); end !== -1; end = name.indexOf('.', end + 1)) {
    const folder = name.slice(0, end);
    if (!folders.has(folder) && !folder.endsWith('.*')) return `${folder}.*`;
  }
  return name;
}

function missing(kernel: MeasuredKernel, known: readonly string[]): string[] {
  const folders = foldersOf([...kernel.host.keys()].flatMap((name) => [name, ofFamily(name)]));
  const names = known.filter((name) => !kernel.host.has(askedOf(name)));
  return [...new Set(names.map((name) => collapsed(name, folders)))];
}

/** Pods first: what the node itself lacks, its agent finds by itself when it is asked for it. */
const rank = (name: string): number => (/^(net|fs\.mqueue)\./.test(name) ? 0 : 1);

function bounded(
  found: ReadonlyMap<KernelFinding, readonly string[]>,
): Pick<KernelStatus, 'differences' | 'more'> {
  const differences: KernelStatus['differences'] = {};
  let left = MAX_NAMES;
  let more = 0;
  for (const finding of FINDINGS) {
    const names = (found.get(finding) ?? []).toSorted((a, b) => rank(a) - rank(b) || (a < b ? -1 : 1));
    const kept = names.slice(0, left);
    if (kept.length > 0) differences[finding] = kept.toSorted();
    left -= kept.length;
    more += names.length - kept.length;
  }
  return {
    ...(Object.keys(differences).length > 0 && { differences }),
    ...(more > 0 && { more }),
  };
}

/**
 * What is told of a node's kernel: a digest of all that was seen, and where that is not what the catalog says. `known`: the writable
 * names of the catalog. Pure: neither the order of the input nor the node's interfaces change it.
 */
export function describeKernel(kernel: MeasuredKernel, known: readonly string[]): KernelStatus {
  const presences = new Map<string, KernelFinding>();
  const lines: string[] = [];
  for (const [name, writable] of kernel.host) {
    const presence = presenceOf(name, kernel);
    lines.push(`${name} ${writable} ${presence}`);
    if (presence && writable && presence !== lookup(name).podPresence) presences.set(name, presence);
  }
  const found = new Map<KernelFinding, string[]>([
    ['missing', missing(kernel, known)],
    ['notWritable', known.filter((name) => kernel.host.get(askedOf(name)) === false)],
  ]);
  for (const [name, finding] of withFamilies(presences))
    found.set(finding, [...(found.get(finding) ?? []), name]);
  const digest = createHash('sha256').update(lines.toSorted().join('\n')).digest('hex');
  return { digest: digest.slice(0, DIGEST_LENGTH), ...bounded(found) };
}
