/** Node's own modules through which a program can change the world, each watched by wrap.ts. */
export const WATCHED = [
  'node:child_process',
  'node:fs',
  'node:fs/promises',
  'node:http',
  'node:http2',
  'node:https',
  // Of node:net the servers; what is sent is watched one layer above.
  'node:net',
];

/** Those that leave it as it is. */
export const HARMLESS = [
  'node:crypto',
  'node:events',
  'node:os',
  'node:path',
  'node:string_decoder',
  'node:timers/promises',
  // What is sent over its connections is watched one layer above.
  'node:tls',
  'node:util',
];
