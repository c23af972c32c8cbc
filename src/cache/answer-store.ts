import { type Cache, CACHE_MANAGER } from '@nestjs/cache-manager';
import { Inject, Injectable } from '@nestjs/common';

/** An answer, and the state that it was read in. */
export interface KeptAnswer {
  state: string;
  /** The `Link` header; empty when there is none. */
  link: string;
  /** As it is sent: an answer that is kept is not encoded again. */
  json: Buffer;
}

/** Larger answers are not worth the memory. */
const ANSWER_BYTES_MAX = 1024 * 1024;

/**
 * Where answers are kept for a time, by account and URL: the cache of Nest. One that is away has
 * nothing.
 */
@Injectable()
export class AnswerStore {
  constructor(@Inject(CACHE_MANAGER) private readonly cache: Cache) {}

  /** Never rejects. */
  async get(key: string): Promise<KeptAnswer | null> {
    return (await this.cache.get<KeptAnswer>(key).catch(() => undefined)) ?? null;
  }

  /** Nobody waits for it. */
  set(key: string, made: KeptAnswer): void {
    if (made.json.length <= ANSWER_BYTES_MAX) void this.cache.set(key, made).catch(() => undefined);
  }
}

/** State and link in a line each, then the answer: the text of one in a store that keeps texts. */
export const textOf = ({ state, link, json }: KeptAnswer): string =>
  `${state}\n${link}\n${json.toString()}`;

export function madeOf(text: string): KeptAnswer {
  const first = text.indexOf('\n');
  const second = text.indexOf('\n', first + 1);
  return {
    state: text.slice(0, first),
    link: text.slice(first + 1, second),
    json: Buffer.from(text.slice(second + 1)),
  };
}
