import { Injectable } from '@nestjs/common';
import type { IdempotentRequest } from '../../database/idempotency.js';
import { ChatService } from '../chat/chat.service.js';
import type { ChatView } from '../chat/chat.view.js';
import { RemovalService } from '../chat/removal.service.js';
import { AppendService } from '../message/append.service.js';
import { NotesOfConversations } from './conversation-notes.service.js';
import type {
  ConversationDto,
  CreateConversationDto,
  DeletedConversationDto,
  UpdateConversationDto,
} from './conversation.dto.js';
import { type ConversationRef, conversationName } from './openai-ids.js';
import type { Metadata } from './openai-metadata.js';
import { ResponseInputs } from './response-inputs.service.js';
import { draftOf } from './turns.js';

/** Chats as OpenAI's conversations. */
@Injectable()
export class ConversationsService {
  constructor(
    private readonly notes: NotesOfConversations,
    private readonly chats: ChatService,
    private readonly appends: AppendService,
    private readonly removal: RemovalService,
    private readonly inputs: ResponseInputs,
  ) {}

  /**
   * Makes a chat with what was said so far; answers the JSON of a `ConversationDto`. @throws 422;
   * store_unavailable
   */
  async create(
    accountId: string,
    { items, metadata }: CreateConversationDto,
    key: IdempotentRequest | null,
  ): Promise<string> {
    const turns = await this.inputs.kept(
      accountId,
      await this.inputs.turns(accountId, items ?? []),
      'items',
    );
    const outcome = await this.appends.commit({
      accountId,
      drafts: turns.map(draftOf),
      to: { chat: {} },
      key,
      answerOf: async (tx, _entries, chat) => {
        if (metadata) await this.notes.note(tx, accountId, chat!.chat_id, metadata);
        return conversationOf(chat!, metadata ?? {});
      },
    });
    return outcome!.json;
  }

  /** @throws chat_not_found */
  async get(accountId: string, { chatId }: ConversationRef): Promise<ConversationDto> {
    const chat = await this.rootOf(accountId, chatId);
    return conversationOf(chat, await this.notes.find(accountId, chat.chat_id));
  }

  /** Answers the JSON of a `ConversationDto`. @throws chat_not_found */
  async update(
    accountId: string,
    { chatId }: ConversationRef,
    { metadata }: UpdateConversationDto,
    idempotent: IdempotentRequest | null,
  ): Promise<string> {
    const chat = await this.rootOf(accountId, chatId);
    const answer = conversationOf(chat, metadata);
    return this.notes.replace(accountId, chat.chat_id, metadata, { key: idempotent, answer });
  }

  /**
   * Deletes the chat that is named: with a root the whole conversation. It can be restored. @throws
   * chat_not_found
   */
  async remove(
    accountId: string,
    { chatId, branchId }: ConversationRef,
  ): Promise<DeletedConversationDto> {
    await this.removal.remove(accountId, branchId ?? chatId, 'keep', null);
    return { id: conversationName(chatId), object: 'conversation.deleted', deleted: true };
  }

  private async rootOf(accountId: string, chatId: string): Promise<ChatView> {
    const chat = await this.chats.get(accountId, chatId);
    return chat.chat_id === chat.root_chat_id ? chat : this.chats.get(accountId, chat.root_chat_id);
  }
}

const conversationOf = (
  { root_chat_id, created_at }: ChatView,
  metadata: Metadata,
): ConversationDto => ({
  id: conversationName(root_chat_id),
  object: 'conversation',
  created_at: Math.floor(created_at.getTime() / 1000),
  metadata,
});
