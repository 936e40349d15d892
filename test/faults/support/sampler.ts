import { setTimeout as sleep } from 'node:timers/promises';
import { paths } from '../../../operator/api/names.ts';
import type { SysctlProfile } from '../../../operator/api/profile.ts';
import type { NodeSysctlState } from '../../../operator/api/state.ts';
import type { Layout } from '../../cluster/tool/layout.ts';
import { Admin } from './admin.ts';
import { NodeValues } from './node-values.ts';
import type { Epoch, Sample, Values } from './truth.ts';

const EVERY_MS = 50;
/** What kubectl asks for, with the whole object beside what it prints: both from one moment. */
const TABLE = 'application/json;as=Table;v=v1;g=meta.k8s.io';

interface Table {
  columnDefinitions: { name: string }[];
  rows: { cells: unknown[]; object: SysctlProfile }[];
}

/** Samples one profile, the states of all nodes and the real values twenty times a second. */
export class Sampler {
  readonly #admin: Admin;
  readonly #path: string;
  readonly #nodes: ReadonlyMap<string, NodeValues>;
  readonly #keys: readonly string[];
  readonly #epochs: (Epoch & { samples: Sample[] })[] = [];
  #editing = false;
  #stopped = false;
  #running: Promise<void> | undefined;

  constructor(layout: Layout, profile: string, nodes: readonly string[], keys: readonly string[]) {
    this.#admin = new Admin(layout);
    this.#path = `${paths.profiles}/${profile}`;
    this.#nodes = new Map(nodes.map((node) => [node, new NodeValues(layout, node)]));
    this.#keys = keys;
  }

  /** Makes an edit, and begins an epoch that wants these values on every node. */
  async edit(
    name: string,
    values: Readonly<Record<string, string>>,
    edit: () => Promise<unknown>,
  ): Promise<void> {
    this.#editing = true;
    await edit();
    const profile = await this.#admin.get<SysctlProfile>(this.#path);
    const wanted = Object.fromEntries([...this.#nodes.keys()].map((node) => [node, values]));
    this.#epochs.push({ name, generation: profile?.metadata.generation ?? 0, wanted, samples: [] });
    this.#editing = false;
    this.#running ??= this.#run();
  }

  /** Everything that was seen, epoch by epoch. */
  async stop(): Promise<Epoch[]> {
    this.#stopped = true;
    await this.#running;
    for (const values of this.#nodes.values()) values.close();
    return this.#epochs;
  }

  async #run(): Promise<void> {
    while (!this.#stopped) {
      const epoch = this.#epochs.at(-1);
      const next = sleep(EVERY_MS);
      const undisturbed = !this.#editing;
      const sample = await this.#sample();
      // An edit that was under way, or began meanwhile, makes two moments of one sample.
      if (sample && undisturbed && !this.#editing && epoch === this.#epochs.at(-1))
        epoch?.samples.push(sample);
      await next;
    }
  }

  /** First what is said, then what there is: a value that was there when Ready was read is still there afterwards. */
  async #sample(): Promise<Sample | undefined> {
    const from = performance.now();
    const [{ body }, states] = await Promise.all([
      this.#admin.call({ path: `${this.#path}?includeObject=Object`, accept: TABLE }),
      this.#admin.get<{ items: NodeSysctlState[] }>(paths.states),
    ]);
    const { columnDefinitions, rows } = body as unknown as Table;
    const row = rows[0];
    if (!row) return undefined;
    const values = await this.#values();
    const cells = Object.fromEntries(columnDefinitions.map(({ name }, i) => [name, row.cells[i]]));
    return { from, to: performance.now(), profile: row.object, cells, states: states?.items ?? [], values };
  }

  async #values(): Promise<Values> {
    const ofNode = async (values: NodeValues): Promise<Record<string, string>> =>
      Object.fromEntries(
        await Promise.all(this.#keys.map(async (key) => [key, await values.read(key)] as const)),
      );
    return Object.fromEntries(
      await Promise.all(
        [...this.#nodes].map(async ([node, values]) => [node, await ofNode(values)] as const),
      ),
    );
  }
}
