import { createHash } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { decodeCursor, encodeCursor } from '../../common/cursor.js';
import { FIRST_UUID } from '../../common/ids.js';
import { invalidField, problems } from '../../common/problems.js';
import { Database } from '../../database/database.js';
import { SearchHits } from './search-hits.service.js';
import {
  type Ask,
  type Key,
  type Match,
  type RankedKey,
  SearchMatches,
} from './search-matches.service.js';
import { readQuery, type SearchQuery, tsqueryOf } from './search-query.js';
import { conversationWord } from './search-vector.js';
import { SearchWalks } from './search-walks.service.js';
import { FIND_PLACE } from './search.sql.js';
import type { HitPageDto, SearchQueryDto } from './search.dto.js';

/**
 * How many matches are ordered by how good they are: the newest ones, then those before them, and
 * so on. Words that half of all pairs have are nobody's best.
 */
const BEST_OF = 40;
/** Year 9999: no pair is younger. */
const LAST_MS = Date.UTC(9999, 11, 31);

/** Where a page begins. */
interface PageStart {
  /** Behind this one. */
  before: Key;
  /** Of matches in the order of their rank: the oldest one of those that are ordered together. */
  until: Key | null;
  /** The last one that was shown of them. */
  shown: RankedKey | null;
}

interface MatchPage {
  matches: Match[];
  next: PageStart | null;
}

/** Finds pairs of an account by what was said in them. */
@Injectable()
export class SearchService {
  constructor(
    private readonly database: Database,
    private readonly walks: SearchWalks,
    private readonly matches: SearchMatches,
    private readonly hits: SearchHits,
  ) {}

  /** @throws chat_not_found, content_unavailable; 422 for a query that says nothing */
  async search(accountId: string, asked: SearchQueryDto): Promise<HitPageDto> {
    const query = readQuery(asked.q);
    if (typeof query === 'string') throw invalidField('q', query);
    const scope = scopeOf(asked);
    const place = asked.cursor ? placeOf(asked.cursor, scope) : firstPlace(asked);
    const ask = await this.askOf(accountId, asked, query);
    const { matches, next } =
      asked.sort === 'newest'
        ? await this.newest(ask, place, asked.limit)
        : await this.best(ask, place, asked.limit);
    this.walks.visit(accountId);
    const rows = matches.map(({ row }) => row);
    return {
      items: await this.hits.show(accountId, rows, query, asked.side),
      next_cursor: next && encodeCursor(scope, textOfPlace(next)),
    };
  }

  private async askOf(
    accountId: string,
    { chat_id: chatId, scope, side, type, from, sort }: SearchQueryDto,
    query: SearchQuery,
  ): Promise<Ask> {
    if (scope && !chatId) throw invalidField('scope', 'needs a chat_id beside it');
    const rootChatId = chatId ? await this.rootOf(accountId, chatId) : null;
    const words = tsqueryOf(query, accountId, side);
    return {
      accountId,
      tsquery: rootChatId ? `${words} & '${conversationWord(accountId, rootChatId)}'` : words,
      from: from === undefined ? null : Date.parse(from),
      rankedBy: sort === 'newest' ? null : tsqueryOf(query, accountId, side, 'rank'),
      type: type ?? null,
      rootChatId,
      chatId: scope === 'conversation' ? null : (chatId ?? null),
    };
  }

  private async rootOf(accountId: string, chatId: string): Promise<string> {
    const [place] = await this.database.query<{ root_chat_id: string }>(FIND_PLACE, [
      accountId,
      chatId,
    ]);
    if (!place) throw problems.chatNotFound();
    return place.root_chat_id;
  }

  private async newest(ask: Ask, { before }: PageStart, limit: number): Promise<MatchPage> {
    const { found } = await this.matches.find(ask, before, limit + 1, limit + 1);
    const matches = found.slice(0, limit);
    const hasMore = found.length > limit;
    return {
      matches,
      next: hasMore ? { before: matches.at(-1)!, until: null, shown: null } : null,
    };
  }

  /** Windows of matches, each from its best one on. */
  private async best(ask: Ask, from: PageStart, limit: number): Promise<MatchPage> {
    const matches: Match[] = [];
    let next: PageStart | null = from;
    while (next !== null && matches.length < limit) {
      const place: PageStart = next;
      const { rest, oldest, hasMore } = await this.window(ask, place, limit);
      const some = rest.slice(0, limit - matches.length);
      matches.push(...some);
      if (some.length < rest.length) next = { ...place, until: oldest, shown: some.at(-1)! };
      else next = hasMore && oldest ? { before: oldest, until: null, shown: null } : null;
    }
    return { matches, next };
  }

  /** Matches that are ordered together, behind those that were shown. */
  private async window(
    ask: Ask,
    { before, until, shown }: PageStart,
    limit: number,
  ): Promise<{ rest: Match[]; oldest: Key | null; hasMore: boolean }> {
    const { found, hasMore } = await this.matches.find(ask, before, limit + 1, BEST_OF);
    const some = until ? found.filter((match) => orderOf(match, until) <= 0) : found;
    const ordered = some.toSorted(bestFirst);
    return {
      rest: shown ? ordered.filter((match) => bestFirst(match, shown) > 0) : ordered,
      oldest: until ?? some.at(-1) ?? null,
      hasMore: hasMore || some.length < found.length,
    };
  }
}

/** Of the newest first: negative where `a` comes before `b`. */
const orderOf = (a: Key, b: Key): number => b.at - a.at || (a.id < b.id ? 1 : a.id > b.id ? -1 : 0);
const bestFirst = (a: RankedKey, b: RankedKey): number => b.rank - a.rank || orderOf(a, b);

/** A cursor is good for the query that it was given for. */
function scopeOf({ cursor: _, limit: __, ...asked }: SearchQueryDto): string {
  const text = JSON.stringify(Object.entries(asked).sort(([a], [b]) => (a < b ? -1 : 1)));
  return `search:${createHash('sha256').update(text).digest('base64url').slice(0, 12)}`;
}

const firstPlace = ({ to }: SearchQueryDto): PageStart => ({
  before: { at: to === undefined ? LAST_MS : Date.parse(to) + 1, id: FIRST_UUID },
  until: null,
  shown: null,
});

const textOfKey = ({ at, id }: Key): string => `${at}.${id}`;
const textOfPlace = ({ before, until, shown }: PageStart): string =>
  [
    textOfKey(before),
    until ? textOfKey(until) : '',
    shown ? `${shown.rank}.${textOfKey(shown)}` : '',
  ].join('~');

const KEY = '(\\d{1,15})\\.([0-9a-f-]{36})';
const PLACE = new RegExp(`^${KEY}~(?:${KEY})?~(?:(\\d{1,10})\\.${KEY})?$`);

/** @throws 422 where it is the cursor of another query */
function placeOf(cursor: string, scope: string): PageStart {
  const [, at, id, untilAt, untilId, rank, shownAt, shownId] = PLACE.exec(
    decodeCursor(cursor, scope, 'cursor', PLACE),
  )!;
  return {
    before: { at: Number(at), id: id! },
    until: untilId ? { at: Number(untilAt), id: untilId } : null,
    shown: shownId ? { rank: Number(rank), at: Number(shownAt), id: shownId } : null,
  };
}
