/** A real Kubernetes cluster on this machine for development, the demo and the tests; see docs/development-cluster.md. */
import { parseArgs } from 'node:util';
import {
  addNode,
  clusterEnvironment,
  down,
  existing,
  find,
  install,
  load,
  removeNode,
  up,
} from './cluster.ts';
import { kubectl } from './install.ts';
import { execArguments } from './node-exec.ts';
import { attach, say } from './shell.ts';

const HELP = `usage: npm run cluster -- COMMAND

  up [--nodes N]           control plane and nodes node-1 ... node-N (default 2); what runs already stays
  down                     ends it and leaves nothing behind
  status                   the nodes
  env                      shell exports that make kubectl talk to it: eval "$(npm run -s cluster -- env)"
  install                  builds the image, loads it, applies the manifests and waits
  exec NODE [--] CMD...    runs a command inside a node
  load IMAGE               brings a local image, or an archive of one, to every node
  node-up NODE             adds a node: [--no-config-dir] without a drop-in folder of the kubelet, [--label K=V]...
  node-down NODE           ends a node and deletes its object

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

/** What is missing or wrong in the command line: answered with status 2. */
class UsageError extends Error {}

const required = (value: string | undefined, usage: string): string => {
  if (value) return value;
  throw new UsageError(`usage: npm run cluster -- ${usage}`);
};

function numberOfNodes(text: string): number {
  const nodes = Number(text);
  if (Number.isInteger(nodes) && nodes >= 0 && nodes <= 200) return nodes;
  throw new UsageError(`--nodes ${text}: must be an integer from 0 to 200`);
}

function labelsOf(pairs: readonly string[]): Record<string, string> {
  const malformed = pairs.find((pair) => !pair.includes('='));
  if (malformed !== undefined) throw new UsageError(`--label ${malformed}: must be KEY=VALUE`);
  return Object.fromEntries(
    pairs.map((pair) => [pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1)]),
  );
}

/** Runs a command with this terminal; its options are its own, so they are not parsed here. */
function exec([node, ...words]: string[]): Promise<number> {
  const command = words[0] === '--' ? words.slice(1) : words;
  required(command[0], 'exec NODE [--] CMD...');
  const [program = '', ...args] = execArguments(existing(), node ?? '', command);
  return attach(program, args);
}

async function status(): Promise<number> {
  const layout = find();
  if (!layout) {
    say('no cluster is up');
    return 1;
  }
  process.stdout.write(await kubectl(layout, 'get', 'nodes', '-o', 'wide'));
  return 0;
}

const quoted = (text: string): string => `"${text.replaceAll(/["\\$`]/g, String.raw`\$&`)}"`;

function printEnvironment(): void {
  const layout = existing();
  for (const [name, value] of Object.entries(clusterEnvironment(layout)))
    process.stdout.write(`export ${name}=${quoted(value)}\n`);
  process.stdout.write(`export PATH=${quoted(layout.bin).slice(0, -1)}:$PATH"\n`);
}

async function main([command = '', ...rest]: string[]): Promise<number> {
  if (command === 'exec') return exec(rest);
  const { values, positionals } = parse(rest);
  if (values.help || ['', 'help', '-h', '--help'].includes(command)) {
    process.stdout.write(HELP);
    return 0;
  }
  const started = Date.now();
  const seconds = (): string => `${((Date.now() - started) / 1000).toFixed(1)} s`;
  switch (command) {
    case 'up': {
      const layout = await up(numberOfNodes(values.nodes));
      say(
        `the cluster is up with ${layout.nodes().length} nodes after ${seconds()} (slot ${layout.slot}, ${layout.dir})`,
      );
      return 0;
    }
    case 'down':
      say((await down()) ? `the cluster is down after ${seconds()}` : 'no cluster is up');
      return 0;
    case 'status':
      return status();
    case 'env':
      printEnvironment();
      return 0;
    case 'install':
      await install();
      return 0;
    case 'load':
      await load(required(positionals[0], 'load IMAGE'));
      return 0;
    case 'node-up':
      await addNode(required(positionals[0], 'node-up NODE'), {
        configDir: !values['no-config-dir'],
        labels: labelsOf(values.label),
      });
      return 0;
    case 'node-down':
      await removeNode(required(positionals[0], 'node-down NODE'));
      return 0;
    default:
      throw new UsageError(`unknown command ${command}\n\n${HELP}`);
  }
}

main(process.argv.slice(2)).then(
  (code) => process.exit(code),
  (error: unknown) => {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    const usage =
      error instanceof UsageError || (error as NodeJS.ErrnoException).code?.startsWith('ERR_PARSE_ARGS');
    process.exit(usage ? 2 : 1);
  },
);
