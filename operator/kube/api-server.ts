import { OperatorError } from '../errors.ts';

export interface ApiRequest {
  method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  path: string;
  query?: Record<string, string>;
  body?: unknown;
  contentType?: string;
  /** application/json without it. */
  accept?: string;
  signal?: AbortSignal;
  /** Throws when the request must not be sent any more; asked in the moment in which it is written to a connection (FencedApiServer). */
  fence?: () => void;
}

/** The API server as this program uses it: JSON in, JSON out. Tests hand in others. */
export interface ApiServer {
  /** Resolves with the decoded body; rejects with ApiError for any status of 400 and above, and with the transport's error else. */
  request<T>(request: ApiRequest): Promise<T>;
  /** Opens a watch and yields one decoded event per line until the server ends it or the signal aborts. */
  watch<T>(path: string, query: Record<string, string>, signal: AbortSignal): AsyncIterable<T>;
}

export const contentTypes = {
  mergePatch: 'application/merge-patch+json',
  jsonPatch: 'application/json-patch+json',
  apply: 'application/apply-patch+yaml',
  /** The answer to a write, where nobody reads the object: neither side spells it out. */
  metadata: 'application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1',
  /** The answer to a list without spec and status: of a Node a tenth of its size. */
  metadataList: 'application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1',
} as const;

/** metav1.Status, as far as it is read here. */
export interface ApiStatus {
  message?: string;
  reason?: string;
  code?: number;
  details?: { retryAfterSeconds?: number };
}

/**
 * The longest wait that a server can ask for. API servers ask for seconds; what says an hour is an error page of something in between,
 * and a node must not be without its agent for that long. 10,000 clients that come back once a minute are 170 requests a second.
 */
export const MAX_RETRY_AFTER_MS = 60_000;

/** From the Retry-After header (seconds; a date is not read) or the Status; undefined where the server asks for nothing. */
export function waitAsked(header: unknown, { details }: ApiStatus): number | undefined {
  const seconds = Number(header ?? details?.retryAfterSeconds);
  return seconds > 0 ? Math.min(seconds * 1000, MAX_RETRY_AFTER_MS) : undefined;
}

/** An answer of the API server with a status of 400 or above. */
export class ApiError extends OperatorError {
  readonly status: number;
  readonly reason: string;
  /** At most MAX_RETRY_AFTER_MS; undefined where the server asked for nothing. */
  readonly retryAfterMs: number | undefined;

  constructor(
    request: Pick<ApiRequest, 'method' | 'path'>,
    status: number,
    body: ApiStatus,
    retryAfterMs?: number,
  ) {
    super(
      'ApiRequest',
      `${request.method} ${request.path}: ${status} ${body.message ?? body.reason ?? ''}`.trim(),
    );
    this.name = 'ApiError';
    this.status = status;
    this.reason = body.reason ?? '';
    this.retryAfterMs = retryAfterMs;
  }

  /**
   * The object or the rule says no: repeating the same request at once cannot help. Only the API server can say that: it gives a reason
   * (metav1.Status), and whatever stands in between (a proxy that does not understand what it got) does not.
   */
  get terminal(): boolean {
    return this.reason !== '' && [400, 403, 405, 422].includes(this.status);
  }
}

export const isStatus = (error: unknown, status: number): boolean =>
  error instanceof ApiError && error.status === status;
