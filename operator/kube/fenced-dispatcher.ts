import type { Dispatcher } from 'undici';
import type { Fence } from './fence.ts';

/**
 * The same connections, with the fence asked right before a request is written to one of them: undici calls onRequestStart and, unless
 * that throws, writes in the same turn of the event loop (lib/dispatcher/client-h1.js, writeH1).
 */
export const fencedDispatcher = (dispatcher: Dispatcher, fence: Fence): Dispatcher =>
  dispatcher.compose((dispatch) => (options, handler) => {
    const start = handler.onRequestStart?.bind(handler);
    // The handler is made for this one request.
    handler.onRequestStart = (controller, context) => {
      fence();
      start?.(controller, context);
    };
    return dispatch(options, handler);
  });
