import { Column, Entity, PrimaryColumn } from 'typeorm';

/**
 * How many tokens the words of one pair have, both sides together. A table of its own: a count is written behind the pair, and rows of
 * `messages` that were written again would cost all their indexes.
 */
@Entity('message_tokens')
export class MessageTokens {
  @PrimaryColumn('uuid', { name: 'account_id', primaryKeyConstraintName: 'message_tokens_pkey' })
  accountId!: string;

  @PrimaryColumn('uuid', { name: 'chat_id', primaryKeyConstraintName: 'message_tokens_pkey' })
  chatId!: string;

  @PrimaryColumn('int', { primaryKeyConstraintName: 'message_tokens_pkey' })
  seq!: number;

  /** The version of the words that were counted; for another one this says nothing. */
  @Column('int')
  version!: number;

  @Column('int')
  tokens!: number;
}
