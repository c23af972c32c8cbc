import { Injectable } from '@nestjs/common';
import { chatState, StatedJson, treeState } from '../../cache/validated.js';
import { decodeNumberCursor, encodeCursor } from '../../common/cursor.js';
import { invalidField } from '../../common/problems.js';
import { pairJson, pairsJson } from '../chat/pair.js';
import { type Anchor, SEQ_MAX } from '../chat/path.sql.js';
import { PathService } from '../chat/path.service.js';
import type { ListMessagesQuery } from './message.dto.js';

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
  constructor(private readonly paths: PathService) {}

  /**
   * The JSON of a `MessagePageDto`. @throws chat_not_found, message_not_found, content_unavailable;
   * 422 for a foreign cursor
   */
  async page(accountId: string, chatId: string, query: ListMessagesQuery): Promise<MessagePage> {
    const { pairs, lastSeq, revision } = await this.paths.page(
      accountId,
      chatId,
      query.limit,
      anchorOf(chatId, query),
    );
    const [first, last] = [pairs[0], pairs.at(-1)];
    const prevCursor = first && first.seq > 1 ? encodeCursor(chatId, first.seq) : null;
    const nextCursor = last && last.seq < lastSeq ? encodeCursor(chatId, last.seq) : null;
    const cursors = JSON.stringify({ prev_cursor: prevCursor, next_cursor: nextCursor }).slice(1);
    return {
      json: `{"chat_id":"${chatId}","qa_pairs":${pairsJson(pairs)},${cursors}`,
      state: chatState(revision),
      prevCursor,
      nextCursor,
    };
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
