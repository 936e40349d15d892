import { createServer, type Server } from 'node:http';
import { once } from 'node:events';

/** What a path answers: undefined is "200 ok", a text is "503" with that text. */
export type Check = () => string | undefined;

export interface Endpoints {
  checks: Record<string, Check>;
  metrics?: () => Promise<string>;
}

const METRICS_TYPE = 'text/plain; version=0.0.4; charset=utf-8';

/** Serves health checks and, when given, /metrics; resolves when it listens. Port 0 picks a free one. */
export async function serve(port: number, endpoints: Endpoints): Promise<Server> {
  const server = createServer((request, response) => {
    const path = request.url?.split('?')[0] ?? '/';
    const check = endpoints.checks[path];
    if (check) {
      const problem = check();
      response.writeHead(problem === undefined ? 200 : 503).end(`${problem ?? 'ok'}\n`);
    } else if (path === '/metrics' && endpoints.metrics) {
      endpoints.metrics().then(
        (text) => response.writeHead(200, { 'content-type': METRICS_TYPE }).end(text),
        () => response.writeHead(500).end(),
      );
    } else response.writeHead(404).end('not found\n');
  });
  server.listen(port);
  await once(server, 'listening');
  return server;
}
