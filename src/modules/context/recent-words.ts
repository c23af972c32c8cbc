import { LRUCache } from 'lru-cache';
import type { ToldPair } from '../../llm/telling.js';
import { under } from '../../runtime/deadline.js';
import { SEQ_MAX } from '../chat/path.sql.js';
import type { ContextRow } from './context.sql.js';

/** After the last question in a chat. What was erased meanwhile is told to nobody, but is here. */
const KEPT_MS = 5 * 60_000;
/** What a pair costs besides its words. */
const PAIR_BYTES = 400;

/** Which words these are: a `version` is one more with each change, and so needs no hash. */
export type WordsKey = Pick<ContextRow, 'chat_id' | 'chat_created_at' | 'seq' | 'version'>;

/** One version of the words of a pair. */
export interface ReadPair extends WordsKey {
  /** Null where they are erased. */
  sides: ToldPair | null;
  /** Characters of their JSON. */
  length: number;
}

/** Pairs of one path that follow each other, oldest first. */
export class WordsRange {
  /** The first `seq`, and the last: before it where there are no pairs. */
  readonly from: number;
  readonly to: number;
  private readonly pairs: ReadonlyMap<number, ReadPair>;

  constructor(pairs: readonly ReadPair[] = []) {
    this.from = pairs[0]?.seq ?? SEQ_MAX;
    this.to = pairs.at(-1)?.seq ?? SEQ_MAX - 1;
    this.pairs = new Map(pairs.map((pair) => [pair.seq, pair]));
  }

  /** In memory, at most. */
  get bytes(): number {
    return [...this.pairs.values()].reduce((sum, pair) => sum + bytesOf(pair), 1);
  }

  covers(seq: number): boolean {
    return seq >= this.from && seq <= this.to;
  }

  /** These words, and no other version of them. */
  find(key: WordsKey): ReadPair | undefined {
    const pair = this.pairs.get(key.seq);
    const isIt =
      pair?.version === key.version &&
      pair.chat_id === key.chat_id &&
      pair.chat_created_at === key.chat_created_at;
    return isIt ? pair : undefined;
  }
}

/**
 * A character takes two bytes where a text has any beyond Latin-1. Parts are kept beside the JSON
 * that they were read of, and that of inputs and outputs once more (`exact-json.ts`).
 */
function bytesOf({ sides, length }: ReadPair): number {
  const hasParts = sides?.question_parts || sides?.response_parts;
  return (hasParts ? 6 : 2) * length + PAIR_BYTES;
}

const NOTHING = new WordsRange();

/**
 * Words that models were told lately, by the chat that they were asked in: the next question there
 * is told nearly the same. Says nothing about rights, nor about what is still there: only words of
 * the very version that PostgreSQL has just named may be taken from here.
 */
export class RecentWords {
  private readonly chats: LRUCache<string, WordsRange>;

  constructor(maxBytes: number) {
    this.chats = new LRUCache({
      // The library would read 0 as "no bound".
      maxSize: Math.max(1, maxBytes),
      sizeCalculation: ({ bytes }) => bytes,
      ttl: KEPT_MS,
      ttlAutopurge: true,
    });
  }

  /** How many chats are in memory, asked for or not. */
  count(): number {
    return this.chats.size;
  }

  of(accountId: string, chatId: string): WordsRange {
    return this.chats.get(keyOf(accountId, chatId)) ?? NOTHING;
  }

  keep(accountId: string, chatId: string, pairs: readonly ReadPair[]): void {
    // The clock that ends them would hold for as long the request that it was set in.
    under(undefined, () => this.chats.set(keyOf(accountId, chatId), new WordsRange(pairs)));
  }
}

const keyOf = (accountId: string, chatId: string): string => `${accountId}/${chatId}`;
