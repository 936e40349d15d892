import type { ChildProcessWithoutNullStreams } from 'node:child_process';
import { spawn } from 'node:child_process';
import { createInterface, type Interface } from 'node:readline';
import type { Layout } from '../../cluster/tool/layout.ts';
import { execArguments } from '../../cluster/tool/node-exec.ts';

/** One line in, one line out, without a new process: a sample is to take a millisecond. */
const SCRIPT = `while read -r key; do v=; read -r v < "/proc/sys/$key"; echo "$v"; done 2>/dev/null`;

/** Reads values in a node's kernel again and again, by one shell in the node's namespaces. */
export class NodeValues {
  readonly #shell: ChildProcessWithoutNullStreams;
  readonly #lines: Interface;
  readonly #waiting: ((line: string) => void)[] = [];

  constructor(layout: Layout, node: string) {
    const [program = '', ...args] = execArguments(layout, node, ['bash', '-c', SCRIPT]);
    this.#shell = spawn(program, args);
    this.#lines = createInterface({ input: this.#shell.stdout });
    this.#lines.on('line', (line) => this.#waiting.shift()?.(line));
  }

  /** The value with single spaces; empty where there is no such key. */
  read(name: string): Promise<string> {
    return new Promise((resolve) => {
      this.#waiting.push((line) => resolve(line.trim().replaceAll(/\s+/g, ' ')));
      this.#shell.stdin.write(`${name.replaceAll('.', '/')}\n`);
    });
  }

  close(): void {
    this.#lines.close();
    this.#shell.kill('SIGKILL');
  }
}
