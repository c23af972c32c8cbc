import { Column, Entity, ForeignKey, Index, PrimaryColumn } from 'typeorm';
import { Chat } from '../chat/chat.entity.js';

/**
 * The number of a chat that was made, or once named, by a route of `first-message`. It never
 * changes; it goes with its chat and is not given again.
 */
@Entity('chat_numbers')
@Index('chat_numbers_of_chat', ['accountId', 'chatId'], { unique: true })
@ForeignKey(() => Chat, ['accountId', 'chatId'], ['accountId', 'chatId'], {
  name: 'chat_numbers_chat',
  onDelete: 'CASCADE',
})
export class ChatNumber {
  @PrimaryColumn('uuid', { name: 'account_id', primaryKeyConstraintName: 'chat_numbers_pkey' })
  accountId!: string;

  /** 1, 2, 3… for each account. */
  @PrimaryColumn('int', { primaryKeyConstraintName: 'chat_numbers_pkey' })
  number!: number;

  @Column('uuid', { name: 'chat_id' })
  chatId!: string;
}

/** The newest number of an account. */
@Entity('chat_number_counters')
export class ChatNumberCounter {
  @PrimaryColumn('uuid', {
    name: 'account_id',
    primaryKeyConstraintName: 'chat_number_counters_pkey',
  })
  accountId!: string;

  @Column('int')
  last!: number;
}
