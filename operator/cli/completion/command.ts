import type { Command } from '../command.ts';
import { UsageError } from '../usage.ts';
import { scripts } from './scripts.ts';

const shells = Object.keys(scripts);

const help = `
Prints a script that completes commands, options and the names of sysctls at the tab key. The program has to be in PATH as
kubectl-sysctl.

  source <(kubectl-sysctl completion bash)           in ~/.bashrc
  source <(kubectl-sysctl completion zsh)            in ~/.zshrc, after compinit
  kubectl-sysctl completion fish | source            in ~/.config/fish/config.fish

For "kubectl sysctl" with a blank, kubectl asks a program called kubectl_complete-sysctl in PATH:

  printf '#!/bin/sh\\nexec kubectl-sysctl __complete "$@"\\n' > ~/bin/kubectl_complete-sysctl
  chmod +x ~/bin/kubectl_complete-sysctl
`;

export const completion: Command = {
  synopsis: shells.join('|'),
  takes: shells,
  options: {},
  help,
  run({ positionals }, terminal) {
    const [shell, ...others] = positionals;
    const script = others.length === 0 ? scripts[shell ?? ''] : undefined;
    if (script === undefined) throw new UsageError(`name one shell: ${shells.join(', ')}`);
    terminal.print(script);
    return 0;
  },
};
