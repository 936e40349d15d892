import { setTimeout as sleep } from 'node:timers/promises';
import type { Processes } from './processes.ts';
import type { NetworkFault, Step } from './schedule.ts';
import type { Setting } from './setting.ts';
import type { TcpProxy } from './tcp-proxy.ts';

const DIRECTIONS = { stall: ['up', 'down'], 'stall up': ['up'], 'stall down': ['down'] } as const;

/** A fault of the bytes of a client's connections; resolves when it is over. */
async function disturb(proxy: TcpProxy, who: string, fault: NetworkFault): Promise<void> {
  switch (fault.fault) {
    case 'reset':
      return proxy.reset(who);
    case 'half-open':
      return proxy.halfOpen(who);
    case 'refuse':
      proxy.refuse(who);
      proxy.reset(who);
      break;
    case 'delay':
      proxy.delay(who, fault.ms);
      break;
    case 'stall':
    case 'stall up':
    case 'stall down':
      proxy.stall(who, DIRECTIONS[fault.fault]);
      break;
    default:
      throw new Error(`${fault.fault} needs HTTP`);
  }
  await sleep(fault.forMs);
  proxy.restore(who);
}

async function disturbNetwork({ api, redis }: Setting, who: string, fault: NetworkFault): Promise<void> {
  if (who === 'redis') return redis && disturb(redis.proxy, who, fault);
  switch (fault.fault) {
    case 'cut abrupt':
      return api.cut(who, 'abrupt');
    case 'cut clean':
      return api.cut(who, 'clean');
    case 'answer': {
      const { status, retryAfterSeconds, forMs } = fault;
      api.answer(who, { status, ...(retryAfterSeconds !== undefined && { retryAfterSeconds }) });
      await sleep(forMs);
      return api.restore(who);
    }
    default:
      return disturb(api.network, who, fault);
  }
}

/** Makes a step that is neither a change nor a kill; resolves when it is over. */
export async function inject(step: Step, setting: Setting, processes: Processes): Promise<void> {
  if (step.kind === 'network') await disturbNetwork(setting, step.who, step.fault);
  else if (step.kind === 'pause') await processes.pause(step.victim, step.forMs);
  else if (step.kind === 'flush Redis') await processes.flush();
  else if (step.kind === 'disk') {
    const disk = setting.disks.get(step.node);
    await (step.what === 'full' ? disk?.fill() : disk?.readOnlyEtc());
    await sleep(step.forMs);
    await (step.what === 'full' ? disk?.empty() : disk?.writableEtc());
  }
}
