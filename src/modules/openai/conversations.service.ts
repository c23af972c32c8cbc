import { Injectable } from '@nestjs/common';
import { invalidField } from '../../common/problems.js';
import { Database, type Statement } from '../../database/database.js';
import { Idempotency, type IdempotentRequest } from '../../database/idempotency.js';
import { ChatService } from '../chat/chat.service.js';
import type { ChatView } from '../chat/chat.view.js';
import { RemovalService } from '../chat/removal.service.js';
import { AppendService } from '../message/append.service.js';
import type {
  ConversationDto,
  CreateConversationDto,
  DeletedConversationDto,
  UpdateConversationDto,
} from './conversation.dto.js';
import { toldIn } from './input-items.js';
import { type ConversationRef, conversationName } from './openai-ids.js';
import type { Metadata } from './openai-metadata.js';
import { PROMPT_BYTES_MAX } from './response.dto.js';

const FIND: Statement = {
  name: 'openai.conversation_notes',
  text: `SELECT metadata FROM conversation_notes WHERE account_id = $1 AND chat_id = $2`,
};
const NOTE = `
  INSERT INTO conversation_notes (account_id, chat_id, metadata) VALUES ($1, $2, $3)
  ON CONFLICT (account_id, chat_id) DO UPDATE SET metadata = excluded.metadata`;

/** Chats as OpenAI's conversations. */
@Injectable()
export class ConversationsService {
  constructor(
    private readonly database: Database,
    private readonly chats: ChatService,
    private readonly appends: AppendService,
    private readonly removal: RemovalService,
    private readonly idempotency: Idempotency,
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
    const told = toldIn(items ?? []);
    if (typeof told === 'string') throw invalidField('items', told);
    const { instructions, pairs } = told;
    if (Buffer.byteLength(instructions) > PROMPT_BYTES_MAX) {
      throw invalidField(
        'items',
        `: what systems and developers say must have at most ${PROMPT_BYTES_MAX} bytes of UTF-8`,
      );
    }
    const outcome = await this.appends.commit({
      accountId,
      drafts: pairs.map(({ question, response }) => ({ said: { question }, response })),
      to: { chat: { system_prompt: instructions || null } },
      key,
      answerOf: async (tx, _entries, chat) => {
        if (metadata) await tx.query(NOTE, [accountId, chat!.chat_id, metadata]);
        return conversationOf(chat!, metadata ?? {});
      },
    });
    return outcome!.json;
  }

  /** @throws chat_not_found */
  async get(accountId: string, { chatId }: ConversationRef): Promise<ConversationDto> {
    const chat = await this.rootOf(accountId, chatId);
    const [notes] = await this.database.query<{ metadata: Metadata }>(FIND, [
      accountId,
      chat.chat_id,
    ]);
    return conversationOf(chat, notes?.metadata ?? {});
  }

  /** Answers the JSON of a `ConversationDto`. @throws chat_not_found */
  async update(
    accountId: string,
    { chatId }: ConversationRef,
    { metadata }: UpdateConversationDto,
    idempotent: IdempotentRequest | null,
  ): Promise<string> {
    const chat = await this.rootOf(accountId, chatId);
    return this.idempotency.once(accountId, idempotent, async (tx) => {
      await tx.query(NOTE, [accountId, chat.chat_id, metadata]);
      return conversationOf(chat, metadata);
    });
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
