import { Column, Entity, ForeignKey, PrimaryColumn } from 'typeorm';
import { Chat } from '../chat/chat.entity.js';

/** The `metadata` of a conversation of OpenAI's API; no row where there is none. */
@Entity('conversation_notes')
@ForeignKey(() => Chat, ['accountId', 'chatId'], ['accountId', 'chatId'], {
  name: 'conversation_notes_chat',
  onDelete: 'CASCADE',
})
export class ConversationNotes {
  @PrimaryColumn('uuid', {
    name: 'account_id',
    primaryKeyConstraintName: 'conversation_notes_pkey',
  })
  accountId!: string;

  /** The root. */
  @PrimaryColumn('uuid', { name: 'chat_id', primaryKeyConstraintName: 'conversation_notes_pkey' })
  chatId!: string;

  @Column('jsonb')
  metadata!: Record<string, string>;
}
