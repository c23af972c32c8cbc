import { EventEmitter } from 'node:events';
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import type { WebSocket } from 'ws';
import { SessionConnection, TOKEN_ENDED } from './session-connection.js';

const DAY_MS = 24 * 3600 * 1000;

class Wire extends EventEmitter {
  closed: number | null = null;

  close(code: number): void {
    this.closed = code;
  }
}

describe('a socket of a session', () => {
  beforeEach(() => void jest.useFakeTimers());
  afterEach(() => void jest.useRealTimers());

  it.each([1, 24, 25, 300])('is closed when its token ends, in %d days, and not before', (days) => {
    const wire = new Wire();
    const principal = { accountId: 'a', expiresAt: Date.now() + days * DAY_MS };
    new SessionConnection(principal, wire as unknown as WebSocket, async () => undefined);
    jest.advanceTimersByTime(days * DAY_MS - 1000);
    expect(wire.closed).toBeNull();
    jest.advanceTimersByTime(1000);
    expect(wire.closed).toBe(TOKEN_ENDED);
  });
});
