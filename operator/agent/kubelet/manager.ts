import type { Log } from '../../telemetry/log.ts';
import type { KubeletManager } from './types.ts';
export function createKubeletManager(_options: {
  hostRoot: string;
  stateDir: string;
  tokenFile: string;
  caFile: string;
  log: Log;
}): KubeletManager {
  throw new Error('placeholder');
}
