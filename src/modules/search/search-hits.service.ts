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
import type { TextSide } from './search-vector.js';
import type { HitHighlightDto, HitDto } from './search.dto.js';
import { type HitRow, hitsStatement } from './search.sql.js';

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

  /** In the order of `ids`; without those that are gone meanwhile. @throws content_unavailable */
  async show(
    accountId: string,
    ids: readonly string[],
    query: SearchQuery,
    side: TextSide | undefined,
  ): Promise<HitDto[]> {
    if (ids.length === 0) return [];
    const rows = await this.database.query<HitRow>(this.statement, [accountId, ids]);
    const stored = await this.wordsOf(accountId, rows);
    const hits: HitDto[] = [];
    for (const row of rows) {
      const words = stored.get(row.response_id);
      // Written anew since the rows were read: what was found may be gone.
      if (!row.body && words && words.version > row.version) continue;
      const body = row.body ?? bodyOf(row, words);
      if (body === null) throw contentUnavailable(row.response_id);
      hits.push(hitOf(row, highlightOf(body, query, side)));
      // Words may be long, and others wait.
      await nextTurn();
    }
    return hits;
  }

  private async wordsOf(
    accountId: string,
    rows: readonly HitRow[],
  ): Promise<ReadonlyMap<string, StoredPair>> {
    const refs = rows.filter(({ body }) => body === null).map((row) => refOf(accountId, row));
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

const hitOf = (row: HitRow, highlight: HitHighlightDto): HitDto => ({
  response_id: row.response_id,
  chat_id: row.chat_id,
  seq: row.seq,
  root_chat_id: row.root_chat_id,
  name: row.name,
  highlight,
  path: row.path,
  visible_in: row.visible_in,
  timestamp: row.created_at.toISOString(),
});
