import { Column, Entity, ForeignKey, Index, PrimaryColumn } from 'typeorm';
import { Chat } from '../chat/chat.entity.js';

/**
 * By which history a question was asked, for clients that send all of it each time: so that what
 * they send next is found to go on there, and is there once when they save it in a conversation.
 */
@Entity('history_places')
@Index('history_places_hash', ['accountId', 'hash', 'responseId'])
@Index('history_places_of_chat', ['accountId', 'chatId'])
@ForeignKey(() => Chat, ['accountId', 'chatId'], ['accountId', 'chatId'], {
  name: 'history_places_chat',
  onDelete: 'CASCADE',
})
export class HistoryPlace {
  @PrimaryColumn('uuid', { name: 'account_id', primaryKeyConstraintName: 'history_places_pkey' })
  accountId!: string;

  @PrimaryColumn('uuid', { name: 'response_id', primaryKeyConstraintName: 'history_places_pkey' })
  responseId!: string;

  /** The owner of the pair. */
  @Column('uuid', { name: 'chat_id' })
  chatId!: string;

  /** SHA-256 of what was said up to the question, and of the question; null where ids told it. */
  @Column('bytea', { nullable: true })
  hash!: Buffer | null;

  /** Whether the client has saved the question in a conversation since. */
  @Column('boolean', { name: 'is_question_saved', default: false })
  isQuestionSaved!: boolean;

  /** The same of the answer. */
  @Column('boolean', { name: 'is_response_saved', default: false })
  isResponseSaved!: boolean;
}
