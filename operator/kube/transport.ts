/** One HTTP request, its body encoded. Names of headers in lower case, as HTTP/2 has them. */
export interface Call {
  method: string;
  /** With the query. */
  path: string;
  headers: Record<string, string>;
  body: string | undefined;
  signal: AbortSignal;
  /** ApiRequest.fence. */
  fence?: (() => void) | undefined;
}

export interface Answer {
  status: number;
  headers: Readonly<Record<string, string | string[] | number | undefined>>;
  /** Ends in an error where the connection breaks before the answer is whole. */
  body: AsyncIterable<Uint8Array>;
}

/** How requests get to one server. */
export interface Transport {
  /** Resolves when the head of the answer is there; rejects with the transport's error. */
  send(call: Call): Promise<Answer>;
  /** Ends what is open. */
  close(): void;
  /** It does not find out by itself that a connection is dead: watches must be short, so that one which does not end tells. */
  readonly blind?: boolean;
}

/** The server says that it has not looked at the request: it can be sent again, whatever it asks for. */
export class NotProcessed extends Error {
  override readonly name = 'NotProcessed';
}

/** Intervals in ms. */
export interface Timing {
  /** For a connection with TLS. */
  connectMs: number;
  /** For a whole request, and for the head of the answer to a watch. */
  requestMs: number;
  /** From one PING to the next. */
  pingMs: number;
  /** How long a PING may stay without an answer. */
  pongMs: number;
  /** Length of a watch where there is no PING. */
  blindWatchMs: number;
}

/**
 * A connection that has gone silent is given up within a minute. pingMs and pongMs are those of client-go (ReadIdleTimeout and PingTimeout of golang.org/x/net/http2, set in
 * k8s.io/apimachinery/pkg/util/net).
 */
export const TIMING: Timing = {
  connectMs: 10_000,
  requestMs: 30_000,
  pingMs: 30_000,
  pongMs: 15_000,
  blindWatchMs: 40_000,
};
