import { Injectable } from '@nestjs/common';
import { FIRST_UUID } from '../../common/ids.js';
import { Config } from '../../config/config.js';
import { Database, type Statement } from '../../database/database.js';
import type { MessageType } from '../chat/message.entity.js';
import { nextLook, type Span } from './search-blocks.js';
import { SearchIndex } from './search-index.service.js';
import { idAt } from './search-walks.service.js';
import {
  FIND,
  FIND_IN_BRANCH,
  FIND_REST,
  FIND_REST_IN_BRANCH,
  LOOK,
  LOOK_IN_BRANCH,
  type LookRow,
  type MatchRow,
} from './search.sql.js';

/** The place of a pair among those of its account: by the time of its making, then by its id. */
export interface Key {
  at: number;
  id: string;
}

/** How good it is besides; 0 where nobody asks for that. */
export interface RankedKey extends Key {
  rank: number;
}

/** What is asked of the index. */
export interface Ask {
  accountId: string;
  /** To find by. */
  tsquery: string;
  /** To rank by; null where that does not matter. */
  rankedBy: string | null;
  /** In milliseconds since 1970; null where it does not matter. */
  from: number | null;
  type: MessageType | null;
  rootChatId: string | null;
  /** The branch that must see it. */
  chatId: string | null;
}

export interface Match extends RankedKey {
  row: MatchRow;
}

export interface Matches {
  /** Newest first. */
  found: Match[];
  /** Whether there may be older ones. */
  hasMore: boolean;
}

/** So many of the newest pairs are looked at one by one. */
const NEAR_PAIRS = 100;
/**
 * Whoever searches has the pairs of this last while made findable before; what is older is looked
 * for beside.
 */
const RECENT_MS = 120_000;

interface Look {
  near: MatchRow[];
  reach: LookRow;
}

/**
 * Finds pairs by their words, the newest first. PostgreSQL keeps one plan for all words, and knows
 * not how common they are: so the newest pairs are looked at first, where a common word fills the
 * page, and then the index of words is asked, for as much time as a page needs by what was found.
 */
@Injectable()
export class SearchMatches {
  constructor(
    private readonly database: Database,
    private readonly config: Config,
    private readonly index: SearchIndex,
  ) {}

  /** `max` matches older than `before`, or as few as `min` where finding more would cost more. */
  async find(ask: Ask, before: Key, min: number, max: number): Promise<Matches> {
    const look = await this.freshLook(ask, before, max);
    const near = look.near.map(matchOf);
    if (near.length >= Math.min(min, max + 1)) return { found: near.slice(0, max), hasMore: true };
    const found = [...near, ...(await this.behind(ask, look.reach, near.length, max))];
    return { found: found.slice(0, max), hasMore: found.length > max };
  }

  /** What was said a moment ago is made findable first, whoever wrote it. */
  private async freshLook(ask: Ask, before: Key, max: number): Promise<Look> {
    const look = await this.look(ask, before, max);
    const { behind } = look.reach;
    if (behind.length === 0) return look;
    await this.index.bring(behind.map((id) => [ask.accountId, id]));
    return this.look(ask, before, max);
  }

  private async look(ask: Ask, before: Key, max: number): Promise<Look> {
    const rows = await this.database.query<LookRow>(ask.chatId ? LOOK_IN_BRANCH : LOOK, [
      ...this.valuesOf(ask, before, max + 1),
      Math.max(NEAR_PAIRS, max + 1),
      idAt(Date.now() - RECENT_MS),
    ]);
    const reach = rows.pop()!;
    return { near: rows, reach };
  }

  /** Matches behind the pairs that were looked at one by one, of which `hits` matched. */
  private async behind(ask: Ask, reach: LookRow, hits: number, max: number): Promise<Match[]> {
    const { last_at, last_id, newest, oldest } = reach;
    if (!last_at || !last_id) return [];
    const found: Match[] = [];
    const span: Span = { from: oldest!.getTime(), to: last_at.getTime() };
    let before: Key = { at: span.to, id: last_id };
    const now = Date.now();
    while (span.to >= span.from && hits + found.length <= max) {
      const wanted = max + 1 - hits - found.length;
      const seen = { hits: hits + found.length, ms: newest!.getTime() - before.at };
      const { blocks, from } = nextLook(ask.accountId, span, { wanted, seen, now });
      const values = this.valuesOf(ask, before, wanted);
      const rows = await this.database.query<MatchRow>(...findingOf(ask, values, blocks));
      found.push(...rows.map(matchOf));
      before = { at: from, id: FIRST_UUID };
      span.to = from - 1;
    }
    return found;
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
      ask.rankedBy,
    ];
  }
}

function findingOf(
  { chatId }: Ask,
  values: unknown[],
  blocks: readonly string[] | null,
): [Statement, unknown[]] {
  if (!blocks) return [chatId ? FIND_REST_IN_BRANCH : FIND_REST, values];
  return [chatId ? FIND_IN_BRANCH : FIND, [...values, blocks]];
}

const matchOf = (row: MatchRow): Match => ({
  at: row.created_at.getTime(),
  id: row.response_id,
  rank: row.rank ?? 0,
  row,
});
