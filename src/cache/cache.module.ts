import KeyvRedis, { createKeyvNonBlocking } from '@keyv/redis';
import { CacheModule as NestCacheModule } from '@nestjs/cache-manager';
import { Global, Inject, Logger, Module, type OnModuleDestroy } from '@nestjs/common';
import { APP_INTERCEPTOR } from '@nestjs/core';
import { Keyv } from 'keyv';
import { LRUCache } from 'lru-cache';
import { Config } from '../config/config.js';
import { ReadCacheInterceptor } from './read-cache.interceptor.js';
import { Validators } from './validators.js';

const MEGABYTE = 1024 * 1024;
/** What one entry costs besides its text. */
const ENTRY_CHARS = 200;

/** Keyv over an LRU of bounded size: Keyv's own map keeps expired entries until somebody asks for them. */
function memoryStore({ CACHE_MAX_MB, CACHE_TTL_SECONDS }: Config): Keyv {
  const lru = new LRUCache<string, { value: string }>({
    // A cache of 0 MiB has room for nothing; the library would read 0 as "no bound".
    maxSize: Math.max(1, CACHE_MAX_MB * MEGABYTE),
    sizeCalculation: ({ value }, key) => value.length + key.length + ENTRY_CHARS,
    ttl: CACHE_TTL_SECONDS * 1000,
  });
  const store = {
    get: (key: string) => lru.get(key),
    set: (key: string, entry: { value: string }, ttlMs?: number) => void lru.set(key, entry, { ttl: ttlMs }),
    delete: (key: string) => lru.delete(key),
    clear: () => lru.clear(),
  };
  return new Keyv({ store, serialize: undefined, deserialize: undefined });
}

/** A Redis that fails at once when it is away, and comes back by itself: no request waits for it. */
function redisStore(url: string): Keyv {
  const socket = { connectTimeout: 500, reconnectStrategy: (tries: number) => Math.min(200 * 2 ** tries, 3000) };
  const keyv = createKeyvNonBlocking({ url, disableOfflineQueue: true, socket }, { connectionTimeout: 500 });
  const logger = new Logger('Cache');
  let said = '';
  keyv.on('error', (error: Error) => {
    if (error.message !== said) logger.warn({ message: 'Redis is away; answers are made anew', cause: error.message });
    said = error.message;
  });
  return keyv;
}

const STORE = Symbol('cache store');

@Global()
@Module({
  providers: [
    {
      provide: STORE,
      inject: [Config],
      useFactory: (config: Config) => (config.REDIS_URL ? redisStore(config.REDIS_URL) : memoryStore(config)),
    },
  ],
  exports: [STORE],
})
class CacheStoreModule implements OnModuleDestroy {
  constructor(@Inject(STORE) private readonly store: Keyv) {}

  async onModuleDestroy(): Promise<void> {
    const { store } = this.store;
    if (store instanceof KeyvRedis) await store.disconnect(true).catch(() => undefined);
  }
}

/** The cache of read answers: in memory, or in Redis where one is configured. */
@Module({
  imports: [
    CacheStoreModule,
    NestCacheModule.registerAsync({
      imports: [CacheStoreModule],
      inject: [STORE, Config],
      useFactory: (store: Keyv, { CACHE_TTL_SECONDS }: Config) => ({ stores: [store], ttl: CACHE_TTL_SECONDS * 1000 }),
    }),
  ],
  providers: [Validators, { provide: APP_INTERCEPTOR, useClass: ReadCacheInterceptor }],
})
export class CacheModule {}
