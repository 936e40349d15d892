import { atMostSince, type Instant } from './clock.ts';
import { isAtLeast } from './resource-version.ts';

/** coordination.k8s.io/v1 Lease, as far as it is used here. */
export interface Lease {
  metadata: { name: string; namespace: string; resourceVersion?: string };
  spec: {
    holderIdentity?: string;
    leaseDurationSeconds?: number;
    acquireTime?: string;
    renewTime?: string;
    leaseTransitions?: number;
  };
}

/** MicroTime, as coordination.k8s.io/v1 wants it. */
const microTime = (ms: number): string => new Date(ms).toISOString().replace('Z', '000Z');

/** The lease as `identity` writes it to take or to keep it. */
export function renewedLease(lease: Lease, identity: string, leaseMs: number, wall: number): Lease {
  const mine = lease.spec.holderIdentity === identity;
  const time = microTime(wall);
  return {
    ...lease,
    spec: {
      ...lease.spec,
      holderIdentity: identity,
      leaseDurationSeconds: Math.ceil(leaseMs / 1000),
      renewTime: time,
      acquireTime: mine ? (lease.spec.acquireTime ?? time) : time,
      leaseTransitions: (lease.spec.leaseTransitions ?? 0) + (mine ? 0 : 1),
    },
  };
}

export const freedLease = (lease: Lease): Lease => ({
  ...lease,
  spec: { ...lease.spec, holderIdentity: '' },
});

/**
 * What a candidate knows of the lease. Expiry counts by its own clock from when it saw the lease change, never by the holder's
 * timestamps (client-go, tools/leaderelection): clocks of two machines may differ by any amount.
 */
export class ObservedLease {
  #lease: Lease | undefined;
  #at: Instant = { monotonic: 0, wall: 0 };

  get lease(): Lease | undefined {
    return this.#lease;
  }

  /** What a read has just answered. */
  set(lease: Lease | undefined, at: Instant): void {
    if (lease?.metadata.resourceVersion !== this.#lease?.metadata.resourceVersion) this.#at = at;
    this.#lease = lease;
  }

  /** What a watch tells; it may be behind a read. */
  heard(lease: Lease, at: Instant): void {
    const before = this.#lease?.metadata.resourceVersion ?? '0';
    if (isAtLeast(lease.metadata.resourceVersion ?? '0', before)) this.set(lease, at);
  }

  /** In how many ms `identity` may take it, 0 for now. A holder that promised to be gone later than we would wait is believed. */
  freeInMs(identity: string, leaseMs: number, now: Instant): number {
    const { holderIdentity, leaseDurationSeconds = 0 } = this.#lease?.spec ?? {};
    if (!holderIdentity || holderIdentity === identity) return 0;
    // A clock that was set must not make a candidate early, so only the one that cannot be counts.
    const waited = now.monotonic - this.#at.monotonic;
    return Math.max(0, Math.max(leaseMs, leaseDurationSeconds * 1000) - waited);
  }
}

/** How long a holder may go on without a renewal, from when the last one that succeeded was sent. */
export class RenewalDeadline {
  readonly #ms: number;
  #renewed: Instant;

  constructor(ms: number, acquired: Instant) {
    this.#ms = ms;
    this.#renewed = acquired;
  }

  renewed(sent: Instant): void {
    this.#renewed = sent;
  }

  /** 0 once it is over. */
  leftMs(now: Instant): number {
    return Math.max(0, this.#ms - atMostSince(this.#renewed, now));
  }
}
