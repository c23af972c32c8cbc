import { Keyv } from 'keyv';
import { LRUCache } from 'lru-cache';
import type { Config } from '../config/config.js';
import type { KeptAnswer } from './answer-store.js';

const MEGABYTE = 1024 * 1024;
/** What one entry costs besides its answer. */
const ENTRY_BYTES = 200;

/** A cache in this process. */
export interface MemoryStore {
  keyv: Keyv;
  /** How many answers are in memory now, asked for or not. */
  count(): number;
  close(): void;
}

/**
 * Keyv over an LRU of bounded size: Keyv's own map keeps expired entries until somebody asks for
 * them, and so does the LRU. Words that were erased are given to nobody, as each answer is held
 * against its state first; and as they must leave memory too, what has expired is taken out once in
 * the time of an answer. So nothing is here for longer than twice `CACHE_TTL_SECONDS`.
 */
export function memoryStore({
  CACHE_MAX_MB,
  CACHE_TTL_SECONDS,
}: Pick<Config, 'CACHE_MAX_MB' | 'CACHE_TTL_SECONDS'>): MemoryStore {
  const ttl = CACHE_TTL_SECONDS * 1000;
  const lru = new LRUCache<string, { value: KeptAnswer }>({
    // A cache of 0 MiB has room for nothing; the library would read 0 as "no bound".
    maxSize: Math.max(1, CACHE_MAX_MB * MEGABYTE),
    sizeCalculation: ({ value: { json, link } }, key) =>
      json.length + link.length + key.length + ENTRY_BYTES,
    ttl,
  });
  const store = {
    get: (key: string) => lru.get(key),
    set: (key: string, entry: { value: KeptAnswer }, ttlMs?: number) =>
      void lru.set(key, entry, { ttl: ttlMs }),
    delete: (key: string) => lru.delete(key),
    clear: () => lru.clear(),
  };
  // Its own `ttlAutopurge` would make a timer for each answer.
  const purge = setInterval(() => lru.purgeStale(), ttl).unref();
  return {
    keyv: new Keyv({ store, serialize: undefined, deserialize: undefined }),
    count: () => lru.size,
    close: () => clearInterval(purge),
  };
}
