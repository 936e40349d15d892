import { messageOf, OperatorError } from '../../errors.ts';
import type { ApiServer } from '../../kube/api-server.ts';
import type { Arguments, Options } from '../command.ts';

/** Where the manifests put the operator, and with it the revisions. */
const NAMESPACE = 'sysctl-operator-system';

/** Options of every command that asks a cluster. */
export const clusterOptions = {
  kubeconfig: { type: 'string', value: 'FILE', about: 'the kubeconfig; as kubectl finds it without this' },
  context: {
    type: 'string',
    value: 'NAME',
    about: 'a context of the kubeconfig; its current one without this',
  },
  namespace: {
    type: 'string',
    short: 'n',
    value: 'NAME',
    about: `where the operator runs; ${NAMESPACE} without this`,
  },
} satisfies Options;

export interface Connection {
  api: ApiServer;
  /** Namespace of the operator. */
  namespace: string;
}

/** How a command gets at a cluster: a test hands in another. */
export type Connect = (args: Arguments) => Promise<Connection>;

export const textOf = ({ values }: Arguments, name: string): string | undefined => {
  const value = values[name];
  return typeof value === 'string' ? value : undefined;
};

/** client-node's undici uses zstd as it loads, which Node has since 22.15: the commands without a cluster run on older ones too. */
async function client() {
  try {
    return await Promise.all([
      import('@kubernetes/client-node'),
      import('../../kube/client-node-api-server.ts'),
    ]);
  } catch (error) {
    throw new OperatorError(
      'Configuration',
      `the client of the API server does not load on Node ${process.version}; it needs 22.15 or newer`,
      { cause: error },
    );
  }
}

/** With the user's own kubeconfig, credential plugins included. Loaded only by commands that need a cluster. Throws `Configuration`. */
export const connect: Connect = async (args) => {
  const [{ KubeConfig }, { ClientNodeApiServer }] = await client();

  const config = new KubeConfig();
  const file = textOf(args, 'kubeconfig');
  try {
    if (file === undefined) config.loadFromDefault();
    else config.loadFromFile(file);
  } catch (error) {
    const what = file ?? 'the kubeconfig';
    throw new OperatorError('Configuration', `${what} cannot be read: ${messageOf(error)}`);
  }
  const context = textOf(args, 'context');
  if (context !== undefined) config.setCurrentContext(context);
  if (!config.getCurrentCluster()) {
    const known = config.getContexts().map((c) => c.name);
    throw new OperatorError(
      'Configuration',
      `the kubeconfig has no context "${config.getCurrentContext()}"; it has ${known.join(', ') || 'none'}`,
    );
  }
  return { api: new ClientNodeApiServer(config), namespace: textOf(args, 'namespace') ?? NAMESPACE };
};
