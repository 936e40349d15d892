import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';

/** Every metric of the manager. Counters without labels start at 0, so that an alert can tell "none" from "absent". */
export class Metrics {
  readonly registry = new Registry();
  readonly reconciles = new Counter({
    name: 'sysctl_operator_reconcile_total',
    help: 'Runs of the reconcile loop.',
    labelNames: ['result'],
    registers: [this.registry],
  });
  readonly reconcileSeconds = new Histogram({
    name: 'sysctl_operator_reconcile_duration_seconds',
    help: 'Time of one run of the reconcile loop.',
    buckets: [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5],
    registers: [this.registry],
  });
  readonly jobs = new Counter({
    name: 'sysctl_operator_jobs_total',
    help: 'Runs of queued jobs.',
    labelNames: ['queue', 'result'],
    registers: [this.registry],
  });
  readonly requests = new Counter({
    name: 'sysctl_operator_api_requests_total',
    help: 'Requests to the API server.',
    labelNames: ['method', 'status'],
    registers: [this.registry],
  });
  readonly leader = new Gauge({
    name: 'sysctl_operator_leader',
    help: '1 while this replica holds the lease.',
    registers: [this.registry],
  });
  readonly redisUp = new Gauge({
    name: 'sysctl_operator_redis_up',
    help: '1 while the queues can be reached.',
    registers: [this.registry],
  });
  readonly profileReady = new Gauge({
    name: 'sysctl_operator_profile_ready',
    help: '1 when the Ready condition of the profile is True.',
    labelNames: ['profile'],
    registers: [this.registry],
  });
  readonly profileNodes = new Gauge({
    name: 'sysctl_operator_profile_nodes',
    help: 'Nodes of a profile by state.',
    labelNames: ['profile', 'state'],
    registers: [this.registry],
  });

  constructor() {
    collectDefaultMetrics({ register: this.registry });
    for (const result of ['success', 'error']) this.reconciles.inc({ result }, 0);
  }
}
