import { connect, constants, type ClientHttp2Session, type ClientHttp2Stream } from 'node:http2';
import type { TLSSocket } from 'node:tls';
import { NotProcessed, type Answer, type Call, type Timing, type Transport } from './transport.ts';

const {
  HTTP2_HEADER_METHOD,
  HTTP2_HEADER_PATH,
  HTTP2_HEADER_STATUS,
  NGHTTP2_NO_ERROR,
  NGHTTP2_REFUSED_STREAM,
} = constants;

/** Bytes in flight for one answer: with the default of 64 KiB a long list waits for the network after every few objects. */
const WINDOW = 1024 * 1024;
/** MB that node may hold for all streams of a connection: its default of 10 is soon full with large lists. */
const MEMORY_MB = 64;

const MOVES = ['readable', 'end', 'close'] as const;

/**
 * The body of an answer. Not the stream's own iterator: it takes a stream that the server has ended (`closed`) for one that broke off,
 * also when nothing of it has been read yet (node 24, internal/streams/end-of-stream, isClosed). And node ends the stream of a
 * connection that breaks as if all had come.
 */
async function* whole(stream: ClientHttp2Stream): AsyncIterable<Uint8Array> {
  let wake: (() => void) | undefined;
  const moved = (): void => wake?.();
  for (const move of MOVES) stream.on(move, moved);
  try {
    while (!stream.destroyed && !stream.readableEnded) {
      const chunk = stream.read() as Uint8Array | null;
      if (chunk) yield chunk;
      // eslint-disable-next-line no-await-in-loop
      else await new Promise<void>((resolve) => (wake = resolve));
    }
    if (!stream.readableEnded || stream.rstCode !== NGHTTP2_NO_ERROR)
      throw stream.errored ?? new Error('the connection ended in the middle of an answer');
  } finally {
    for (const move of MOVES) stream.off(move, moved);
    stream.destroy();
  }
}

export interface SessionEvents {
  /** No new request may be sent here; called once or more often. What is open may go on. */
  ended: () => void;
  closed: () => void;
}

/**
 * One HTTP/2 connection. Every pingMs a PING asks whether the other end still answers: a load balancer or proxy that acknowledges
 * everything and forwards nothing is found by nothing else. Unanswered for pongMs, the connection and all that is open on it end.
 * A connection with nothing open from one PING to the next is closed.
 */
export class Http2Session implements Transport {
  readonly #session: ClientHttp2Session;
  readonly #socket: TLSSocket;
  readonly #timing: Timing;
  readonly #ended: () => void;
  readonly #timer: NodeJS.Timeout;
  #pong: NodeJS.Timeout | undefined;
  #open = 0;
  readonly #waiting: (() => void)[] = [];
  #used = true;

  /** `socket` has agreed on h2. */
  constructor(socket: TLSSocket, authority: string, timing: Timing, { ended, closed }: SessionEvents) {
    this.#socket = socket;
    this.#timing = timing;
    this.#ended = ended;
    this.#session = connect(authority, {
      createConnection: () => socket,
      settings: { enablePush: false, initialWindowSize: WINDOW },
      maxSessionMemory: MEMORY_MB,
    });
    // The errors of a session are those of its streams.
    this.#session.on('error', ended);
    this.#session.on('goaway', ended);
    this.#session.on('connect', () => this.#session.setLocalWindowSize(4 * WINDOW));
    this.#session.on('close', () => {
      this.#stop();
      for (const turn of this.#waiting.splice(0)) turn();
      ended();
      closed();
    });
    this.#session.unref();
    this.#timer = setInterval(() => this.#tick(), timing.pingMs).unref();
  }

  /** Resolves when the server has said how many requests it takes at once; rejects when the connection ends before. */
  ready(): Promise<void> {
    const { connectMs } = this.#timing;
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => this.close(), connectMs);
      this.#session.once('remoteSettings', () => {
        clearTimeout(timer);
        resolve();
      });
      this.#session.once('close', () => {
        clearTimeout(timer);
        reject(new Error(`no HTTP/2 within ${connectMs / 1000} s`));
      });
    });
  }

  /** Waits for its turn where the server takes no more at once: nghttp2 would queue it behind the fence. */
  async send(call: Call): Promise<Answer> {
    while (this.#open >= (this.#session.remoteSettings.maxConcurrentStreams ?? Infinity)) {
      // eslint-disable-next-line no-await-in-loop
      await this.#turn(call.signal);
    }
    // Its streams may hear of the end before it does. Node would send nothing, and say so of the stream only.
    if (this.#session.closed || this.#session.destroyed) {
      this.#ended();
      throw new NotProcessed('the connection has ended');
    }
    call.fence?.();
    return this.#exchange(call);
  }

  close(): void {
    this.#stop();
    this.#session.destroy();
    this.#socket.destroy();
  }

  #exchange({ method, path, headers, body, signal }: Call): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const stream = this.#session.request(
        { [HTTP2_HEADER_METHOD]: method, [HTTP2_HEADER_PATH]: path, ...headers },
        { endStream: body === undefined, signal },
      );
      if (this.#open++ === 0) this.#session.ref();
      this.#used = true;
      // Stays: what fails after the head of the answer is told by the body.
      stream.on('error', (error) =>
        reject(
          stream.rstCode === NGHTTP2_REFUSED_STREAM
            ? new NotProcessed('the server refused the stream', { cause: error })
            : error,
        ),
      );
      stream.once('response', (got) => {
        resolve({ status: Number(got[HTTP2_HEADER_STATUS]), headers: got, body: whole(stream) });
      });
      stream.once('close', () => {
        if (--this.#open === 0) this.#session.unref();
        this.#waiting.shift()?.();
        reject(new Error('the connection ended without an answer'));
      });
      if (body !== undefined) stream.end(body);
    });
  }

  /** Resolves when a stream has ended, or all of them have. */
  #turn(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  #tick(): void {
    if (this.#open > 0 || this.#used) this.#ping();
    else this.close();
    this.#used = false;
  }

  #ping(): void {
    if (this.#pong || this.#session.destroyed) return;
    const { pongMs } = this.#timing;
    // After a pause of this process sockets are read before timers run (libuv 1.45): an answer that is there already counts.
    this.#pong = setTimeout(() => this.#giveUp(), pongMs).unref();
    this.#session.ping(() => {
      clearTimeout(this.#pong);
      this.#pong = undefined;
    });
  }

  #giveUp(): void {
    const error = new Error(`the server has not answered a PING for ${this.#timing.pongMs / 1000} s`);
    this.#stop();
    this.#session.destroy(error);
    this.#socket.destroy();
  }

  #stop(): void {
    clearInterval(this.#timer);
    clearTimeout(this.#pong);
    this.#pong = undefined;
  }
}
