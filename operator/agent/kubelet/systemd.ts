import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { messageOf } from '../../errors.ts';

const exec = promisify(execFile);
const TIMEOUT_MS = 30_000;
/** The node's own systemctl, in the namespaces of process 1. */
const ON_NODE = ['--target', '1', '--mount', '--uts', '--ipc', '--net', '--pid', '--'];

export interface UnitState {
  mainPid: number;
  /** How often systemd has started it again by itself. */
  restarts: number;
  /** It ended and systemd does not start it again. */
  failed?: boolean;
}

/** What is needed of the node's systemd. */
export interface ServiceManager {
  /** Undefined where the node has no systemd, or it does not know the unit. */
  show(unit: string): Promise<UnitState | undefined>;
  restart(unit: string): Promise<void>;
  /** The unit's last lines, where the journal has them. */
  lastWords(unit: string): Promise<string>;
}

const onNode = async (...command: string[]): Promise<string> =>
  (await exec('nsenter', [...ON_NODE, ...command], { timeout: TIMEOUT_MS })).stdout;

export const systemd: ServiceManager = {
  async show(unit) {
    let output: string;
    try {
      output = await onNode('systemctl', 'show', '--property=LoadState,ActiveState,MainPID,NRestarts', unit);
    } catch {
      return undefined;
    }
    const values = new Map(output.split('\n').map((line) => line.split('=', 2) as [string, string]));
    if (values.get('LoadState') !== 'loaded') return undefined;
    return {
      mainPid: Number(values.get('MainPID')),
      restarts: Number(values.get('NRestarts')),
      failed: values.get('ActiveState') === 'failed',
    };
  },
  async restart(unit) {
    // A unit that failed too often is not started again without this.
    await onNode('systemctl', 'reset-failed', unit).catch(() => {});
    try {
      await onNode('systemctl', 'restart', unit);
    } catch (error) {
      const [first] = ((error as { stderr?: string }).stderr ?? '').split('\n');
      throw first ? new Error(first) : error;
    }
  },
  async lastWords(unit) {
    try {
      return await onNode('journalctl', '--unit', unit, '--lines', '20', '--output', 'cat', '--no-pager');
    } catch (error) {
      return messageOf(error);
    }
  },
};
