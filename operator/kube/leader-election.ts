import { setTimeout as sleep } from 'node:timers/promises';
import { messageOf } from '../errors.ts';
import type { Log } from '../telemetry/log.ts';
import { isStatus, type ApiServer } from './api-server.ts';

interface Lease {
  metadata: { name: string; namespace: string; resourceVersion?: string };
  spec: {
    holderIdentity?: string;
    leaseDurationSeconds?: number;
    acquireTime?: string;
    renewTime?: string;
    leaseTransitions?: number;
  };
}

export interface LeaderElectionOptions {
  api: ApiServer;
  /** Path of the collection, /apis/coordination.k8s.io/v1/namespaces/N/leases. */
  path: string;
  name: string;
  namespace: string;
  identity: string;
  log: Log;
  /** How long others wait after the last renewal that they saw. */
  leaseMs?: number;
  /** How long the holder goes on without a renewal; below leaseMs, so that two never lead at once. */
  renewDeadlineMs?: number;
  retryMs?: number;
  now?: () => number;
}

/** MicroTime, as coordination.k8s.io/v1 wants it. */
const microTime = (ms: number): string => new Date(ms).toISOString().replace('Z', '000Z');

/**
 * Leader election by a coordination.k8s.io Lease, with the rules of client-go's leaderelection package: a candidate
 * judges expiry by its own clock from when it saw the lease change, never by the holder's timestamps.
 */
export class LeaderElector {
  readonly #o: Required<LeaderElectionOptions>;
  #seen: { version: string; at: number } | undefined;

  constructor(options: LeaderElectionOptions) {
    this.#o = {
      leaseMs: 15_000,
      renewDeadlineMs: 10_000,
      retryMs: 2_000,
      now: () => performance.now(),
      ...options,
    };
  }

  /** Runs `lead` each time this replica holds the lease; its signal aborts when the lease is lost or `signal` aborts. */
  async run(signal: AbortSignal, lead: (leading: AbortSignal) => Promise<void>): Promise<void> {
    while (!signal.aborted) {
      const attempt = this.#o.now();
      if (await this.#try(signal)) await this.#term(attempt, signal, lead);
      await sleep(this.#o.retryMs * (0.5 + Math.random() / 2), undefined, { signal }).catch(() => {});
    }
  }

  /** `acquired`: when the request that got the lease was sent; others may count from then. */
  async #term(
    acquired: number,
    signal: AbortSignal,
    lead: (leading: AbortSignal) => Promise<void>,
  ): Promise<void> {
    this.#o.log.info('this replica leads', { identity: this.#o.identity });
    const lost = new AbortController();
    const leading = AbortSignal.any([signal, lost.signal]);
    const work = lead(leading).finally(() => lost.abort());
    let renewed = acquired;
    while (!leading.aborted) {
      await sleep(this.#o.retryMs, undefined, { signal: leading }).catch(() => {});
      if (leading.aborted) break;
      const attempt = this.#o.now();
      // A renewal that hangs must not outlive the deadline.
      const budget = AbortSignal.any([leading, AbortSignal.timeout(this.#o.renewDeadlineMs / 2)]);
      if (await this.#try(budget)) renewed = attempt;
      else if (this.#o.now() - renewed > this.#o.renewDeadlineMs) {
        this.#o.log.warn('the lease is lost: another replica may lead', { identity: this.#o.identity });
        lost.abort();
      }
    }
    await work;
    if (signal.aborted) await this.#release();
  }

  /** True when this replica holds the lease after the call. */
  async #try(signal: AbortSignal): Promise<boolean> {
    try {
      const lease = await this.#read(signal);
      if (!lease) return await this.#create(signal);
      if (lease.spec.holderIdentity !== this.#o.identity && !this.#expired(lease)) return false;
      await this.#write(this.#renewed(lease), signal);
      return true;
    } catch (error) {
      if (!signal.aborted && !isStatus(error, 409))
        this.#o.log.warn('the lease cannot be renewed', { error: messageOf(error) });
      return false;
    }
  }

  async #read(signal: AbortSignal): Promise<Lease | undefined> {
    try {
      return await this.#o.api.request<Lease>({
        method: 'GET',
        path: `${this.#o.path}/${this.#o.name}`,
        signal,
      });
    } catch (error) {
      if (isStatus(error, 404)) return undefined;
      throw error;
    }
  }

  #expired(lease: Lease): boolean {
    if (!lease.spec.holderIdentity) return true;
    const version = lease.metadata.resourceVersion ?? '';
    if (this.#seen?.version !== version) this.#seen = { version, at: this.#o.now() };
    return this.#o.now() - this.#seen.at > this.#o.leaseMs;
  }

  #renewed(lease: Lease): Lease {
    const mine = lease.spec.holderIdentity === this.#o.identity;
    const time = microTime(Date.now());
    return {
      ...lease,
      spec: {
        ...lease.spec,
        holderIdentity: this.#o.identity,
        leaseDurationSeconds: Math.ceil(this.#o.leaseMs / 1000),
        renewTime: time,
        acquireTime: mine ? (lease.spec.acquireTime ?? time) : time,
        leaseTransitions: (lease.spec.leaseTransitions ?? 0) + (mine ? 0 : 1),
      },
    };
  }

  async #create(signal: AbortSignal): Promise<boolean> {
    const { name, namespace } = this.#o;
    const body = {
      apiVersion: 'coordination.k8s.io/v1',
      kind: 'Lease',
      ...this.#renewed({ metadata: { name, namespace }, spec: {} }),
    };
    await this.#o.api.request({ method: 'POST', path: this.#o.path, body, signal });
    return true;
  }

  async #write(lease: Lease, signal?: AbortSignal): Promise<void> {
    const path = `${this.#o.path}/${this.#o.name}`;
    await this.#o.api.request({ method: 'PUT', path, body: lease, ...(signal && { signal }) });
  }

  /** Gives the lease back, so that the next replica need not wait for it to expire. */
  async #release(): Promise<void> {
    try {
      const lease = await this.#read(AbortSignal.timeout(3_000));
      if (lease?.spec.holderIdentity !== this.#o.identity) return;
      await this.#write(
        { ...lease, spec: { ...lease.spec, holderIdentity: '' } },
        AbortSignal.timeout(3_000),
      );
    } catch (error) {
      this.#o.log.warn('the lease was not given back', { error: messageOf(error) });
    }
  }
}
