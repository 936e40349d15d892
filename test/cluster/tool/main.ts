/** A real Kubernetes cluster on this machine for development, the demo and the tests; see docs/development-cluster.md. */
import { parseArgs } from 'node:util';
import {
  addNode,
  clusterEnvironment,
  down,
  existing,
  install,
  kubectl,
  load,
  removeNode,
  up,
} from './cluster.ts';
import { Layout } from './layout.ts';
import { execArguments } from './node.ts';
import { attach, say } from './shell.ts';

const HELP = `usage: npm run cluster -- COMMAND

  up [--nodes N]           control plane and nodes node-1 ... node-N (default 2); what runs already stays
  down                     ends it and leaves nothing behind
  status                   the nodes
  env                      shell exports that make kubectl talk to it: eval "$(npm run -s cluster -- env)"
  install                  builds the image, loads it, applies the manifests and waits
  exec NODE [--] CMD...    runs a command inside a node
  load IMAGE               brings a local image, or an archive of one, to every node
  node-up NODE [--no-config-dir] [--label K=V]...
  node-down NODE

CLUSTER names another folder, and so another cluster. KUBEBUILDER_ASSETS names a folder of binaries to use.
`;

const parse = (args: string[]) =>
  parseArgs({
    args,
    allowPositionals: true,
    options: {
      nodes: { type: 'string', default: '2' },
      'no-config-dir': { type: 'boolean', default: false },
      label: { type: 'string', multiple: true, default: [] },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });

async function main(argv: string[]): Promise<number> {
  const [command = '', ...rest] = argv;
  if (command === 'exec') {
    const [node = '', ...words] = rest;
    const [program = '', ...args] = execArguments(
      existing(),
      node,
      words[0] === '--' ? words.slice(1) : words,
    );
    return attach(program, args);
  }
  const { values, positionals } = parse(rest);
  const [first = ''] = positionals;
  switch (command) {
    case 'up': {
      const nodes = Number(values.nodes);
      if (!Number.isInteger(nodes) || nodes < 0 || nodes > 200)
        throw new Error(`--nodes ${values.nodes}: must be an integer from 0 to 200`);
      const started = Date.now();
      const layout = await up(nodes);
      say(
        `cluster is up with ${layout.nodes().length} nodes after ${((Date.now() - started) / 1000).toFixed(0)} s (slot ${layout.slot}, ${layout.dir})`,
      );
      return 0;
    }
    case 'down':
      await down();
      return 0;
    case 'status':
      if (!Layout.find(false)) {
        say('no cluster is up');
        return 1;
      }
      process.stdout.write(await kubectl(existing(), 'get', 'nodes', '-o', 'wide'));
      return 0;
    case 'env': {
      const layout = existing();
      for (const [name, value] of Object.entries(clusterEnvironment(layout)))
        process.stdout.write(`export ${name}="${value}"\n`);
      process.stdout.write(`export PATH="${layout.bin}:$PATH"\n`);
      return 0;
    }
    case 'install':
      await install(existing());
      return 0;
    case 'load':
      await load(existing(), first);
      return 0;
    case 'node-up':
      await addNode(existing(), first, {
        configDir: !values['no-config-dir'],
        labels: Object.fromEntries(values.label.map((pair) => pair.split('=', 2) as [string, string])),
      });
      return 0;
    case 'node-down':
      await removeNode(existing(), first);
      return 0;
    default:
      process.stderr.write(HELP);
      return command === '' || command === 'help' || values.help ? 0 : 2;
  }
}

main(process.argv.slice(2)).then(
  (code) => process.exit(code),
  (error: unknown) => {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    process.exit(1);
  },
);
