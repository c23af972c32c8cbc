import { CacheModule as NestCacheModule } from '@nestjs/cache-manager';
import { Global, Logger, Module, type OnModuleDestroy } from '@nestjs/common';
import { APP_INTERCEPTOR } from '@nestjs/core';
import { Keyv } from 'keyv';
import { LRUCache } from 'lru-cache';
import { Config } from '../config/config.js';
import { Outage } from '../runtime/outage.js';
import { AnswerStore, type Made, madeOf, textOf } from './answer-store.js';
import { ReadCache } from './read-cache.js';
import { ReadCacheInterceptor } from './read-cache.interceptor.js';
import { Validators } from './validators.js';

const MEGABYTE = 1024 * 1024;
/** What one entry costs besides its answer. */
const ENTRY_BYTES = 200;

/**
 * Keyv over an LRU of bounded size: Keyv's own map keeps expired entries until somebody asks for
 * them.
 */
function memoryStore({ CACHE_MAX_MB, CACHE_TTL_SECONDS }: Config): Keyv {
  const lru = new LRUCache<string, { value: Made }>({
    // A cache of 0 MiB has room for nothing; the library would read 0 as "no bound".
    maxSize: Math.max(1, CACHE_MAX_MB * MEGABYTE),
    sizeCalculation: ({ value: { json, link } }, key) =>
      json.length + link.length + key.length + ENTRY_BYTES,
    ttl: CACHE_TTL_SECONDS * 1000,
  });
  const store = {
    get: (key: string) => lru.get(key),
    set: (key: string, entry: { value: Made }, ttlMs?: number) =>
      void lru.set(key, entry, { ttl: ttlMs }),
    delete: (key: string) => lru.delete(key),
    clear: () => lru.clear(),
  };
  return new Keyv({ store, serialize: undefined, deserialize: undefined });
}

/** A Redis that is away is a cache that has nothing. */
async function redisStore(url: string): Promise<CacheStore> {
  const logger = new Logger('Cache');
  const { Redis } = await import('../runtime/redis.js');
  const redis = new Redis(
    url,
    new Outage((cause) => logger.warn({ message: 'Redis is away; answers are made anew', cause })),
  );
  const store = {
    get: (key: string) => redis.ask((client) => client.get(key)),
    set: (key: string, text: string, ttlMs?: number) =>
      redis.ask((client) =>
        client.set(key, text, ttlMs ? { expiration: { type: 'PX', value: ttlMs } } : {}),
      ),
    delete: (key: string) => redis.ask(async (client) => (await client.del(key)) > 0),
    // Nobody clears it: what it has ends by itself.
    clear: () => Promise.resolve(),
  };
  const keyv = new Keyv({
    store,
    namespace: 'read',
    serialize: ({ value }) => textOf(value as Made),
    deserialize: <Value>(text: string) => ({ value: madeOf(text) as Value }),
  });
  return new CacheStore(keyv, () => redis.close());
}

/** Where answers are kept, and how that is closed. */
class CacheStore implements OnModuleDestroy {
  constructor(
    readonly keyv: Keyv,
    readonly onModuleDestroy: () => void = () => undefined,
  ) {
    keyv.on('error', () => undefined); // told by the outage
  }
}

@Global()
@Module({
  providers: [
    {
      provide: CacheStore,
      inject: [Config],
      useFactory: (config: Config) =>
        config.REDIS_URL ? redisStore(config.REDIS_URL) : new CacheStore(memoryStore(config)),
    },
  ],
  exports: [CacheStore],
})
class CacheStoreModule {}

/** The cache of read answers: in memory, or in Redis where one is configured. */
@Module({
  imports: [
    CacheStoreModule,
    NestCacheModule.registerAsync({
      imports: [CacheStoreModule],
      inject: [CacheStore, Config],
      useFactory: ({ keyv }: CacheStore, { CACHE_TTL_SECONDS }: Config) => ({
        stores: [keyv],
        ttl: CACHE_TTL_SECONDS * 1000,
      }),
    }),
  ],
  providers: [
    AnswerStore,
    Validators,
    ReadCache,
    { provide: APP_INTERCEPTOR, useClass: ReadCacheInterceptor },
  ],
})
export class CacheModule {}
