import { setImmediate as nextTurn } from 'node:timers/promises';
import { Injectable } from '@nestjs/common';
import { problems } from '../../common/problems.js';
import { ContentStore, type StoredPair } from '../../content/content-store.js';
import { Database, type Statement } from '../../database/database.js';
import { refOf } from '../chat/path.service.js';
import { excerptOf } from './search-excerpt.js';
import { bodyOf } from './search-index.service.js';
import type { SearchQuery } from './search-query.js';
import { textsOf } from './search-text.js';
import type { TextSide } from './search-word-places.js';
import type { HitHighlightDto, HitDto } from './search.dto.js';
import { type HitRow, hitsStatement, type MatchRow } from './search.sql.js';

/** What the statement is told of each match. */
const COLUMNS = ['chat_id', 'parent_chat_id', 'root_chat_id', 'seq', 'version'] as const;

type FoundRow = HitRow & { match: MatchRow };

/** Shows pairs that were found: where they are, who sees them, and what of them was found. */
@Injectable()
export class SearchHits {
  private readonly statement: Statement;

  constructor(
    private readonly database: Database,
    private readonly content: ContentStore,
  ) {
    this.statement = hitsStatement(content.table);
  }

  /** In their order; without those that are gone meanwhile. @throws content_unavailable */
  async show(
    accountId: string,
    matches: readonly MatchRow[],
    query: SearchQuery,
    side: TextSide | undefined,
  ): Promise<HitDto[]> {
    if (matches.length === 0) return [];
    const rows = await this.database.query<HitRow>(this.statement, [
      accountId,
      ...COLUMNS.map((column) => matches.map((match) => match[column])),
    ]);
    const found = rows.map((row) => ({ ...row, match: matches[row.n - 1]! }));
    const stored = await this.wordsOf(accountId, found);
    const hits: HitDto[] = [];
    for (const row of found) {
      const { match } = row;
      const words = stored.get(match.response_id);
      // Written anew since the rows were read: what was found may be gone.
      if (!row.body && words && words.version > match.version) continue;
      const body = row.body ?? bodyOf(match, words);
      if (body === null) throw contentUnavailable(match.response_id);
      hits.push(hitOf(row, highlightOf(body, query, side)));
      // Words may be long, and others wait.
      await nextTurn();
    }
    return hits;
  }

  private async wordsOf(
    accountId: string,
    rows: readonly FoundRow[],
  ): Promise<ReadonlyMap<string, StoredPair>> {
    const refs = rows
      .filter(({ body }) => body === null)
      .map(({ match }) => refOf(accountId, match));
    try {
      return refs.length === 0 ? new Map() : await this.content.findAcross(refs);
    } catch (error) {
      throw contentUnavailable((error as Error).message);
    }
  }
}

const contentUnavailable = (cause: string): Error =>
  Object.assign(problems.contentUnavailable({ headers: { 'retry-after': '2' } }), { cause });

function highlightOf(
  body: string,
  query: SearchQuery,
  side: TextSide | undefined,
): HitHighlightDto {
  const texts = textsOf(body);
  const sides = side ? [side] : (['question', 'response'] as const);
  return Object.fromEntries(
    sides.flatMap((one) => {
      const excerpt = excerptOf(texts[one], query);
      return excerpt ? [[one, excerpt]] : [];
    }),
  );
}

const hitOf = (
  { match, name, path, visible_in }: FoundRow,
  highlight: HitHighlightDto,
): HitDto => ({
  response_id: match.response_id,
  chat_id: match.chat_id,
  seq: match.seq,
  root_chat_id: match.root_chat_id,
  name,
  highlight,
  path,
  visible_in,
  timestamp: match.created_at.toISOString(),
});
