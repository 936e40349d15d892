import type { Command } from '../command.ts';
import { UsageError } from '../usage.ts';
import { inputOf, type Render } from './rendering.ts';

/** One module for each family of targets: a target that needs no YAML does not load what writes it. */
const targets: Readonly<Record<string, () => Promise<Render>>> = {
  'sysctl.d': async () => (await import('./sysctl-d.ts')).sysctlD,
  docker: async () => (await import('./docker.ts')).docker,
  pod: async () => (await import('./pod.ts')).pod,
  kubelet: async () => (await import('./kubelet.ts')).kubelet,
  talos: async () => (await import('./vendors.ts')).talos,
  bottlerocket: async () => (await import('./vendors.ts')).bottlerocket,
  aks: async () => (await import('./vendors.ts')).aks,
  gke: async () => (await import('./vendors.ts')).gke,
};

const help = `
A SysctlProfile as other systems take it. What the other system has no place for is said on standard error, line by
line, so that nothing is lost without a word.

  sysctl.d       a file for /etc/sysctl.d; adopt --from sysctl.conf gives the profile back
  docker         the --sysctl flags that a container runtime accepts, one a line
  pod            securityContext.sysctls and nodeSelector of a pod
  kubelet        a drop-in with allowedUnsafeSysctls
  talos          a patch of the machine configuration
  bottlerocket   user data in TOML
  aks, gke       the node pool's configuration, within the vendor's list and ranges

  kubectl sysctl render profile.yaml --to sysctl.d > 90-profile.conf
  eval "docker run --rm $(kubectl sysctl render profile.yaml --to docker | tr '\\n' ' ') redis"
  kubectl get sysctlprofile search -o yaml | kubectl sysctl render - --to talos

A file may hold several profiles for sysctl.d; the other targets take one at a time.
`;

export const render: Command = {
  synopsis: 'FILE --to TARGET',
  takes: 'files',
  options: { to: { type: 'string', choices: Object.keys(targets), about: 'the format to write' } },
  help,
  async run({ positionals, values }, terminal) {
    const [file, ...others] = positionals;
    if (file === undefined || others.length > 0)
      throw new UsageError('name one file with a SysctlProfile, or - for standard input');
    const to = String(values['to'] ?? '');
    const load = targets[to];
    if (!load) throw new UsageError(`--to says which format: ${Object.keys(targets).join(', ')}`);
    const { readProfiles } = await import('../profile-file.ts');
    const profiles = readProfiles(file, terminal.read(file));
    if (profiles.length > 1 && to !== 'sysctl.d')
      throw new UsageError(`${file} holds ${profiles.length} profiles, and --to ${to} takes one`);
    const write = await load();
    const texts: string[] = [];
    for (const profile of profiles) {
      const input = inputOf(profile);
      const { text, lost } = await write(input);
      texts.push(text);
      for (const { name, message } of input.problems)
        terminal.complain(`${profile.metadata.name}: left out ${name}: ${message}\n`);
      for (const what of lost) terminal.complain(`${profile.metadata.name}: lost: ${what}\n`);
    }
    terminal.print(texts.join('\n'));
    return 0;
  },
};
