/**
 * `node forward.ts PORT SOCKET` in a network namespace of its own: what connects to 127.0.0.1:PORT there is connected to a server that
 * listens on a unix socket outside, for a path goes through network namespaces. Ends with its stdin.
 */
import { execFileSync } from 'node:child_process';
import { connect, createServer } from 'node:net';

const [port = '', socket = ''] = process.argv.slice(2);
execFileSync('ip', ['link', 'set', 'lo', 'up']);
const server = createServer((inside) => {
  const outside = connect(socket);
  inside.pipe(outside).pipe(inside);
  for (const [end, other] of [
    [inside, outside],
    [outside, inside],
  ] as const)
    end.on('error', () => other.destroy()).on('close', () => other.destroy());
});
server.listen(Number(port), '127.0.0.1', () => process.stdout.write('ready\n'));
process.stdin.on('end', () => process.exit()).resume();
