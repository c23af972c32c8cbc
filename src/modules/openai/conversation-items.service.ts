import { Injectable } from '@nestjs/common';
import { invalidField, problems } from '../../common/problems.js';
import type { IdempotentRequest } from '../../database/idempotency.js';
import { ChatService } from '../chat/chat.service.js';
import { type Pair, pairJson } from '../chat/pair.js';
import type { QaPairDto } from '../chat/pair.dto.js';
import { SEQ_MAX } from '../chat/path.sql.js';
import { PathService } from '../chat/path.service.js';
import { PostService } from '../answer/post.service.js';
import type { AddItemsDto, ItemListDto, ListItemsQuery } from './conversation.dto.js';
import { toldIn } from './input-items.js';
import { type ConversationRef, itemParam, type ItemRef } from './openai-ids.js';
import { stateOf } from './response-events.js';
import { answerItem, questionItem } from './response-wire.js';
import type { MessageItemDto } from './response.dto.js';
import { ResponseReader } from './response.reader.js';

/** An item with its place on the path: twice the `seq` of its pair, for a response one more. */
interface Placed {
  item: MessageItemDto;
  place: number;
}

const WHOLE = Number.MAX_SAFE_INTEGER;

/**
 * The path of a branch as OpenAI's items: a question is a message of the user, a response one of
 * the assistant.
 */
@Injectable()
export class ConversationItems {
  constructor(
    private readonly chats: ChatService,
    private readonly paths: PathService,
    private readonly posts: PostService,
    private readonly reader: ResponseReader,
  ) {}

  /**
   * @throws chat_not_found, message_not_found for an `after` that is not on this path; 422,
   * content_unavailable
   */
  async list(
    accountId: string,
    conversation: ConversationRef,
    query: ListItemsQuery,
  ): Promise<ItemListDto> {
    return this.page(accountId, await this.branchOf(accountId, conversation), query);
  }

  /** What the model was given for an answer: the path up to its question. @throws like `list` */
  async inputOf(
    accountId: string,
    responseId: string,
    query: ListItemsQuery,
  ): Promise<ItemListDto> {
    const { chat_id: chatId, seq } = await this.reader.place(accountId, responseId);
    return this.page(accountId, chatId, query, 2 * seq + 1);
  }

  /**
   * Stores them behind the newest pair, all or none; answers them. @throws 422; chat_not_found and
   * what `PostService.post` throws
   */
  async add(
    accountId: string,
    conversation: ConversationRef,
    { items }: AddItemsDto,
    idempotent: IdempotentRequest | null,
  ): Promise<ItemListDto> {
    const told = toldIn(items);
    if (typeof told === 'string') throw invalidField('items', told);
    if (told.instructions !== '')
      throw invalidField(
        'items',
        ': systems and developers are heard only where a conversation is made',
      );
    const { question, response } = told.pairs.at(-1)!;
    const { chatId, branchId } = conversation;
    if (branchId !== null) await this.branchOf(accountId, conversation);
    const answer = await this.posts.post({
      accountId,
      chatId: branchId ?? chatId,
      toActive: branchId === null,
      key: idempotent,
      earlier: told.pairs.slice(0, -1),
      body: { question, response },
    });
    const last = JSON.parse((await answer.whole()).json) as QaPairDto;
    const { pairs } = await this.paths.page(accountId, last.chat_id, told.pairs.length, {
      before: last.seq + 1,
    });
    return listOf(pairs.flatMap(placed), false);
  }

  /**
   * @throws chat_not_found; message_not_found, also for one of another conversation, and for a
   * response that is not there
   */
  async get(
    accountId: string,
    { chatId }: ConversationRef,
    { responseId, isQuestion }: ItemRef,
  ): Promise<MessageItemDto> {
    const { root_chat_id: root } = await this.chats.get(accountId, chatId);
    const place = await this.reader.place(accountId, responseId);
    if (place.root_chat_id !== root) throw problems.messageNotFound();
    const items = placed(await this.paths.pair(accountId, place.chat_id, responseId));
    const found = items.find(({ item }) => (item.role === 'user') === isQuestion);
    if (!found) throw problems.messageNotFound();
    return found.item;
  }

  /** The branch that is named, or the active one. */
  private async branchOf(
    accountId: string,
    { chatId, branchId }: ConversationRef,
  ): Promise<string> {
    if (branchId === null) return this.chats.activeOf(accountId, chatId);
    const [chat, branch] = await Promise.all([
      this.chats.get(accountId, chatId),
      this.chats.get(accountId, branchId),
    ]);
    if (chat.root_chat_id !== branch.root_chat_id) throw problems.chatNotFound();
    return branchId;
  }

  /** @param end the first place that is not part of it */
  private async page(
    accountId: string,
    chatId: string,
    { limit, after, order }: ListItemsQuery,
    end = WHOLE,
  ): Promise<ItemListDto> {
    const last =
      after === undefined ? null : await this.placeOf(accountId, chatId, itemParam(after, 'after'));
    const { shown, hasMore } =
      order === 'asc'
        ? await this.upwards(accountId, chatId, limit, last ?? 0, end)
        : await this.downwards(accountId, chatId, limit, last ?? end, end);
    return listOf(shown, hasMore);
  }

  private async upwards(
    accountId: string,
    chatId: string,
    limit: number,
    last: number,
    end: number,
  ) {
    const { pairs, lastSeq } = await this.paths.page(accountId, chatId, limit + 1, {
      after: Math.max(0, Math.floor(last / 2) - 1),
    });
    const found = pairs.flatMap(placed).filter(({ place }) => place > last && place < end);
    const newest = pairs.at(-1)?.seq ?? lastSeq;
    return {
      shown: found.slice(0, limit),
      hasMore: found.length > limit || (newest < lastSeq && 2 * newest + 2 < end),
    };
  }

  private async downwards(
    accountId: string,
    chatId: string,
    limit: number,
    last: number,
    end: number,
  ) {
    const { pairs } = await this.paths.page(accountId, chatId, limit + 1, {
      before: Math.min(SEQ_MAX, Math.floor(last / 2) + 1),
    });
    const found = pairs
      .flatMap(placed)
      .filter(({ place }) => place < last && place < end)
      .reverse();
    return {
      shown: found.slice(0, limit),
      hasMore: found.length > limit || (pairs[0]?.seq ?? 1) > 1,
    };
  }

  private async placeOf(
    accountId: string,
    chatId: string,
    { responseId, isQuestion }: ItemRef,
  ): Promise<number> {
    const { seq } = await this.paths.pair(accountId, chatId, responseId);
    return 2 * seq + (isQuestion ? 0 : 1);
  }
}

/** The one or two items of a pair; none of one that was redacted. */
function placed(pair: Pair): Placed[] {
  if (pair.status === 'redacted') return [];
  const dto = JSON.parse(pairJson(pair)) as QaPairDto;
  const { question, response } = dto;
  const asked =
    question === null
      ? []
      : [{ item: questionItem(dto.response_id, question), place: 2 * dto.seq }];
  if (response === null) return asked;
  return [...asked, { item: answerItem(dto.response_id, stateOf(dto)), place: 2 * dto.seq + 1 }];
}

function listOf(placedItems: readonly Placed[], hasMore: boolean): ItemListDto {
  const data = placedItems.map(({ item }) => item);
  return {
    object: 'list',
    data,
    first_id: data[0]?.id ?? null,
    last_id: data.at(-1)?.id ?? null,
    has_more: hasMore,
  };
}
