import { paths } from '../../../operator/api/names.ts';
import { EventRecorder, type EventDraft } from '../../../operator/kube/events.ts';
import { serviceAccountApiServer } from '../../../operator/kube/service-account.ts';
import { jsonLog } from '../../../operator/telemetry/json-log.ts';
import type { Credentials, TestApiServer } from './api-server.ts';
import { until } from './wait.ts';

/** Longer than the recorder waits before it tells the API server that an event came again. */
const LATER_MS = 6 * 60_000;

interface Stored {
  items: { regarding: { uid: string }; series?: object }[];
}

/** Records one event twice with the account's token: the program's own recorder, by a clock that is set forward in between. */
export async function repeatedEvent(
  server: TestApiServer,
  { caFile, tokenFile }: Credentials,
  instance: string,
): Promise<void> {
  const { hostname: host, port } = new URL(server.url);
  const api = serviceAccountApiServer({ host, port: Number(port), caFile, tokenFile });
  try {
    let now = Date.now();
    const log = jsonLog({ level: 'error' });
    const events = new EventRecorder({ api, controller: 'test', instance, log, now: () => now });
    const draft: EventDraft = {
      regarding: { apiVersion: 'v1', kind: 'Node', name: `series-${instance}`, uid: instance },
      type: 'Normal',
      reason: 'Again',
      action: 'Test',
      note: 'again',
    };
    const stored = async (): Promise<Stored['items']> => {
      const { items } = (await server.admin.must({ path: paths.events() })) as unknown as Stored;
      return items.filter((event) => event.regarding.uid === instance);
    };
    events.record(draft);
    await until(`an event of ${instance}`, async () => (await stored()).length === 1);
    now += LATER_MS;
    events.record(draft);
    await until(`a series of ${instance}`, async () => (await stored())[0]?.series !== undefined);
  } finally {
    api.close();
  }
}
