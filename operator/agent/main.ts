import { paths } from '../api/names.ts';
import type { NodeSysctlState } from '../api/state.ts';
import { EventRecorder } from '../kube/events.ts';
import { Reflector } from '../kube/reflector.ts';
import { serviceAccountApiServer } from '../kube/service-account.ts';
import { jsonLog } from '../telemetry/json-log.ts';
import { NodeAgent } from './agent.ts';
import { ProcSys } from './kernel.ts';
import { KernelTruth, kernelVersion } from './kernel-truth.ts';
import { onlyAgentOfNode } from './lock.ts';
import { agentSettings } from './settings.ts';
import { StatusWriter } from './status-writer.ts';

/** How long a starting agent waits for the API server before it goes on with what it applied last. */
const OFFLINE_MS = 10_000;

/** The agent of one node: runs until the signal aborts; puts nothing back then. */
export async function runAgent(env: NodeJS.ProcessEnv, signal: AbortSignal): Promise<void> {
  const settings = agentSettings(env);
  const { nodeName, namespace, podName, stateDir, hostRoot } = settings;
  const log = jsonLog({ level: settings.logLevel }).child({ node: nodeName });
  const lock = await onlyAgentOfNode(log, signal);
  const api = serviceAccountApiServer({
    host: settings.apiHost,
    port: settings.apiPort,
    caFile: settings.caFile,
    tokenFile: settings.tokenFile,
  });
  const kernel = new ProcSys(settings.procSys);
  const agent = new NodeAgent({
    api,
    kernel,
    truth: new KernelTruth({
      probe: async () => (await import('./probe/probe.ts')).probeKernel(),
      version: () => kernelVersion(kernel.release()),
      log,
    }),
    kubelet: async () =>
      (await import('./kubelet/manager.ts')).createKubeletManager({
        hostRoot,
        stateDir,
        tokenFile: settings.tokenFile,
        ...(podName !== undefined && { knownPod: `${namespace}/${podName}` }),
        log,
      }),
    events: new EventRecorder({ api, controller: 'sysctl-operator.dev/agent', instance: nodeName, log }),
    status: new StatusWriter(api, nodeName, log, signal),
    log,
    namespace,
    stateDir,
    signal,
  });
  const reflector = new Reflector<NodeSysctlState>({
    api,
    log,
    path: paths.states,
    query: { fieldSelector: `metadata.name=${nodeName}` },
    onChange: (_name, state) => agent.stateChanged(state),
  });
  log.info('the agent starts', { driftIntervalMs: settings.driftIntervalMs, pid: process.pid });
  const offline = setTimeout(() => !reflector.synced && agent.resume(), OFFLINE_MS);
  const drift = setInterval(() => agent.sweep(), settings.driftIntervalMs);
  await reflector.run(signal);
  clearTimeout(offline);
  clearInterval(drift);
  api.close();
  lock?.close();
  log.info('the agent stops; nothing is put back');
}
