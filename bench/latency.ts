/**
 * From the PATCH of a profile of 50 sysctls, or fewer, to the values in the node's kernel, and from a change of the kubelet's list to its configz,
 * beside a DaemonSet with a shell script whose template is changed. On a cluster with the operator installed
 * (npm run cluster -- up && npm run cluster -- install):
 *   npm run bench:latency [-- --sysctls 50 --rounds 60 --json FILE]
 */
import { KubeConfig } from '@kubernetes/client-node';
import { setTimeout as sleep } from 'node:timers/promises';
import { ClientNodeApiServer } from '../operator/kube/client-node-api-server.ts';
import { existing } from '../test/cluster/tool/cluster.ts';
import { pidOf } from '../test/cluster/tool/processes.ts';
import { LiveProfile } from './support/live-profile.ts';
import { benchOptions, report, spread, type Row } from './support/report.ts';
import { ShellDaemonSet } from './support/shell-daemon-set.ts';
import { clock, ValuesWatcher } from './support/values-watcher.ts';

const NODE = 'node-1';
const PAUSE_MS = 300;
/** A kubelet has heard of its pods by then. */
const LIST_PAUSE_MS = 3000;
/** All of them take any number from 1000 on, and every network namespace has them. */
const GLOBAL =
  'challenge_ack_limit max_tw_buckets max_syn_backlog notsent_lowat probe_interval keepalive_time fin_timeout';
const NEIGH =
  'app_solicit unres_qlen_bytes delay_first_probe_time gc_stale_time mcast_resolicit mcast_solicit proxy_qlen ucast_solicit';
const CONF = 'medium_id tag igmpv2_unsolicited_report_interval igmpv3_unsolicited_report_interval';
const DEVICES = ['lo', 'eth0'];
const each = (fields: string, name: (field: string) => string): string[] => fields.split(' ').map(name);
const ALL = [
  'net.core.somaxconn',
  'net.ipv4.igmp_max_memberships',
  'net.ipv4.igmp_max_msf',
  ...each(GLOBAL, (f) => `net.ipv4.tcp_${f}`),
  ...DEVICES.flatMap((device) => [
    ...each(CONF, (f) => `net.ipv4.conf.${device}.${f}`),
    ...each(NEIGH, (f) => `net.ipv4.neigh.${device}.${f}`),
    ...each(NEIGH, (f) => `net.ipv6.neigh.${device}.${f}`),
  ]),
];
const nodeSelector = { matchLabels: { 'kubernetes.io/hostname': NODE } };
const sysctls = (values: readonly number[]) =>
  NAMES.map((name, i) => ({ name, value: values[i] ?? 0, scope: 'Node' as const }));

const options = benchOptions({ sysctls: '50', rounds: '60', list: '10', shell: '10' });
const NAMES = ALL.slice(0, Number(options.sysctls));
const layout = existing();
const config = new KubeConfig();
config.loadFromFile(layout.kubeconfig);
const api = new ClientNodeApiServer(config);
const pid = pidOf(layout, NODE);
if (pid === undefined) throw new Error(`${NODE} does not run: npm run cluster -- up`);
const watcher = new ValuesWatcher(pid, NAMES);

let counter = 1000;
/** Every value new, or the first one alone. */
let values = NAMES.map(() => counter);
const next = (all: boolean): readonly number[] => {
  counter++;
  values = all ? NAMES.map(() => counter) : [counter, ...values.slice(1)];
  return values;
};

/** Until the values are live, and until the API server had answered the PATCH: no operator can begin before. */
interface Edits {
  live: number[];
  answered: number[];
}

async function edits(profile: LiveProfile, rounds: number, all: boolean, pause: number): Promise<Edits> {
  const times: Edits = { live: [], answered: [] };
  for (let round = 0; round < rounds; round++) {
    if (pause > 0) await sleep(pause);
    const wanted = next(all);
    const started = clock();
    await profile.patch({ sysctls: sysctls(wanted) });
    times.answered.push(clock() - started);
    times.live.push((await watcher.until(wanted)) - started);
  }
  return times;
}

async function lists(profile: LiveProfile, rounds: number, pause: number): Promise<number[]> {
  const times: number[] = [];
  const path = `/api/v1/nodes/${NODE}/proxy/configz`;
  for (let round = 0; round < rounds; round++) {
    await sleep(pause);
    const wanted = [round % 2 ? 'net.ipv4.tcp_*' : 'kernel.shm*'];
    const started = clock();
    const generation = await profile.patch({ pods: { allowedUnsafeSysctls: wanted } });
    for (;;) {
      const configz = await api
        .request<{ kubeletconfig: { allowedUnsafeSysctls?: string[] } }>({ method: 'GET', path })
        .catch(() => undefined);
      if (configz?.kubeletconfig.allowedUnsafeSysctls?.join() === wanted.join()) break;
      await sleep(10);
    }
    times.push(clock() - started);
    await profile.ready(generation);
  }
  return times;
}

const byName = (wanted: readonly number[]) => new Map(NAMES.map((name, i) => [name, wanted[i] ?? 0]));

async function shell(rounds: number): Promise<number[]> {
  const daemonSet = new ShellDaemonSet(api);
  const times: number[] = [];
  const first = next(true);
  await daemonSet.create(byName(first));
  try {
    await watcher.until(first);
    for (let round = 0; round < rounds; round++) {
      await sleep(2000);
      const wanted = next(true);
      const started = clock();
      await daemonSet.patch(byName(wanted));
      times.push((await watcher.until(wanted)) - started);
    }
  } finally {
    await daemonSet.delete();
  }
  return times;
}

const rows: Row[] = [];
const add = (what: string, ms: readonly number[]): void => void rows.push({ what, ...spread(ms) });
const profile = new LiveProfile(api, 'bench-latency');
try {
  const rounds = Number(options.rounds);
  await profile.create({ nodeSelector, sysctls: sysctls(values) });
  await watcher.until(values);
  await edits(profile, 5, false, PAUSE_MS);
  for (const [what, all, pause] of [
    [`one value of ${NAMES.length}, with a pause`, false, PAUSE_MS],
    [`one value of ${NAMES.length}, back-to-back`, false, 0],
    [`all ${NAMES.length} values, with a pause`, true, PAUSE_MS],
    [`all ${NAMES.length} values, back-to-back`, true, 0],
  ] as const) {
    const { live, answered } = await edits(profile, rounds, all, pause);
    add(what, live);
    add("  of it until the API server's answer to the PATCH", answered);
  }
  const times = Number(options.list);
  add("the kubelet's list, to configz", await lists(profile, times, LIST_PAUSE_MS));
  add("the kubelet's list, while it has just started", await lists(profile, times, 0));
  await profile.delete();
  await sleep(2000);
  add(`all ${NAMES.length} values, by a shell DaemonSet`, await shell(Number(options.shell)));
  report('latency', rows, options.json);
} finally {
  watcher.close();
  await profile.delete();
  api.close();
}
