import { join } from 'node:path';
import { OperatorError } from '../../errors.ts';
import { readIfPresent, removeDurably, writeDurably } from '../durable-file.ts';
import type { HostFile } from './host-files.ts';

/** The record that makes a half-done change of the kubelet's configuration recoverable; undefined members: there was no file. */
export interface KubeletRecord {
  version: 1;
  /** The file of the kubelet's configuration that holds our part, by the node's path. */
  path: string;
  /** Our own file, or the kubelet's main one. */
  kind: 'dropIn' | 'main';
  /** The systemd unit of the kubelet: a kubelet that is down cannot be asked for it. */
  unit: string;
  /** The file before we touched it for the first time. */
  original?: HostFile;
  /** The file as we wrote it last; undefined when it was given back. */
  written?: string;
  /** What of the list is there because of us. */
  ours: string[];
  /** A change under way: what was there right before it, and what it brings. */
  change?: { before?: HostFile; after?: string; ours: string[] };
  /** The last list that the kubelet did not take. */
  failed?: { list: string[]; at: string; message: string };
}

/** kubelet.json in the agent's folder on the node. */
export class Journal {
  readonly #file: string;

  constructor(stateDir: string) {
    this.#file = join(stateDir, 'kubelet.json');
  }

  /** Throws LedgerUnreadable where the file is damaged: what the kubelet had before is not known then. */
  read(): KubeletRecord | undefined {
    const text = readIfPresent(this.#file);
    if (text === undefined) return undefined;
    try {
      const record = JSON.parse(text) as KubeletRecord;
      if (record.version === 1 && typeof record.path === 'string' && Array.isArray(record.ours))
        return record;
    } catch {
      // Told below.
    }
    throw new OperatorError(
      'LedgerUnreadable',
      `${this.#file} cannot be read: nothing is changed in the kubelet's configuration`,
    );
  }

  write(record: KubeletRecord): void {
    writeDurably(this.#file, JSON.stringify(record, null, 2));
  }

  remove(): void {
    removeDurably(this.#file);
  }
}
