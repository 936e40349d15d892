import { messageOf, OperatorError } from '../../errors.ts';
import { ApiError, isStatus, type ApiServer } from '../../kube/api-server.ts';

const PAGE = 500;

interface Page<T> {
  items?: T[];
  metadata?: { continue?: string };
}

export interface ListOptions {
  query?: Record<string, string>;
  accept?: string;
}

/** All objects of a collection, in pages. Rejects with what a person can do about it. */
export async function listAll<T>(
  api: ApiServer,
  path: string,
  { query = {}, accept }: ListOptions = {},
): Promise<T[]> {
  const items: T[] = [];
  let token: string | undefined;
  do {
    const page: Page<T> = await ask(api, path, {
      query: { ...query, limit: String(PAGE), ...(token && { continue: token }) },
      ...(accept && { accept }),
    });
    for (const item of page.items ?? []) items.push(item);
    token = page.metadata?.continue || undefined;
  } while (token);
  return items;
}

/** One object or page. Rejects with what a person can do about it. */
export async function ask<T>(api: ApiServer, path: string, options: ListOptions = {}): Promise<T> {
  try {
    return await api.request<T>({ method: 'GET', path, ...options });
  } catch (error) {
    throw explained(error, path);
  }
}

function explained(error: unknown, path: string): Error {
  if (isStatus(error, 403))
    return new OperatorError(
      'ApiRequest',
      `you may not read ${path}; the ClusterRole sysctl-operator-planner has the right`,
      { cause: error },
    );
  if (isStatus(error, 401))
    return new OperatorError('ApiRequest', 'the API server does not know you: log in again', {
      cause: error,
    });
  if (error instanceof ApiError) return error;
  return new OperatorError('ApiRequest', `the API server does not answer (${messageOf(error)})`);
}

/** What a rejection was about, through the message for a person. */
export const wasStatus = (error: unknown, status: number): boolean =>
  isStatus(error, status) || (error instanceof Error && isStatus(error.cause, status));
