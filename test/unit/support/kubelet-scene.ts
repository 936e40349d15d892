import { join } from 'node:path';
import { HostFiles, type HostFile } from '../../../operator/agent/kubelet/host-files.ts';
import { Journal, type KubeletRecord } from '../../../operator/agent/kubelet/journal.ts';
import { createKubeletManager } from '../../../operator/agent/kubelet/manager.ts';
import type { KubeletManager } from '../../../operator/agent/kubelet/types.ts';
import type { Log } from '../../../operator/telemetry/log.ts';
import { recordingLog, type LogLine } from './agent-fakes.ts';
import { FakeClock, FakeKubelet, FOLDER, MAIN } from './kubelet-fakes.ts';
import { FakeNode } from './kubelet-node.ts';

export const MAIN_TEXT = `# The node's own configuration.
apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
allowedUnsafeSysctls: ["net.core.somaxconn"]   # from the platform team
maxPods: 110
`;
export const STATE = '/var/lib/sysctl-operator';

/** What the agent does to the world, counted. `at(n)` runs before the n-th step. */
export class Effects {
  steps = 0;
  at: (step: number) => void = () => {};

  step(): void {
    this.at(++this.steps);
  }

  /** One step before and one after. */
  run<T>(work: () => T): T {
    this.step();
    const result = work();
    this.step();
    return result;
  }
}

class CountedFiles extends HostFiles {
  readonly #effects: Effects;

  constructor(root: string, effects: Effects) {
    super(root);
    this.#effects = effects;
  }

  override write(path: string, text: string, like?: HostFile): void {
    this.#effects.run(() => super.write(path, text, like));
  }

  override remove(path: string): void {
    this.#effects.run(() => super.remove(path));
  }
}

class CountedJournal extends Journal {
  readonly #effects: Effects;

  constructor(stateDir: string, effects: Effects) {
    super(stateDir);
    this.#effects = effects;
  }

  override write(record: KubeletRecord): void {
    this.#effects.run(() => super.write(record));
  }

  override remove(): void {
    this.#effects.run(() => super.remove());
  }
}

/** A node with a kubelet, and an agent's kubelet part for it. */
export class Scene {
  readonly node = new FakeNode();
  readonly clock = new FakeClock();
  readonly kubelet: FakeKubelet;
  readonly log: Log & { lines: LogLine[] } = recordingLog();
  effects = new Effects();
  manager: KubeletManager;

  constructor({ dropIns = true, main = MAIN_TEXT }: { dropIns?: boolean; main?: string } = {}) {
    this.node.file(MAIN, main, 0o600);
    this.node.file('/var/lib/kubelet/pki/kubelet.crt', 'a certificate');
    if (dropIns) this.node.folder(FOLDER);
    this.kubelet = new FakeKubelet(this.node, dropIns ? FOLDER : undefined);
    this.clock.onSleep = () => this.kubelet.tick();
    this.kubelet.start();
    this.kubelet.starts = 0;
    this.manager = this.newAgent();
  }

  /** What an agent that starts now has: nothing but what is on the node. */
  newAgent(effects = new Effects()): KubeletManager {
    this.effects = effects;
    const { node, kubelet, clock, log } = this;
    this.manager = createKubeletManager({
      hostRoot: node.root,
      stateDir: node.at(STATE),
      tokenFile: '/token',
      log,
      proc: node.proc,
      host: new CountedFiles(node.root, effects),
      journal: new CountedJournal(node.at(STATE), effects),
      services: {
        show: (unit) => kubelet.show(unit),
        restart: async (unit) => effects.run(() => kubelet.restart(unit)),
        lastWords: () => kubelet.lastWords(),
      },
      connect: () => kubelet.endpoint(),
      clock,
    });
    return this.manager;
  }

  get record(): KubeletRecord | undefined {
    return new Journal(this.node.at(STATE)).read();
  }

  recordFile(text: string): void {
    this.node.file(join(STATE, 'kubelet.json'), text);
  }
}
