import { Column, Entity, ForeignKey, Index, PrimaryColumn } from 'typeorm';
import { Chat } from '../chat/chat.entity.js';

/**
 * The id that a client made up for a chat (AI SDK clients do, before they send its first message),
 * and the chat that was made for it.
 */
@Entity('client_chats')
@Index('client_chats_of_chat', ['accountId', 'chatId'])
@ForeignKey(() => Chat, ['accountId', 'chatId'], ['accountId', 'chatId'], {
  name: 'client_chats_chat',
  onDelete: 'CASCADE',
})
export class ClientChat {
  @PrimaryColumn('uuid', { name: 'account_id', primaryKeyConstraintName: 'client_chats_pkey' })
  accountId!: string;

  /** 1 to 200 characters. */
  @PrimaryColumn('text', { name: 'client_chat_id', primaryKeyConstraintName: 'client_chats_pkey' })
  clientChatId!: string;

  /** A root. */
  @Column('uuid', { name: 'chat_id' })
  chatId!: string;
}
