import { CacheModule as NestCacheModule } from '@nestjs/cache-manager';
import { Global, Logger, Module } from '@nestjs/common';
import { APP_INTERCEPTOR } from '@nestjs/core';
import { Keyv } from 'keyv';
import { Config } from '../config/config.js';
import { Outage } from '../runtime/outage.js';
import { ClosesAt } from '../runtime/shutdown.module.js';
import { AnswerStore, type KeptAnswer, madeOf, textOf } from './answer-store.js';
import { memoryStore } from './memory-store.js';
import { ReadCache } from './read-cache.js';
import { ReadCacheInterceptor } from './read-cache.interceptor.js';
import { Validators } from './validators.js';

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
    serialize: ({ value }) => textOf(value as KeptAnswer),
    deserialize: <Value>(text: string) => ({ value: madeOf(text) as Value }),
  });
  return new CacheStore(keyv, () => redis.close());
}

/** Where answers are kept, and how that is closed. */
class CacheStore {
  constructor(
    readonly keyv: Keyv,
    private readonly end: () => void,
  ) {
    keyv.on('error', () => undefined); // told by the outage
  }

  @ClosesAt('redis')
  close(): void {
    this.end();
  }
}

function inMemory(config: Config): CacheStore {
  const { keyv, close } = memoryStore(config);
  return new CacheStore(keyv, close);
}

@Global()
@Module({
  providers: [
    {
      provide: CacheStore,
      inject: [Config],
      useFactory: (config: Config) =>
        config.REDIS_URL ? redisStore(config.REDIS_URL) : inMemory(config),
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
    // By its class too: for routes that pass by Nest.
    ReadCacheInterceptor,
    { provide: APP_INTERCEPTOR, useExisting: ReadCacheInterceptor },
  ],
})
export class CacheModule {}
