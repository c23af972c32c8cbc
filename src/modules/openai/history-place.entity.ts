import { Column, Entity, ForeignKey, Index, PrimaryColumn } from 'typeorm';
import { Chat } from '../chat/chat.entity.js';

/**
 * By which history a question was asked, for clients that send all of it each time and no ids: so
 * that what they send next is found to go on there.
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

  /** SHA-256 of what was said up to the question, and of the question. */
  @Column('bytea')
  hash!: Buffer;
}
