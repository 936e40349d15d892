import { setTimeout as sleep } from 'node:timers/promises';
import type { ObjectMeta } from '../api/meta.ts';
import { messageOf } from '../errors.ts';
import type { Log } from '../telemetry/log.ts';
import { ApiError, isStatus, type ApiServer, type ApiStatus } from './api-server.ts';
import { isAtLeast } from './resource-version.ts';

interface WatchEvent {
  type: 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK' | 'ERROR';
  object: { metadata: ObjectMeta } & ApiStatus;
}

interface ListPage {
  items?: { metadata: ObjectMeta }[];
  metadata: { resourceVersion: string; continue?: string };
}

export interface ReflectorOptions<T> {
  api: ApiServer;
  /** Path of the collection. */
  path: string;
  /** Selectors; the same for list and watch. */
  query?: Record<string, string>;
  pageSize?: number;
  /** Cuts an object as the server sends it down to what is kept. */
  transform?: (object: never) => T;
  /** Called for every object that came, changed or (undefined) went. Must not throw; if it does, it is reported. */
  onChange: (name: string, object: T | undefined) => void;
  onSynced?: () => void;
  log: Log;
  /** Length of one watch; the server ends it after one to two times this. */
  watchSeconds?: number;
  /** A watch that outlives its own timeout by this much, in ms, hangs on a dead connection. */
  graceMs?: number;
  /** First wait after a failure, in ms; doubled up to 30 s. */
  baseDelayMs?: number;
}

const MAX_DELAY_MS = 30_000;
const MAX_DOUBLINGS = 20;
/** A watch that ends sooner than this, in ms, is followed by a wait: reconnecting at once would be a busy loop. */
const SHORT_MS = 1000;
/** So that all clients of a server that ends their watches at the same moment do not come back at the same moment. */
const SPREAD_MS = 100;

/**
 * Keeps a copy of one collection current until the signal aborts. Lists in pages, watches with bookmarks, resumes from the last resourceVersion,
 * lists again after 410, and goes on after everything else with full jitter (tools/cache/reflector.go). The stock informer of
 * client-node 2.0.1 stops for good after a reset connection or an answer such as 403.
 */
export class Reflector<T extends { metadata: ObjectMeta }> {
  readonly store = new Map<string, T>();
  synced = false;
  readonly #o: ReflectorOptions<T>;
  #version = '';
  #newest = '0';
  #failures = 0;
  #listBegan = -Infinity;
  #freshFrom = -Infinity;
  #watching: AbortController | undefined;
  #listed = Promise.withResolvers<void>();

  constructor(options: ReflectorOptions<T>) {
    this.#o = options;
  }

  /** Up to which resourceVersion of the server the copy is known to be current. */
  get version(): string {
    return this.#version;
  }

  /** The highest resourceVersion that changed the copy: another copy that is current up to it knows as much. */
  get newest(): string {
    return this.#newest;
  }

  /** Resolves once the copy is at least as new as the server was at `moment`, in ms of performance.now(); lists again if it must. */
  async freshSince(moment: number, signal: AbortSignal): Promise<void> {
    if (this.#listBegan < moment && this.#freshFrom < moment) {
      this.#freshFrom = moment;
      this.#watching?.abort();
    }
    const aborted = new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
    while (this.#listBegan < moment && !signal.aborted) await Promise.race([this.#listed.promise, aborted]);
  }

  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      let delay = Math.random() * SPREAD_MS;
      try {
        while (!this.#version || this.#listBegan < this.#freshFrom) await this.#list(signal);
        if (await this.#watch(signal)) this.#failures = 0;
        else delay = this.#jittered();
      } catch (error) {
        if (signal.aborted) return;
        const byUs = this.#watching?.signal.aborted;
        this.#watching = undefined;
        delay = byUs ? 0 : this.#failed(error);
      }
      await sleep(delay, undefined, { signal }).catch(() => {});
    }
  }

  /** How long to wait, in ms. What the server asks for is the least: many were asked for the same. */
  #failed(error: unknown): number {
    const { path, log } = this.#o;
    if (isStatus(error, 410)) {
      this.#version = '';
      log.debug('the watch is too old: listing again', { path });
    } else log.warn('the watch was interrupted', { path, error: messageOf(error) });
    const asked = error instanceof ApiError ? (error.retryAfterMs ?? 0) : 0;
    return asked + this.#jittered();
  }

  /** Full jitter: anything up to a limit that doubles with every failure in a row. */
  #jittered(): number {
    const limit = Math.min((this.#o.baseDelayMs ?? 500) * 2 ** this.#failures, MAX_DELAY_MS);
    this.#failures = Math.min(this.#failures + 1, MAX_DOUBLINGS);
    return Math.random() * limit;
  }

  async #list(signal: AbortSignal): Promise<void> {
    const began = performance.now();
    const seen = new Set<string>();
    let token: string | undefined;
    let version = '';
    do {
      const query = {
        ...this.#o.query,
        limit: String(this.#o.pageSize ?? 500),
        ...(token && { continue: token }),
      };
      const page: ListPage = await this.#o.api.request<ListPage>({
        method: 'GET',
        path: this.#o.path,
        query,
        signal,
      });
      for (const item of page.items ?? []) seen.add(this.#put(item));
      token = page.metadata.continue || undefined;
      version = page.metadata.resourceVersion;
    } while (token);
    // When an object that is gone went, nobody knows: not after this.
    for (const name of this.store.keys()) if (!seen.has(name)) this.#drop(name, version);
    this.#version = version;
    // Versions only go back when etcd was restored from an old copy of itself.
    if (!isAtLeast(version, this.#newest)) this.#newest = version;
    this.#listBegan = began;
    this.#listed.resolve();
    this.#listed = Promise.withResolvers();
    if (this.synced) return;
    this.synced = true;
    this.#guarded(() => this.#o.onSynced?.());
  }

  /** Whether it lasted. */
  async #watch(signal: AbortSignal): Promise<boolean> {
    const seconds = Math.round((this.#o.watchSeconds ?? 300) * (1 + Math.random()));
    const query = {
      ...this.#o.query,
      resourceVersion: this.#version,
      allowWatchBookmarks: 'true',
      timeoutSeconds: String(seconds),
    };
    const limit = new AbortController();
    this.#watching = new AbortController();
    const timer = setTimeout(() => limit.abort(), seconds * 1000 + (this.#o.graceMs ?? 30_000));
    const started = performance.now();
    let events = 0;
    try {
      const both = AbortSignal.any([signal, limit.signal, this.#watching.signal]);
      for await (const event of this.#o.api.watch<WatchEvent>(this.#o.path, query, both)) {
        events++;
        this.#apply(event);
      }
      const lasted = performance.now() - started >= SHORT_MS;
      if (events === 0 && !lasted) throw new Error('the server ended the watch at once');
      return lasted;
    } finally {
      clearTimeout(timer);
    }
  }

  #apply({ type, object }: WatchEvent): void {
    if (type === 'ERROR')
      throw new ApiError({ method: 'GET', path: this.#o.path }, object.code ?? 500, object);
    if (type === 'DELETED') this.#drop(object.metadata.name, object.metadata.resourceVersion);
    else if (type !== 'BOOKMARK') this.#put(object);
    this.#version = object.metadata.resourceVersion ?? this.#version;
    this.#failures = 0;
  }

  #put(object: { metadata: ObjectMeta }): string {
    const { name, uid, resourceVersion } = object.metadata;
    const old = this.store.get(name);
    if (old && old.metadata.uid === uid && old.metadata.resourceVersion === resourceVersion) return name;
    const kept = this.#o.transform ? this.#o.transform(object as never) : (object as T);
    this.#reached(resourceVersion);
    this.store.set(name, kept);
    this.#guarded(() => this.#o.onChange(name, kept));
    return name;
  }

  #drop(name: string, version: string | undefined): void {
    if (!this.store.delete(name)) return;
    this.#reached(version);
    this.#guarded(() => this.#o.onChange(name, undefined));
  }

  /** Resource versions of one collection are ordered (KEP-5504). */
  #reached(version: string | undefined): void {
    if (version && isAtLeast(version, this.#newest)) this.#newest = version;
  }

  #guarded(callback: () => void): void {
    try {
      callback();
    } catch (error) {
      this.#o.log.error(`a handler of ${this.#o.path} failed: ${messageOf(error)}`, { error });
    }
  }
}
