import { basename } from 'node:path';
import { clusterOptions, connect, type Connect } from '../cluster/connect.ts';
import type { Command, Terminal } from '../command.ts';
import { InputError, UsageError } from '../usage.ts';
import type { Adopted } from './adopted.ts';

type Read = (text: string, name: string) => Adopted;

const sources: Readonly<Record<string, () => Promise<Read>>> = {
  'sysctl.conf': async () => (await import('./sysctl-conf.ts')).fromSysctlConf,
  tuned: async () => (await import('./tuned.ts')).fromTuned,
  aks: async () => (await import('./vendors.ts')).fromAks,
  gke: async () => (await import('./vendors.ts')).fromGke,
  talos: async () => (await import('./vendors.ts')).fromTalos,
};

const help = `
Prints a SysctlProfile out of what exists, so that nobody has to type it again. What a profile has no place for is
said on standard error.

  kubectl sysctl adopt worker-7 > profile.yaml           what the operator holds on a node of the cluster
  kubectl sysctl adopt --from sysctl.conf /etc/sysctl.d/90-search.conf > profile.yaml
  kubectl sysctl adopt --from tuned /etc/tuned/my-profile/tuned.conf --name my-profile
  kubectl sysctl adopt --from aks linuxosconfig.json
  kubectl sysctl adopt --from gke node-config.yaml
  talosctl get machineconfig -o yaml | kubectl sysctl adopt --from talos -

Files of a node are about the node: a key of which every pod has its own becomes an entry with scope: Node. The new
profile has mode: Plan, which touches nothing, and matches every node: give it the nodeSelector that is meant, see
what it would do, then take the mode out. A file that render --to sysctl.d has written becomes the profile that it was.

Dangerous keys are left out and named: add them with acknowledgeRisks when they are meant.
`;

const NAME = /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/;

/** A name for an object, out of a file's name. */
const nameFrom = (file: string): string =>
  basename(file)
    .replace(/\.[^.]*$/, '')
    .replace(/^\d+-/, '')
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-+|-+$/g, '') || 'adopted';

const isNodeName = (text: string): boolean => /^[a-z0-9][a-z0-9.-]*$/.test(text);

function checked(name: string): string {
  if (NAME.test(name)) return name;
  throw new UsageError(`--name ${name}: a name has lower-case letters, digits and "-", at most 63`);
}

async function print({ profiles, lost }: Adopted, terminal: Terminal): Promise<number> {
  for (const what of lost) terminal.complain(`left out: ${what}\n`);
  const { stringify } = await import('yaml');
  terminal.print(
    profiles
      .map((profile) => stringify(profile, { lineWidth: 0, aliasDuplicateObjects: false }))
      .join('---\n'),
  );
  return 0;
}

export const adoptCommand = (to: Connect): Command => ({
  synopsis: '(NODE | --from FORMAT FILE)',
  takes: 'files',
  options: {
    from: { type: 'string', choices: Object.keys(sources), about: 'the format to read' },
    name: { type: 'string', value: 'NAME', about: "the profile's name (default: the file's)" },
    ...clusterOptions,
  },
  help,
  async run(args, terminal) {
    const { positionals, values } = args;
    const [file, ...others] = positionals;
    if (values['from'] === undefined && file !== undefined && others.length === 0 && isNodeName(file)) {
      const name = typeof values['name'] === 'string' ? checked(values['name']) : undefined;
      return print(await (await import('./node.ts')).adoptNode(await to(args), file, name), terminal);
    }
    const load = sources[String(values['from'] ?? '')];
    if (!load)
      throw new UsageError(
        `name a node, or say what the file is with --from: ${Object.keys(sources).join(', ')}`,
      );
    if (file === undefined || others.length > 0)
      throw new UsageError('name one file, or - for standard input');
    const name = checked(typeof values['name'] === 'string' ? values['name'] : nameFrom(file));
    const read = await load();
    const adopted = read(terminal.read(file), name);
    if (adopted.profiles.length > 0) return print(adopted, terminal);
    for (const what of adopted.lost) terminal.complain(`left out: ${what}\n`);
    throw new InputError(`${file}: no sysctls in it that a profile could take; is it ${values['from']}?`);
  },
});

export const adopt = adoptCommand(connect);
