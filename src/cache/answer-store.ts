import { LRUCache } from 'lru-cache';
import type { Redis } from '../runtime/redis.js';

/** An answer, and the state that it was read in. */
export interface Made {
  state: string;
  /** The `Link` header; empty when there is none. */
  link: string;
  /** As it is sent: an answer that is kept is not encoded again. */
  json: Buffer;
}

/** Larger answers are not worth the memory. */
const ANSWER_BYTES_MAX = 1024 * 1024;
/** What one entry costs besides its answer. */
const ENTRY_BYTES = 200;
const MEGABYTE = 1024 * 1024;

/** Where answers are kept for a time, by account and URL. One that is away has nothing. */
export abstract class AnswerStore {
  /** At once where it can, else as a promise, which never rejects. */
  abstract get(key: string): Made | null | Promise<Made | null>;

  /** Nobody waits for it. */
  set(key: string, made: Made): void {
    if (made.json.length <= ANSWER_BYTES_MAX) this.keep(key, made);
  }

  protected abstract keep(key: string, made: Made): void;

  close(): void {}
}

export class MemoryAnswers extends AnswerStore {
  private readonly kept: LRUCache<string, Made>;

  constructor({ megabytes, ttlSeconds }: { megabytes: number; ttlSeconds: number }) {
    super();
    this.kept = new LRUCache({
      // A cache of 0 MiB has room for nothing; the library would read 0 as "no bound".
      maxSize: Math.max(1, megabytes * MEGABYTE),
      sizeCalculation: ({ json, link }, key) => json.length + link.length + key.length + ENTRY_BYTES,
      ttl: ttlSeconds * 1000,
    });
  }

  override get(key: string): Made | null {
    return this.kept.get(key) ?? null;
  }

  protected override keep(key: string, made: Made): void {
    this.kept.set(key, made);
  }
}

/** State and link in a line each, then the answer. */
export class RedisAnswers extends AnswerStore {
  constructor(
    private readonly redis: Redis,
    private readonly ttlSeconds: number,
  ) {
    super();
  }

  override async get(key: string): Promise<Made | null> {
    const text = await this.redis.ask((client) => client.get(`read:${key}`)).catch(() => null);
    if (!text) return null;
    const [first, second] = [text.indexOf('\n'), text.indexOf('\n', text.indexOf('\n') + 1)];
    return { state: text.slice(0, first), link: text.slice(first + 1, second), json: Buffer.from(text.slice(second + 1)) };
  }

  protected override keep(key: string, { state, link, json }: Made): void {
    const expiration = { type: 'EX' as const, value: this.ttlSeconds };
    void this.redis
      .ask((client) => client.set(`read:${key}`, `${state}\n${link}\n${json.toString()}`, { expiration }))
      .catch(() => undefined);
  }

  override close(): void {
    this.redis.close();
  }
}
