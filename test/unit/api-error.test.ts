import { describe, expect, test } from '@jest/globals';
import { ApiError, type ApiStatus } from '../../operator/kube/api-server.ts';

const answered = (status: number, body: ApiStatus): ApiError =>
  new ApiError({ method: 'PATCH', path: '/x' }, status, body);

describe('an answer of 400 and above', () => {
  test.each([
    [400, 'BadRequest'],
    [403, 'Forbidden'],
    [422, 'Invalid'],
  ])('is final where the API server says so: %i %s', (status, reason) => {
    expect(answered(status, { reason, message: 'no' }).terminal).toBe(true);
  });

  test.each([400, 403])('is not final where something in between says %i: it gives no reason', (status) => {
    expect(answered(status, { message: '400 Bad Request' }).terminal).toBe(false);
  });

  test.each([
    [404, 'NotFound'],
    [409, 'Conflict'],
    [429, 'TooManyRequests'],
    [500, 'InternalError'],
  ])('is not final: %i %s', (status, reason) => {
    expect(answered(status, { reason }).terminal).toBe(false);
  });
});
