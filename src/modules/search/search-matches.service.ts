import { Injectable } from '@nestjs/common';
import { Config } from '../../config/config.js';
import { Database } from '../../database/database.js';
import type { MessageType } from '../chat/message.entity.js';
import { daysFor, looksOf } from './search-blocks.js';
import {
  FIND,
  type MatchRow,
  RANK,
  type RankRow,
  REACH,
  type ReachRow,
  SCAN,
} from './search.sql.js';

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

/** So many of the newest pairs are looked at one by one. */
const NEAR_PAIRS = 100;

/**
 * Finds pairs by their words, the newest first. PostgreSQL keeps one plan for all words, and knows
 * not how common they are: so the newest pairs are looked at first, where a common word fills the
 * page, and then the index of words, in stretches of time that are the shorter the more was found.
 */
@Injectable()
export class SearchMatches {
  constructor(
    private readonly database: Database,
    private readonly config: Config,
  ) {}

  /** `max` matches older than `before`, or as few as `min` where finding more would cost more. */
  async find(ask: Ask, before: Key, min: number, max: number): Promise<Matches> {
    const reach = await this.reach(ask, before, Math.max(NEAR_PAIRS, max + 1));
    const near = await this.database.query<MatchRow>(SCAN, [
      ...this.valuesOf(ask, before, max + 1),
      reach.last_at,
      reach.last_id,
    ]);
    if (near.length >= Math.min(min, max + 1))
      return { keys: near.slice(0, max).map(keyOf), hasMore: true };
    const keys = [...near, ...(await this.behind(ask, reach, near.length, max))].map(keyOf);
    return { keys: keys.slice(0, max), hasMore: keys.length > max };
  }

  /** Matches behind the pairs that were looked at one by one, of which `hits` matched. */
  private async behind(ask: Ask, reach: ReachRow, hits: number, max: number): Promise<MatchRow[]> {
    const { last_at, last_id, newest, oldest } = reach;
    if (!last_at || !last_id) return [];
    const limit = max + 1 - hits;
    const last = { at: last_at.getTime(), id: last_id };
    const days = daysFor(limit, hits, newest!.getTime() - last.at);
    const looks = looksOf(ask.accountId, { from: oldest!.getTime(), to: last.at }, days);
    return this.database.query<MatchRow>(FIND, [...this.valuesOf(ask, last, limit), looks]);
  }

  /** Asked once, so that what is written meanwhile makes no gap between the two ways to look. */
  private async reach({ accountId, from }: Ask, before: Key, looks: number): Promise<ReachRow> {
    const [reach] = await this.database.query<ReachRow>(REACH, [
      accountId,
      new Date(before.at),
      before.id,
      from === null ? null : new Date(from),
      looks,
    ]);
    return reach!;
  }

  /** How well pairs have what was looked for, by their ids. Those that are gone are left out. */
  async rank({ accountId, rankedBy }: Ask, ids: readonly string[]): Promise<Map<string, number>> {
    if (ids.length === 0) return new Map();
    const rows = await this.database.query<RankRow>(RANK, [accountId, ids, rankedBy]);
    return new Map(rows.map(({ response_id: id, rank }) => [id, rank]));
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
