import { setTimeout as sleep } from 'node:timers/promises';
import { messageOf, OperatorError } from '../errors.ts';
import type { Log } from '../telemetry/log.ts';
import type { ApiServer } from './api-server.ts';
import { systemClock, type Clock, type Instant } from './clock.ts';
import type { Fence } from './fence.ts';
import { LeaseClient } from './lease-client.ts';
import { ObservedLease, RenewalDeadline, freedLease, renewedLease, type Lease } from './lease.ts';
import { Reflector } from './reflector.ts';

export interface LeaderElectionOptions {
  api: ApiServer;
  /** Path of the collection, /apis/coordination.k8s.io/v1/namespaces/N/leases. */
  path: string;
  name: string;
  namespace: string;
  identity: string;
  log: Log;
  /** How long others wait after the last renewal that they saw, in ms. The other times follow from it. */
  leaseMs?: number;
  clock?: Clock;
}

/** The time for which this replica leads. */
export interface Term {
  /** Aborts when the lease is lost or the replica ends. */
  signal: AbortSignal;
  /** Throws Fenced as soon as another replica may lead, whatever timers had no time to say. */
  fence: Fence;
  /** When the request that got the lease was sent. */
  since: Instant;
}

interface Held {
  lease: Lease;
  sent: Instant;
}

/** As shares of the lease's duration, 30 s by default: renewed after 12 s, given up after 20 s, tried again after 2 s. */
const RENEW = 12 / 30;
const DEADLINE = 20 / 30;
const RETRY = 2 / 30;
const RELEASE_MS = 3_000;

/**
 * Leader election by a coordination.k8s.io Lease, with the rules of client-go's leaderelection package. The holder sends one PUT a renewal
 * and reads only in doubt; a candidate watches and sends nothing.
 */
export class LeaderElector {
  readonly #o: LeaderElectionOptions;
  readonly #leases: LeaseClient;
  readonly #leaseMs: number;
  readonly #clock: Clock;
  readonly #observed = new ObservedLease();
  readonly #first = Promise.withResolvers<void>();

  constructor(options: LeaderElectionOptions) {
    this.#o = options;
    this.#leases = new LeaseClient(options.api, options.path, options.name);
    this.#leaseMs = options.leaseMs ?? 30_000;
    this.#clock = options.clock ?? systemClock;
  }

  /** Resolves once it was tried to get the lease, whether it was free or not. */
  get tried(): Promise<void> {
    return this.#first.promise;
  }

  /** Runs `lead` each time this replica holds the lease, until `signal` aborts; then gives the lease back. */
  async run(signal: AbortSignal, lead: (term: Term) => Promise<void>): Promise<void> {
    while (!signal.aborted) {
      const held = await this.#acquire(signal);
      if (held) await this.#term(held, signal, lead);
    }
    this.#first.resolve();
  }

  /** Waits as a candidate. A watch says at once what changes; what is written rests on a read of this moment. */
  async #acquire(signal: AbortSignal): Promise<Held | undefined> {
    const end = new AbortController();
    const running = AbortSignal.any([signal, end.signal]);
    let wake = new AbortController();
    const reflector = new Reflector<Lease>({
      api: this.#o.api,
      path: this.#leases.path,
      query: this.#leases.query,
      log: this.#o.log,
      onChange: (_, lease) => {
        if (lease) this.#observed.heard(lease, this.#clock());
        else this.#observed.set(undefined, this.#clock());
        wake.abort();
      },
    });
    let following: Promise<void> | undefined;
    try {
      let outcome = await this.#attempt(running);
      this.#first.resolve();
      while (typeof outcome === 'number' && !signal.aborted) {
        following ??= reflector.run(running);
        wake = new AbortController();
        await sleep(outcome, undefined, { signal: AbortSignal.any([running, wake.signal]) }).catch(() => {});
        const freeInMs = this.#observed.freeInMs(this.#o.identity, this.#leaseMs, this.#clock());
        outcome = freeInMs > 0 ? freeInMs : await this.#attempt(running);
      }
      return typeof outcome === 'number' ? undefined : outcome;
    } finally {
      end.abort();
      await following;
    }
  }

  /** The lease, or in how many ms to try again. */
  async #attempt(signal: AbortSignal): Promise<Held | number> {
    const { identity, log } = this.#o;
    const retryMs = this.#leaseMs * RETRY * (0.5 + Math.random() / 2);
    try {
      const budget = AbortSignal.any([signal, AbortSignal.timeout(this.#leaseMs * DEADLINE)]);
      const lease = await this.#leases.read(budget);
      this.#observed.set(lease, this.#clock());
      const freeInMs = this.#observed.freeInMs(identity, this.#leaseMs, this.#clock());
      if (freeInMs > 0) return freeInMs;
      const sent = this.#clock();
      const written = await this.#leases.write(this.#renewed(lease, sent), budget);
      return written ? { lease: written, sent } : retryMs;
    } catch (error) {
      if (!signal.aborted) log.warn('the lease cannot be read or taken', { error: messageOf(error) });
      return retryMs;
    }
  }

  async #term(held: Held, signal: AbortSignal, lead: (term: Term) => Promise<void>): Promise<void> {
    const { identity, log } = this.#o;
    log.info('this replica leads', { identity });
    const lost = new AbortController();
    const leading = AbortSignal.any([signal, lost.signal]);
    const deadline = new RenewalDeadline(this.#leaseMs * DEADLINE, held.sent);
    let over = false;
    const fence = (): void => {
      if (!over && deadline.leftMs(this.#clock()) > 0) return;
      throw new OperatorError('Fenced', `${identity} does not lead any more: nothing is written`);
    };
    const work = lead({ signal: leading, fence, since: held.sent }).finally(() => lost.abort());
    work.catch(() => {});
    const lease = await this.#keep(held.lease, deadline, leading);
    if (!leading.aborted) {
      over = true;
      lost.abort();
      log.warn('the lease is lost: another replica may lead', { identity });
    }
    // An orderly end: the run that is under way is finished while the lease still is ours.
    await work;
    over = true;
    if (signal.aborted && lease) await this.#release(lease);
  }

  /** Renews until it cannot or need not any more; resolves with the lease as it was last written. */
  async #keep(first: Lease, deadline: RenewalDeadline, leading: AbortSignal): Promise<Lease | undefined> {
    let lease: Lease | undefined = first;
    let waitMs = this.#leaseMs * RENEW;
    let doubt = false;
    for (;;) {
      await sleep(waitMs, undefined, { signal: leading }).catch(() => {});
      const leftMs = deadline.leftMs(this.#clock());
      if (leading.aborted || leftMs === 0) return lease;
      // Half of what is left, so that a request that hangs leaves time for another one, on another connection.
      const budget = AbortSignal.any([leading, AbortSignal.timeout(Math.ceil(leftMs / 2))]);
      const sent = this.#clock();
      try {
        if (doubt) lease = await this.#leases.read(budget);
        if (lease && lease.spec.holderIdentity !== this.#o.identity) return undefined;
        const written = await this.#leases.write(this.#renewed(lease, sent), budget);
        doubt = !written;
        if (written) {
          lease = written;
          deadline.renewed(sent);
        }
        waitMs = written ? this.#leaseMs * RENEW : 0;
      } catch (error) {
        if (!leading.aborted) this.#o.log.warn('the lease cannot be renewed', { error: messageOf(error) });
        // It may have been written all the same.
        doubt = true;
        waitMs = Math.min(this.#leaseMs * RETRY, deadline.leftMs(this.#clock()));
      }
    }
  }

  #renewed(lease: Lease | undefined, sent: Instant): Lease {
    const { name, namespace, identity } = this.#o;
    return renewedLease(
      lease ?? { metadata: { name, namespace }, spec: {} },
      identity,
      this.#leaseMs,
      sent.wall,
    );
  }

  /** Gives the lease back, so that the next replica need not wait for it to expire. */
  async #release(held: Lease): Promise<void> {
    try {
      const budget = AbortSignal.timeout(RELEASE_MS);
      if (await this.#leases.write(freedLease(held), budget)) return;
      const lease = await this.#leases.read(budget);
      if (lease?.spec.holderIdentity === this.#o.identity)
        await this.#leases.write(freedLease(lease), budget);
    } catch (error) {
      this.#o.log.warn('the lease was not given back', { error: messageOf(error) });
    }
  }
}
