import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { Envelope } from './envelope.js';
import type { Feed } from './feed.js';
import { type Sink, Subscription } from './subscription.js';

const DELETION = new Envelope('chat.deleted', 3, '{}', true);
const RESTORING = new Envelope('chat.restored', 4, '{}', false);

/** A subscription of a socket to a conversation, with what is left of its events. */
function aSubscription() {
  const kept = { events: [DELETION] as Envelope[], over: 0, isRead: true };
  const feed = { head: 2, leave: () => (kept.isRead = false), tellSoFar: () => undefined, after: async () => kept.events };
  const sink: Partial<Sink> = { outlivesDeletion: true, deliver: () => true, finish: () => kept.over++ };
  const subscription = new Subscription(feed as unknown as Feed, sink as Sink, 2);
  subscription.resume();
  subscription.push([DELETION]);
  return { kept, subscription };
}

const HOUR_MS = 3_600_000;

describe('a subscription to a deleted conversation', () => {
  beforeEach(() => void jest.useFakeTimers());
  afterEach(() => void jest.useRealTimers());

  it('stays as long as the conversation can be restored', async () => {
    const { kept, subscription } = aSubscription();
    await jest.advanceTimersByTimeAsync(24 * HOUR_MS);
    expect([subscription.isDeleted, kept.over, kept.isRead]).toEqual([true, 0, true]);
    subscription.push([RESTORING]);
    expect([subscription.isDeleted, jest.getTimerCount()]).toEqual([false, 0]);
  });

  it('is over when it has been purged', async () => {
    const { kept } = aSubscription();
    kept.events = [];
    await jest.advanceTimersByTimeAsync(HOUR_MS);
    expect([kept.over, kept.isRead, jest.getTimerCount()]).toEqual([1, false, 0]);
  });
});
