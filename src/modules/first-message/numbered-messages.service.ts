import { Injectable } from '@nestjs/common';
import { decodeNumberCursor, encodeCursor } from '../../common/cursor.js';
import { problems } from '../../common/problems.js';
import type { IdempotentRequest } from '../../database/idempotency.js';
import type { QaPairDto } from '../chat/pair.dto.js';
import { PathService } from '../chat/path.service.js';
import { SEQ_MAX } from '../chat/path.sql.js';
import { PostService } from '../answer/post.service.js';
import { AccountMessages } from './account-messages.service.js';
import { ChatNumbersService } from './chat-numbers.service.js';
import {
  chatNameOf,
  type LastMessageDto,
  type NumberedMessageDto,
  type PostMessageDto,
  type ReadMessagesQuery,
} from './first-message.dto.js';
import type { StoredMessage } from './first-message.service.js';
import { asMessage, placedMessages, questionOf } from './numbered-message.js';

/** Before the question of the first pair, whose place is 2. */
const START = 1;

/** That of the response of a pair. */
const placeBehind = (seq: number): number => 2 * seq + 1;
/** Of the last pair that there can be. */
const PLACE_MAX = placeBehind(SEQ_MAX);
/** What is read at once where the last pair has no text: there may be many such. */
const LAST_PAIRS = 50;

export interface MessagesPage {
  messages: NumberedMessageDto[];
  nextCursor: string | null;
}

/** The messages of a chat, one by one: a QA pair is a message, and two where it has a response. */
@Injectable()
export class NumberedMessagesService {
  constructor(
    private readonly numbers: ChatNumbersService,
    private readonly posts: PostService,
    private readonly paths: PathService,
    private readonly account: AccountMessages,
  ) {}

  /** @throws chat_not_found, store_unavailable, idempotency_key_reused */
  async post(
    accountId: string,
    key: IdempotentRequest | null,
    body: PostMessageDto,
  ): Promise<StoredMessage> {
    const names = await this.numbers.find(accountId, chatNameOf(body)!);
    const post = {
      accountId,
      chatId: names.chat_uuid,
      toActive: false,
      key,
      body: questionOf(body),
    };
    const { json, contentState } = await (await this.posts.post(post)).whole();
    return { json: JSON.stringify(asMessage(names, JSON.parse(json) as QaPairDto)), contentState };
  }

  /**
   * Of one chat or, where none is named, of all of the account. Oldest first. @throws
   * chat_not_found, content_unavailable; 422 for a cursor of another list
   */
  async page(
    accountId: string,
    { limit, cursor, ...named }: ReadMessagesQuery,
  ): Promise<MessagesPage> {
    if (chatNameOf(named) === undefined) return this.account.page(accountId, limit, cursor);
    const names = await this.numbers.find(accountId, chatNameOf(named)!);
    const scope = names.chat_uuid;
    const last =
      cursor === undefined ? START : decodeNumberCursor(cursor, scope, 'cursor', PLACE_MAX);
    // Of the pair whose question was the last one shown, the response may be still to come; so
    // there can be one pair without anything new.
    const after = Math.ceil(last / 2) - 1;
    const { pairs, lastSeq } = await this.paths.page(accountId, scope, limit + 1, { after });
    const placed = pairs
      .flatMap((pair) => placedMessages(names, pair))
      .filter(({ place }) => place > last);
    const shown = placed.slice(0, limit);
    // Pairs without any text are no messages: a page of them has nothing, and leads on.
    const lastRead = pairs.at(-1)?.seq ?? lastSeq;
    const end = placed.length > limit ? shown.at(-1)!.place : placeBehind(lastRead);
    const hasMore = placed.length > limit || lastRead < lastSeq;
    return {
      messages: shown.map(({ message }) => message),
      nextCursor: hasMore ? encodeCursor(scope, end) : null,
    };
  }

  /** @throws chat_not_found, message_not_found while the chat has none, content_unavailable */
  async last(accountId: string, name: string): Promise<LastMessageDto> {
    const names = await this.numbers.find(accountId, name);
    let [before, limit] = [SEQ_MAX, 1];
    while (before > 1) {
      const { pairs } = await this.paths.page(accountId, names.chat_uuid, limit, { before });
      const last = pairs.flatMap((pair) => placedMessages(names, pair)).at(-1);
      if (last) return lastOf(last.message);
      [before, limit] = [pairs[0]?.seq ?? 0, LAST_PAIRS];
    }
    throw problems.messageNotFound({ detail: 'The chat has no message.' });
  }
}

const lastOf = ({ text, sender, created_at, system }: NumberedMessageDto): LastMessageDto => ({
  ...{ text, sender, created_at, system },
});
