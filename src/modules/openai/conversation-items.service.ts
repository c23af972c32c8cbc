import { Injectable } from '@nestjs/common';
import { problems } from '../../common/problems.js';
import { readPair } from '../../content/body.js';
import type { IdempotentRequest } from '../../database/idempotency.js';
import { ChatService } from '../chat/chat.service.js';
import { type Pair, pairJson } from '../chat/pair.js';
import type { QaPairDto } from '../chat/pair.dto.js';
import { SEQ_MAX } from '../chat/path.sql.js';
import { PathService } from '../chat/path.service.js';
import { type Addition, ItemChanges } from './item-changes.service.js';
import type { AddItemsDto, ItemListDto, ListItemsQuery } from './conversation.dto.js';
import { type ConversationRef, itemParam, type ItemRef } from './openai-ids.js';
import { answerItems, questionItemsOf } from './part-items.js';
import { ResponseInputs } from './response-inputs.service.js';
import type { ItemDto } from './response-items.dto.js';
import { itemStatusOf, stateOf } from './response-wire.js';
import { ResponseReader } from './response.reader.js';
import type { StoredTurn } from './saved-turns.service.js';
import type { Turn } from './turns.js';

/** So many places has a pair: more than twice the parts that a side may have. */
const PLACES = 2048;

/** An item with its place on the path. */
interface PlacedItem {
  item: ItemDto;
  place: number;
}

interface ItemPage {
  shown: PlacedItem[];
  hasMore: boolean;
}

const WHOLE = SEQ_MAX * PLACES;

/** The path of a branch as OpenAI's items. */
@Injectable()
export class ConversationItems {
  constructor(
    private readonly chats: ChatService,
    private readonly paths: PathService,
    private readonly reader: ResponseReader,
    private readonly inputs: ResponseInputs,
    private readonly changes: ItemChanges,
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
    return this.page(accountId, chatId, query, seq * PLACES + PLACES / 2);
  }

  /**
   * Stores them behind the newest pair, all or none; answers them. What the assistant says first is
   * the answer to the newest pair, where that has none. What `/v1/responses` put there is there
   * already: agents save again what they were answered, with its id or without.
   * @throws 422; chat_not_found and what `PostService.post` throws
   */
  async add(
    accountId: string,
    conversation: ConversationRef,
    { items }: AddItemsDto,
    idempotent: IdempotentRequest | null,
  ): Promise<ItemListDto> {
    const told = await this.inputs.turns(accountId, items);
    const chatId = await this.branchOf(accountId, conversation);
    const addition = { accountId, chatId, conversation, key: idempotent };
    for (;;) {
      const saved = await this.changes.savedIn(addition, told);
      const { here, others } = await this.sorted(addition, told.slice(saved.length));
      const there = [...saved.flatMap(itemsOfTurn), ...here.flatMap(placedOf)];
      if (others.length > 0) {
        const turns = await this.inputs.kept(accountId, others, 'items');
        const added = await this.changes.add(addition, turns);
        await this.changes.mark({ ...addition, key: null }, saved);
        return listOf([...there, ...added.flatMap(itemsOfTurn)], false);
      }
      if (await this.changes.mark(addition, saved)) return listOf(there, false);
    }
  }

  /** The pairs of the conversation that some of the turns are, and the other turns. */
  private async sorted({ accountId, chatId }: Addition, turns: readonly Turn[]) {
    const { root_chat_id: root } = await this.chats.get(accountId, chatId);
    const here: QaPairDto[] = [];
    const others: Turn[] = [];
    for (const turn of turns) {
      const found =
        turn.known !== null && turn.response.length > 0
          ? await this.reader.known(accountId, turn.known)
          : null;
      if (found?.place.root_chat_id === root && found.pair.status === 'complete')
        here.push(found.pair);
      else others.push(turn);
    }
    return { here, others };
  }

  /**
   * @throws chat_not_found; message_not_found, also for one of another conversation, and for an
   * item that is not there
   */
  async get(
    accountId: string,
    { chatId }: ConversationRef,
    { responseId }: ItemRef,
    name: string,
  ): Promise<ItemDto> {
    const { root_chat_id: root } = await this.chats.get(accountId, chatId);
    const place = await this.reader.place(accountId, responseId);
    if (place.root_chat_id !== root) throw problems.messageNotFound();
    const items = placed(await this.paths.pair(accountId, place.chat_id, responseId));
    const found = items.find(({ item }) => item.id === name.toLowerCase());
    if (!found) throw problems.messageNotFound();
    return found.item;
  }

  /**
   * Erases an item for good, in every branch that sees it. @throws like `get`;
   * generation_in_progress while it is written
   */
  async remove(
    accountId: string,
    conversation: ConversationRef,
    ref: ItemRef,
    name: string,
  ): Promise<void> {
    await this.get(accountId, conversation, ref, name);
    const { chat_id: chatId } = await this.reader.place(accountId, ref.responseId);
    await this.changes.remove(accountId, chatId, ref.responseId, name.toLowerCase());
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
    const last = after === undefined ? null : await this.placeOf(accountId, chatId, after);
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
  ): Promise<ItemPage> {
    const shown: PlacedItem[] = [];
    // A pair may have no item, as one whose words were erased.
    for (let after = Math.max(0, seqAt(last) - 1); ;) {
      const { pairs, lastSeq } = await this.paths.page(accountId, chatId, limit + 1, { after });
      shown.push(...pairs.flatMap(placed).filter(({ place }) => place > last && place < end));
      after = pairs.at(-1)?.seq ?? lastSeq;
      const isOver = after >= lastSeq || after >= seqAt(end);
      if (isOver || shown.length > limit) return cutTo(limit, shown);
    }
  }

  private async downwards(
    accountId: string,
    chatId: string,
    limit: number,
    last: number,
    end: number,
  ): Promise<ItemPage> {
    const shown: PlacedItem[] = [];
    for (let before = Math.min(SEQ_MAX, seqAt(last) + 1); ;) {
      const { pairs } = await this.paths.page(accountId, chatId, limit + 1, { before });
      const found = pairs.flatMap(placed).filter(({ place }) => place < last && place < end);
      shown.push(...found.reverse());
      before = pairs[0]?.seq ?? 1;
      if (before <= 1 || shown.length > limit) return cutTo(limit, shown);
    }
  }

  private async placeOf(accountId: string, chatId: string, name: string): Promise<number> {
    const { responseId } = itemParam(name, 'after');
    const items = placed(await this.paths.pair(accountId, chatId, responseId));
    const found = items.find(({ item }) => item.id === name.toLowerCase());
    if (!found) throw problems.messageNotFound();
    return found.place;
  }
}

const seqAt = (place: number): number => Math.floor(place / PLACES);

const cutTo = (limit: number, shown: PlacedItem[]): ItemPage => ({
  shown: shown.slice(0, limit),
  hasMore: shown.length > limit,
});

/** The items of a pair; those of its answer have the second half of its places. */
const placed = (pair: Pair): PlacedItem[] => placedOf(readPair<QaPairDto>(pairJson(pair)));

function placedOf(dto: QaPairDto): PlacedItem[] {
  const first = dto.seq * PLACES;
  const state = stateOf(dto, null);
  return [
    ...questionItemsOf(dto).map((item, at) => ({ item, place: first + at })),
    ...answerItems(dto.response_id, state.parts, itemStatusOf(state)).map((item, at) => ({
      ...{ item, place: first + PLACES / 2 + at },
    })),
  ];
}

/** The items of the sides that a turn has. */
const itemsOfTurn = ({ pair, hasQuestion, hasResponse }: StoredTurn): PlacedItem[] =>
  placed(pair).filter(({ place }) => (place % PLACES < PLACES / 2 ? hasQuestion : hasResponse));

function listOf(placedItems: readonly PlacedItem[], hasMore: boolean): ItemListDto {
  const data = placedItems.map(({ item }) => item);
  return {
    object: 'list',
    data,
    first_id: data[0]?.id ?? null,
    last_id: data.at(-1)?.id ?? null,
    has_more: hasMore,
  };
}
