import { randomUUID } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { newId } from '../../src/common/ids.js';
import { MemorySessionStore } from '../../src/modules/session/memory-session-store.js';
import { RedisSessionStore } from '../../src/modules/session/redis-session-store.js';
import { sessionStoreContract } from './session-store.contract.js';

const REDIS_URL = process.env.TEST_REDIS_URL;

describe('sessions in memory', () => {
  sessionStoreContract(async (options) => {
    const store = new MemorySessionStore(options);
    return { here: store, there: store, close: async () => undefined };
  });

  it('gives up those that were not used for the longest time when memory runs out, and says which', async () => {
    const evicted: string[] = [];
    const store = new MemorySessionStore({
      ttlSeconds: 0,
      memoryBytesMax: 5000,
      onEvicted: ({ sessionId }) => void evicted.push(sessionId),
    });
    const accountId = randomUUID();
    const write = (sessionId: string) =>
      store.append(
        { accountId, sessionId },
        {
          id: newId(),
          role: 'user',
          content: 'x'.repeat(500),
          created_at: '2026-11-21T09:30:00.000Z',
        },
      );
    for (const name of ['a', 'b', 'c']) await write(name);
    await store.read({ accountId, sessionId: 'a' });
    await write('d');
    expect(evicted).toEqual(['b']);
    expect((await store.list(accountId)).map(({ sessionId }) => sessionId)).toEqual([
      'd',
      'c',
      'a',
    ]);
  });
});

(REDIS_URL ? describe : describe.skip)('sessions in Redis', () => {
  sessionStoreContract(async ({ ttlSeconds, limits }) => {
    const [here, there] = [
      await RedisSessionStore.open(REDIS_URL!, ttlSeconds, limits),
      await RedisSessionStore.open(REDIS_URL!, ttlSeconds, limits),
    ];
    return {
      here,
      there,
      close: async () => {
        here.close();
        there.close();
      },
    };
  });
});
