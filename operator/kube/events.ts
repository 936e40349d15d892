import { EVENT_NAMESPACE, paths } from '../api/names.ts';
import { messageOf } from '../errors.ts';
import type { Log } from '../telemetry/log.ts';
import { contentTypes, type ApiServer } from './api-server.ts';

export interface EventDraft {
  regarding: { apiVersion: string; kind: string; name: string; uid: string; namespace?: string };
  type: 'Normal' | 'Warning';
  /** CamelCase, why. */
  reason: string;
  /** CamelCase, what was done. */
  action: string;
  /** For a person; at most 1024 characters. */
  note: string;
}

export interface EventRecorderOptions {
  api: ApiServer;
  /** reportingController, such as sysctl-operator.dev/manager. */
  controller: string;
  /** reportingInstance: the pod's name. */
  instance: string;
  log: Log;
  now?: () => number;
}

interface Seen {
  name: string;
  count: number;
  /** When the API server was last told of it. */
  sent: number;
  last: number;
}

const DEDUPE_MS = 10 * 60_000;
const SERIES_MS = 5 * 60_000;
/** New events per object: a burst, then one a minute (as client-go's spam filter). */
const BURST = 25;
const REFILL_MS = 60_000;
const MAX_NOTE = 1024;
/** Requests under way; while the API server does not answer, further events are dropped. */
const MAX_SENDING = 100;

/** An Event is in the namespace of what it is about. */
const eventsOf = ({ regarding }: EventDraft): string => paths.events(regarding.namespace ?? EVENT_NAMESPACE);

const microTime = (ms: number): string => new Date(ms).toISOString().replace('Z', '000Z');

/**
 * Records events.k8s.io/v1 events. The same event again within ten minutes becomes a series, told to the
 * API server every five minutes at most. Recording never fails and never waits: an event is a courtesy.
 */
export class EventRecorder {
  readonly #o: EventRecorderOptions;
  readonly #seen = new Map<string, Seen>();
  readonly #tokens = new Map<string, { left: number; at: number }>();
  readonly #now: () => number;
  #sending = 0;

  constructor(options: EventRecorderOptions) {
    this.#o = options;
    this.#now = options.now ?? Date.now;
  }

  record(draft: EventDraft): void {
    const now = this.#now();
    this.#forget(now);
    const key = JSON.stringify([draft.regarding.uid, draft.type, draft.reason, draft.note]);
    const seen = this.#seen.get(key);
    if (seen) {
      seen.count++;
      seen.last = now;
      if (now - seen.sent < SERIES_MS) return;
      seen.sent = now;
      const path = `${eventsOf(draft)}/${seen.name}`;
      const body = { series: { count: seen.count, lastObservedTime: microTime(now) } };
      this.#send(key, {
        method: 'PATCH',
        path,
        body,
        contentType: contentTypes.mergePatch,
      });
      return;
    }
    if (!this.#allowed(draft.regarding.uid, now)) return;
    const name = `${draft.regarding.name}.${now.toString(16)}${Math.floor(Math.random() * 0xffff).toString(16)}`;
    this.#seen.set(key, { name, count: 1, sent: now, last: now });
    const body = {
      apiVersion: 'events.k8s.io/v1',
      kind: 'Event',
      metadata: { name, namespace: draft.regarding.namespace ?? EVENT_NAMESPACE },
      eventTime: microTime(now),
      reportingController: this.#o.controller,
      reportingInstance: this.#o.instance,
      regarding: draft.regarding,
      type: draft.type,
      reason: draft.reason,
      action: draft.action,
      note: draft.note.slice(0, MAX_NOTE),
    };
    this.#send(key, { method: 'POST', path: eventsOf(draft), body });
  }

  /** What was not recorded is as if it had not been seen: the next time it is a new event, not the series of one that is not there. */
  #send(key: string, request: Parameters<ApiServer['request']>[0]): void {
    if (this.#sending >= MAX_SENDING) {
      this.#seen.delete(key);
      return;
    }
    this.#sending++;
    this.#o.api
      .request(request)
      .catch((error: unknown) => {
        this.#seen.delete(key);
        this.#o.log.warn('an event was not recorded', { error: messageOf(error) });
      })
      .finally(() => this.#sending--);
  }

  #allowed(object: string, now: number): boolean {
    const bucket = this.#tokens.get(object) ?? { left: BURST, at: now };
    const left = Math.min(BURST, bucket.left + (now - bucket.at) / REFILL_MS);
    const allowed = left >= 1;
    this.#tokens.set(object, { left: allowed ? left - 1 : left, at: now });
    return allowed;
  }

  #forget(now: number): void {
    for (const [key, { last }] of this.#seen) if (now - last > DEDUPE_MS) this.#seen.delete(key);
    for (const [object, { at }] of this.#tokens)
      if (now - at > BURST * REFILL_MS) this.#tokens.delete(object);
  }
}
