/** What a proxy between the operator and the API server can answer in its place. */
export type AnswerStatus = 403 | 409 | 410 | 429 | 500;

export interface Answer {
  status: AnswerStatus;
  /** Header of that name, in s. */
  retryAfterSeconds?: number;
}

export interface AskedRequest {
  method: string;
  /** With the query. */
  url: string;
}

const REASONS: Record<AnswerStatus, [reason: string, message: string]> = {
  403: ['Forbidden', 'is forbidden: the policy of the day says no'],
  409: ['Conflict', 'the object has been modified; please apply your changes to the latest version'],
  410: ['Expired', 'too old resource version'],
  429: ['TooManyRequests', 'too many requests, please try again later'],
  500: ['InternalError', 'Internal error occurred: etcdserver: request timed out'],
};

export const isWatch = ({ method, url }: AskedRequest): boolean =>
  method === 'GET' && /[?&]watch=(true|1)/.test(url);

/** A real server gives these two only to requests that can earn them: 409 to a write, 410 to a list that goes on or a watch. */
export function canEarn(status: AnswerStatus, request: AskedRequest): boolean {
  if (status === 409) return request.method !== 'GET';
  if (status === 410) return request.method === 'GET' && /resourceVersion=[1-9]|continue=/.test(request.url);
  return true;
}

/** metav1.Status, as a kube-apiserver writes it. */
export function statusBody({ status, retryAfterSeconds }: Answer): string {
  const [reason, message] = REASONS[status];
  return JSON.stringify({
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status: 'Failure',
    message,
    reason,
    ...(retryAfterSeconds !== undefined && { details: { retryAfterSeconds } }),
    code: status,
  });
}
