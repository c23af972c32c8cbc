import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { encodeCursor } from '../../common/cursor.js';
import { readExact } from '../../common/exact-json.js';
import { Titles, titleOf } from '../answer/titles.service.js';
import type { ChatView } from '../chat/chat.columns.js';
import { ChatService } from '../chat/chat.service.js';
import { RemovalService } from '../chat/removal.service.js';
import { ClientChatsService } from '../client-chat/client-chats.service.js';
import type {
  AuiRunStreamDto,
  AuiThreadDto,
  CreateAuiThreadDto,
  ListAuiThreadsQuery,
  UpdateAuiThreadDto,
} from './aui.dto.js';
import { textsIn } from './aui-content.js';

/** Conversations as threads of the Assistant Cloud. */
@Injectable()
export class AuiThreads {
  constructor(
    private readonly chats: ChatService,
    private readonly removal: RemovalService,
    private readonly clientChats: ClientChatsService,
    private readonly titles: Titles,
  ) {}

  /** @throws chat_not_found for an `after` of nobody */
  async list(accountId: string, query: ListAuiThreadsQuery): Promise<AuiThreadDto[]> {
    const { limit, after, is_archived: archived } = query;
    const last = after === undefined ? null : await this.clientChats.find(accountId, after);
    const cursor = last === null ? {} : { cursor: encodeCursor('chats', last) };
    const { items } = await this.chats.list(accountId, { limit, archived, ...cursor });
    const names = await this.clientChats.namesOf(
      accountId,
      items.map(({ chat_id }) => chat_id),
    );
    return items.map((chat) => threadOf(accountId, chat, names.get(chat.chat_id) ?? null));
  }

  /** @throws chat_not_found */
  async get(accountId: string, id: string): Promise<AuiThreadDto> {
    const chatId = await this.clientChats.find(accountId, id);
    const names = await this.clientChats.namesOf(accountId, [chatId]);
    return threadOf(accountId, await this.chats.get(accountId, chatId), names.get(chatId) ?? null);
  }

  /** A new thread; its id. */
  async create(
    tx: EntityManager,
    accountId: string,
    { title, metadata }: CreateAuiThreadDto,
  ): Promise<string> {
    const fields = { name: title || undefined, metadata: metadata ?? undefined };
    return (await this.chats.create(tx, accountId, fields)).chat_id;
  }

  /** The thread of a name of the client's own, else a new one; its id. @throws chat_not_found */
  async named(
    accountId: string,
    name: string,
    { title, metadata }: CreateAuiThreadDto,
  ): Promise<string> {
    const chatId = await this.clientChats.findOrMake(accountId, name);
    const fields = { name: title || undefined, metadata: metadata ?? undefined };
    await this.chats.update(accountId, chatId, fields, null);
    return chatId;
  }

  /** @throws chat_not_found */
  async update(accountId: string, id: string, body: UpdateAuiThreadDto): Promise<void> {
    const { title, metadata, is_archived: archived } = body;
    const chatId = await this.clientChats.find(accountId, id);
    const name = title === undefined ? undefined : title.trim() === '' ? null : title;
    await this.chats.update(accountId, chatId, { name, metadata, archived }, null);
  }

  /** The whole conversation, as by `DELETE /api/v1/chats/{chat_id}`. @throws chat_not_found */
  async remove(accountId: string, id: string): Promise<void> {
    const chatId = await this.clientChats.find(accountId, id);
    await this.removal.remove(accountId, chatId, 'keep', null);
  }

  /**
   * Names a thread by what a person says first in it: as a model does where one is set for that,
   * else by its first words. Some clients set what they are told once more, others do not.
   * @throws chat_not_found, tokens_spent
   */
  async titleFor(accountId: string, { thread_id: id, messages }: AuiRunStreamDto): Promise<string> {
    const chatId = await this.clientChats.find(accountId, id);
    const first = messages.find(({ role }) => role === 'user') ?? {};
    const question = textsIn(first)
      .map(({ text }) => text)
      .join('\n');
    if (question === '') return '';
    const found = await this.titles.find(accountId, question).catch(() => null);
    const name = found ?? titleOf(question);
    await this.chats.update(accountId, chatId, { name }, null);
    return name;
  }
}

/** With its digits, for `exactJson`. */
const metadataOf = ({ metadata: text }: ChatView): unknown =>
  text === null ? null : readExact(text);

function threadOf(accountId: string, chat: ChatView, externalId: string | null): AuiThreadDto {
  const at = (time: Date | string): string => new Date(time).toISOString();
  return {
    id: chat.chat_id,
    title: chat.name ?? '',
    last_message_at: at(chat.updated_at),
    metadata: metadataOf(chat),
    external_id: externalId,
    ...{ project_id: accountId, workspace_id: accountId },
    ...{ created_at: at(chat.created_at), updated_at: at(chat.updated_at) },
    is_archived: chat.archived,
  };
}
