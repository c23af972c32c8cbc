import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { MemorySessionStore } from './memory-session-store.js';
import { SessionFeed } from './session-feed.js';
import type { SessionKey, SessionMessage, Wake } from './session-store.js';

const KEY: SessionKey = { accountId: 'a', sessionId: 's' };

/** A store whose wake-ups are lost, late or doubled as the test says, and which can fail to be read. */
class ShakyStore extends MemorySessionStore {
  away = false;
  private listener: (wake: Wake) => void = () => undefined;

  constructor() {
    super({ ttlSeconds: 0 });
  }

  override watch(_key: SessionKey, listener: (wake: Wake) => void): () => void {
    this.listener = listener;
    return () => undefined;
  }

  override async read(key: SessionKey, from?: number): Promise<SessionMessage[]> {
    await new Promise((resolve) => setImmediate(resolve));
    if (this.away) throw new Error('away');
    return super.read(key, from);
  }

  wake(wake: Wake): void {
    this.listener(wake);
  }
}

let ids = 0;
const aMessage = (): SessionMessage => ({ id: String(++ids), role: 'user', content: 'x', created_at: '2026-11-21T09:30:00.000Z' });

/** A reader who believes what is told. */
function aReader(store: ShakyStore) {
  const view: string[] = [];
  const doubles: string[] = [];
  const feed = new SessionFeed(store, KEY, (event, data) => {
    if (event === 'session.cleared') view.length = 0;
    const { id } = data as SessionMessage;
    if (event !== 'message.created') return;
    if (view.includes(id)) doubles.push(id);
    view.push(id);
  });
  return { feed, view, doubles };
}

const settled = async (): Promise<void> => {
  for (let n = 0; n < 50; n++) await new Promise((resolve) => setImmediate(resolve));
};

describe('a feed', () => {
  it('tells what the store has, once and in order, however wake-ups are lost, doubled or late', async () => {
    const step = fc.constantFrom('append', 'append', 'append', 'clear', 'changed', 'cleared', 'pause');
    await fc.assert(
      fc.asyncProperty(fc.nat(3), fc.array(step, { maxLength: 40 }), async (before, steps) => {
        const store = new ShakyStore();
        for (let n = 0; n < before; n++) await store.append(KEY, aMessage());
        const { feed, view, doubles } = aReader(store);
        view.push(...(await feed.sync()).messages.map(({ id }) => id));
        void feed.run();
        for (const one of steps) {
          if (one === 'append') await store.append(KEY, aMessage());
          else if (one === 'clear') await store.clear(KEY);
          else if (one === 'pause') await settled();
          else store.wake(one);
        }
        await settled();
        store.wake('changed');
        await settled();
        expect(view).toEqual((await store.read(KEY)).map(({ id }) => id));
        expect(doubles).toEqual([]);
        feed.end();
      }),
      { numRuns: 200 },
    );
  });

  it('tries again by itself when the store was away, and tells what was missed', async () => {
    const store = new ShakyStore();
    const { feed, view } = aReader(store);
    await feed.sync();
    void feed.run();
    store.away = true;
    await store.append(KEY, aMessage());
    store.wake('changed');
    await settled();
    expect(view).toEqual([]);
    store.away = false;
    for (const deadline = performance.now() + 5000; view.length === 0 && performance.now() < deadline;) await sleep(20);
    expect(view).toHaveLength(1);
    feed.end();
  });
});
