import { Injectable } from '@nestjs/common';
import { chatState, StatedJson, treeState } from '../../cache/validated.js';
import { decodeNumberCursor, encodeCursor } from '../../common/cursor.js';
import { invalidField } from '../../common/problems.js';
import { Database } from '../../database/database.js';
import { type Pair, pairJson, pairsJson } from '../chat/pair.js';
import { type Anchor, SEQ_MAX } from '../chat/path.sql.js';
import { PathService } from '../chat/path.service.js';
import type { ListMessagesQuery } from './message.dto.js';
import { type SiblingPlace, STANDINGS } from './siblings.sql.js';

/** A page as JSON, with the cursors of its neighbours (null where there is none). */
export interface MessagePage {
  json: string;
  /** What it was read in, for the ETag. */
  state: string;
  prevCursor: string | null;
  nextCursor: string | null;
}

/**
 * Pages of a path for clients. Cursors hold a `seq`, which never changes: no page repeats or skips
 * while others write.
 */
@Injectable()
export class MessagePageService {
  constructor(
    private readonly paths: PathService,
    private readonly database: Database,
  ) {}

  /**
   * The JSON of a `MessagePageDto`. @throws chat_not_found, message_not_found, content_unavailable;
   * 422 for a foreign cursor
   */
  async page(accountId: string, chatId: string, query: ListMessagesQuery): Promise<MessagePage> {
    const { pairs, lastSeq, revision, eventSeq } = await this.paths.page(
      accountId,
      chatId,
      query.limit,
      anchorOf(chatId, query),
    );
    const [first, last] = [pairs[0], pairs.at(-1)];
    const prevCursor = first && first.seq > 1 ? encodeCursor(chatId, first.seq) : null;
    const nextCursor = last && last.seq < lastSeq ? encodeCursor(chatId, last.seq) : null;
    const cursors = JSON.stringify({ prev_cursor: prevCursor, next_cursor: nextCursor }).slice(1);
    const shown = query.siblings ? await this.besideSiblings(accountId, pairs) : pairsJson(pairs);
    return {
      json: `{"chat_id":"${chatId}","qa_pairs":${shown},${cursors}`,
      // Who stands beside a pair is the tree's to say.
      state: query.siblings ? treeState(eventSeq) : chatState(revision),
      prevCursor,
      nextCursor,
    };
  }

  /** The pairs, each with its place among the continuations of the same pair. */
  private async besideSiblings(accountId: string, pairs: readonly Pair[]): Promise<string> {
    const rows = await this.database.query<SiblingPlace>(STANDINGS, [
      accountId,
      pairs.map(({ chatId }) => chatId),
      pairs.map(({ seq }) => seq),
      pairs.map(({ responseId }) => responseId),
    ]);
    const standings = new Map(rows.map(({ place, ...standing }) => [place, standing]));
    const shown = pairs.map((pair, at) => {
      const standing = standings.get(at + 1) ?? ALONE;
      return `${pairJson(pair).slice(0, -1)},"siblings":${JSON.stringify(standing)}}`;
    });
    return `[${shown.join(',')}]`;
  }

  /**
   * One pair as a `QaPairWithSiblingsDto`: what a branch picker needs. @throws chat_not_found,
   * message_not_found, content_unavailable
   */
  async one(accountId: string, chatId: string, responseId: string): Promise<StatedJson> {
    const { pair, siblings, eventSeq } = await this.paths.pairInTree(accountId, chatId, responseId);
    return new StatedJson(
      `${pairJson(pair).slice(0, -1)},"siblings":${JSON.stringify(siblings)}}`,
      treeState(eventSeq),
    );
  }
}

/** A pair that was purged between the two looks. */
const ALONE = { index: 1, total: 1, previous_response_id: null, next_response_id: null };

function anchorOf(chatId: string, { before, after, around }: ListMessagesQuery): Anchor {
  if ([before, after, around].filter((anchor) => anchor !== undefined).length > 1) {
    throw invalidField(
      around === undefined ? 'after' : 'around',
      'use only one of before, after and around',
    );
  }
  if (around !== undefined) return { around };
  if (after !== undefined) return { after: decodeNumberCursor(after, chatId, 'after', SEQ_MAX) };
  return {
    before: before === undefined ? SEQ_MAX : decodeNumberCursor(before, chatId, 'before', SEQ_MAX),
  };
}
