import { stringify } from 'yaml';
import type { Command } from '../command.ts';
import { clusterOptions, connect, textOf, type Connect } from '../cluster/connect.ts';
import { profilesIn } from '../cluster/profile-file.ts';
import { UsageError } from '../usage.ts';
import { planData } from './data.ts';
import { gather } from './gather.ts';
import { planPage } from './page.ts';

const WOULD_CHANGE = 2;

const help = `
What a profile would do to the nodes of a cluster, before anything is touched: per node the value that is live and the
one that would be there, which kubelets would restart, which running pods keep an entry in their kubelet's list, what
other profiles decide, what to know before. Nothing is written; reading is enough (ClusterRole sysctl-operator-planner).

  kubectl sysctl plan -f profile.yaml                    a file, as if it were applied and enforced
  kubectl sysctl plan search                             what a profile of the cluster still would change
  kubectl sysctl plan -f profile.yaml -o json | jq '.sysctls[] | select(.change > 0)'
  kubectl sysctl plan -f profile.yaml || test $? = 2     in CI: fails for errors only

Live values are what the agents have told. Where no agent runs yet nobody has looked: "not read yet" counts as a change.
Nodes for which everything is the same are shown as one group; --all shows every group and every name.

Exit status: 0 nothing would change, 2 something would, 1 the plan could not be made.
`;

/** `plan -f FILE`, `plan PROFILE`. */
export const planCommand = (to: Connect): Command => ({
  synopsis: '(-f FILE | PROFILE)...',
  takes: [],
  failure: 1,
  options: {
    filename: {
      type: 'string',
      short: 'f',
      value: 'FILE',
      about: 'a file with profiles; "-" is standard input',
    },
    output: { type: 'string', short: 'o', choices: ['text', 'json', 'yaml'], about: 'text without this' },
    all: { type: 'boolean', about: 'every group of nodes, with every name' },
    ...clusterOptions,
  },
  help,
  async run(args, terminal) {
    const file = textOf(args, 'filename');
    if (file === undefined && args.positionals.length === 0)
      throw new UsageError('name a profile of the cluster, or a file with -f FILE');
    const files = file === undefined ? [] : profilesIn(file, terminal.read(file));
    const connection = await to(args);
    const data = planData(await gather(connection, { files, names: args.positionals }));
    const output = textOf(args, 'output') ?? 'text';
    if (output === 'json') terminal.print(`${JSON.stringify(data, null, 2)}\n`);
    else if (output === 'yaml') terminal.print(stringify(data, { aliasDuplicateObjects: false }));
    else terminal.print(planPage(data, { ...terminal, all: args.values['all'] === true }));
    return data.changes ? WOULD_CHANGE : 0;
  },
});

export const plan = planCommand(connect);
