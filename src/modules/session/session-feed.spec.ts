import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { MemorySessionStore } from './memory-session-store.js';
import { SessionFeed } from './session-feed.js';
import type { SessionKey, SessionMessage, Wake } from './session-store.js';

const KEY: SessionKey = { accountId: 'a', sessionId: 's' };

/** A store of which is heard what, and when, the test says; and which can fail to be read. */
class ShakyStore extends MemorySessionStore {
  away = false;
  hearing: 'at once' | 'late' | 'never' = 'at once';
  private readonly late: Wake[] = [];
  private listener: (wake: Wake) => void = () => undefined;

  constructor() {
    super({ ttlSeconds: 0 });
  }

  override watch(key: SessionKey, listener: (wake: Wake) => void): () => void {
    this.listener = listener;
    return super.watch(key, (wake) => {
      if (this.hearing !== 'never') this.late.push(wake);
      if (this.hearing === 'at once') this.release();
    });
  }

  override async read(key: SessionKey, from?: number): Promise<SessionMessage[]> {
    await new Promise((resolve) => setImmediate(resolve));
    if (this.away) throw new Error('away');
    return super.read(key, from);
  }

  release(): void {
    for (const wake of this.late.splice(0)) this.listener(wake);
  }

  look(): void {
    this.listener('look');
  }
}

let ids = 0;
const aMessage = (): SessionMessage => ({
  id: String(++ids),
  role: 'user',
  content: 'x',
  created_at: '2026-11-21T09:30:00.000Z',
});

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
  it('tells what the store has, once and in order, however changes are lost or late', async () => {
    const step = fc.constantFrom(
      'append',
      'append',
      'append',
      'clear',
      'at once',
      'late',
      'never',
      'release',
      'look',
      'pause',
    );
    await fc.assert(
      fc.asyncProperty(fc.nat(3), fc.array(step, { maxLength: 60 }), async (before, steps) => {
        const store = new ShakyStore();
        for (let n = 0; n < before; n++) await store.append(KEY, aMessage());
        const { feed, view, doubles } = aReader(store);
        view.push(...(await feed.sync()).messages.map(({ id }) => id));
        void feed.run();
        for (const one of steps) {
          if (one === 'append') await store.append(KEY, aMessage());
          else if (one === 'clear') await store.clear(KEY);
          else if (one === 'release') store.release();
          else if (one === 'look') store.look();
          else if (one === 'pause') await settled();
          else store.hearing = one;
        }
        store.release();
        store.look();
        await settled();
        expect(view).toEqual((await store.read(KEY)).map(({ id }) => id));
        expect(doubles).toEqual([]);
        feed.end();
      }),
      { numRuns: 300 },
    );
  });

  it('tells every message and every clear that it hears, also those of a session that is cleared already', async () => {
    const step = fc.constantFrom('append', 'clear', 'pause');
    await fc.assert(
      fc.asyncProperty(fc.nat(3), fc.array(step, { maxLength: 15 }), async (before, steps) => {
        const store = new ShakyStore();
        for (let n = 0; n < before; n++) await store.append(KEY, aMessage());
        const told: string[] = [];
        const feed = new SessionFeed(
          store,
          KEY,
          (event, data) => void told.push('id' in data ? data.id : event),
        );
        await feed.sync();
        const done: string[] = [];
        void feed.run();
        for (const one of steps) {
          const message = aMessage();
          if (one === 'append') await store.append(KEY, message);
          else if (one === 'clear') await store.clear(KEY);
          else await settled();
          if (one !== 'pause') done.push(one === 'append' ? message.id : 'session.cleared');
        }
        await settled();
        expect(told).toEqual(done);
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
    store.hearing = 'never';
    await store.append(KEY, aMessage());
    store.look();
    await settled();
    expect(view).toEqual([]);
    store.away = false;
    for (
      const deadline = performance.now() + 5000;
      view.length === 0 && performance.now() < deadline;
    )
      await sleep(20);
    expect(view).toHaveLength(1);
    feed.end();
  });
});
