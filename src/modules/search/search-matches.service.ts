import { Injectable } from '@nestjs/common';
import { LRUCache } from 'lru-cache';
import { Config } from '../../config/config.js';
import { Database } from '../../database/database.js';
import type { MessageType } from '../chat/message.entity.js';
import { COUNT, FIND, type MatchRow, RANK, type RankRow, SCAN } from './search.sql.js';

/** The place of a pair among those of its account: by the time of its making, then by its id. */
export interface Key {
  at: number;
  id: string;
}

/** What is asked of the index. */
export interface Ask {
  accountId: string;
  /** To find by, and to rank by. */
  tsquery: string;
  rankedBy: string;
  /** In milliseconds since 1970; null where it does not matter. */
  from: number | null;
  type: MessageType | null;
  rootChatId: string | null;
  /** The branch that must see it. */
  chatId: string | null;
}

export interface Matches {
  /** Newest first. */
  keys: Key[];
  /** Whether there may be older ones. */
  hasMore: boolean;
}

/**
 * How many of the newest pairs are looked at one by one. The first number costs about as much as
 * the index of words; the second one is worth it where the first look found some, as then the
 * index would name so many that fetching them costs more.
 */
const SCANS = [300, 2000] as const;
/** In an account with fewer pairs the index of words never names too many. */
const LARGE_PAIRS = 2000;
const SIZES_MAX = 50_000;
/** An account that was small may have grown. */
const SIZE_MS = 600_000;

/**
 * Finds pairs by their words, the newest first. PostgreSQL keeps one plan for all words, and knows
 * not how common they are: so it is asked in the one way or the other by what was found so far.
 */
@Injectable()
export class SearchMatches {
  private readonly large = new LRUCache<string, boolean>({ max: SIZES_MAX, ttl: SIZE_MS });

  constructor(
    private readonly database: Database,
    private readonly config: Config,
  ) {}

  /** `max` matches older than `before`, or as few as `min` where finding more would cost more. */
  async find(ask: Ask, before: Key, min: number, max: number): Promise<Matches> {
    const values = this.valuesOf(ask, before, max + 1);
    const scans = (await this.isLarge(ask.accountId)) ? SCANS : [];
    for (const pairs of scans) {
      const rows = await this.database.query<MatchRow>(SCAN, [...values, pairs]);
      if (rows.length >= min) return { keys: rows.slice(0, max).map(keyOf), hasMore: true };
      // At this rate the next look would not find enough either.
      if ((rows.length * SCANS[1]) / pairs < min) break;
    }
    const rows = await this.database.query<MatchRow>(FIND, values);
    return { keys: rows.slice(0, max).map(keyOf), hasMore: rows.length > max };
  }

  /** How well pairs have what was looked for, by their ids. Those that are gone are left out. */
  async rank({ accountId, rankedBy }: Ask, ids: readonly string[]): Promise<Map<string, number>> {
    if (ids.length === 0) return new Map();
    const rows = await this.database.query<RankRow>(RANK, [accountId, ids, rankedBy]);
    return new Map(rows.map(({ response_id: id, rank }) => [id, rank]));
  }

  private async isLarge(accountId: string): Promise<boolean> {
    const known = this.large.get(accountId);
    if (known !== undefined) return known;
    const [{ pairs } = { pairs: 0 }] = await this.database.query<{ pairs: number }>(COUNT, [
      accountId,
      LARGE_PAIRS,
    ]);
    this.large.set(accountId, pairs === LARGE_PAIRS);
    return pairs === LARGE_PAIRS;
  }

  private valuesOf(ask: Ask, before: Key, limit: number): unknown[] {
    return [
      ask.accountId,
      ask.tsquery,
      new Date(before.at),
      before.id,
      ask.from === null ? null : new Date(ask.from),
      ask.type,
      ask.rootChatId,
      ask.chatId,
      limit,
      this.config.TEMPORARY_CHAT_TTL_SECONDS,
    ];
  }
}

const keyOf = ({ created_at: at, response_id: id }: MatchRow): Key => ({ at: at.getTime(), id });
