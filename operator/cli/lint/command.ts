import type { Command } from '../command.ts';
import { UsageError } from '../usage.ts';
import { lintFiles } from './lint.ts';
import { jsonReport, summary, textReport } from './output.ts';
import { sarifReport } from './sarif.ts';
import type { Severity } from './rules.ts';

const SEVERITIES: readonly Severity[] = ['error', 'warning', 'note'];
const FOUND = 1;

const help = `
Finds what will not work before it is applied: keys that do not exist, values that the kernel refuses or quietly
changes, sysctls in pods that no pod can set, allow-lists with which the kubelet does not start, keys that undo
each other, dangerous keys, values that never reach who they are for.

Files may be SysctlProfiles, pods and everything that makes pods, kubelet and kubeadm configurations, values of
charts (YAML or JSON, many documents in one), and files of sysctl.d. They are looked at together: what a profile
in one file allows, a pod in another may use. "-" is standard input.

  kubectl sysctl lint profiles/*.yaml deploy/*.yaml
  kubectl sysctl lint /etc/sysctl.d/*.conf
  helm template ./chart | kubectl sysctl lint -
  kubectl sysctl lint -o sarif k8s/*.yaml > findings.sarif       for code hosts
  kubectl sysctl lint --severity warning k8s/*.yaml              without notes

Each finding has its place, a severity, a rule, and what to do. error: it is refused, has no effect or does harm.
warning: it works, but rarely as intended. note: good to know. The rules are in docs/cli.md.

Exit status: 0 when there is no error, 1 when there is one, 2 for a wrong command line or an unreadable file.
`;

export const lint: Command = {
  synopsis: 'FILE...',
  takes: 'files',
  options: {
    output: {
      type: 'string',
      short: 'o',
      choices: ['text', 'json', 'sarif'],
      about: 'text for people and editors, JSON or SARIF',
    },
    severity: { type: 'string', choices: SEVERITIES, about: 'only findings of this severity and worse' },
  },
  help,
  async run({ positionals, values }, terminal) {
    if (positionals.length === 0) throw new UsageError('name a file, or - for standard input');
    const names = [...new Set(positionals)];
    const worst = SEVERITIES.findIndex((severity) => severity === (values['severity'] ?? 'note'));
    const all = await lintFiles(names.map((name) => ({ name, text: terminal.read(name) })));
    const findings = all.filter(({ severity }) => SEVERITIES.indexOf(severity) <= worst);
    if (values['output'] === 'json') terminal.print(jsonReport(findings));
    else if (values['output'] === 'sarif') terminal.print(sarifReport(findings));
    else {
      terminal.print(textReport(findings, terminal.colour, terminal.columns));
      terminal.complain(`${summary(findings, names.length)}\n`);
    }
    return all.some(({ severity }) => severity === 'error') ? FOUND : 0;
  },
};
