import {
  Column,
  Entity,
  Index,
  JoinColumn,
  ManyToOne,
  PrimaryColumn,
  type Relation,
} from 'typeorm';
import { Message, type MessageType } from '../chat/message.entity.js';

/**
 * What one pair is found by; written behind the append, and only when its words are. A table of its
 * own: rows of `messages` are small and read by the page, and one that was written again would cost
 * all their indexes. It goes with its pair.
 */
@Entity('message_search')
@Index('message_search_newest', ['accountId', 'createdAt', 'responseId'])
@Index('message_search_open', ['accountId', 'responseId'], { where: 'NOT is_final' })
@Index('message_search_blocks', { synchronize: false })
export class MessageSearch {
  @PrimaryColumn('uuid', { name: 'account_id', primaryKeyConstraintName: 'message_search_pkey' })
  accountId!: string;

  @PrimaryColumn('uuid', { name: 'response_id', primaryKeyConstraintName: 'message_search_pkey' })
  responseId!: string;

  @ManyToOne(() => Message, { onDelete: 'CASCADE' })
  @JoinColumn([
    {
      name: 'account_id',
      referencedColumnName: 'accountId',
      foreignKeyConstraintName: 'message_search_pair',
    },
    {
      name: 'response_id',
      referencedColumnName: 'responseId',
      foreignKeyConstraintName: 'message_search_pair',
    },
  ])
  pair?: Relation<Message>;

  @Column('uuid', { name: 'root_chat_id' })
  rootChatId!: string;

  /** The owner. */
  @Column('uuid', { name: 'chat_id' })
  chatId!: string;

  @Column('int')
  seq!: number;

  /** The version of the pair whose words these are; for another one they say nothing. */
  @Column('int')
  version!: number;

  /** Whether the pair was complete: then only a redaction gives it other words. */
  @Column('boolean', { name: 'is_final' })
  isFinal!: boolean;

  @Column('text', { name: 'message_type' })
  messageType!: MessageType;

  @Column({ type: 'timestamptz', name: 'created_at', precision: 3 })
  createdAt!: Date;

  /** See `search-vector.ts`: what PostgreSQL's own dictionaries make of a text is not in it. */
  @Column('tsvector')
  words!: string;
}

/** How far the pairs of an account were looked through for such as cannot be found. */
@Entity('search_accounts')
export class SearchAccount {
  @PrimaryColumn('uuid', { name: 'account_id', primaryKeyConstraintName: 'search_accounts_pkey' })
  accountId!: string;

  /** All pairs with an id up to this one have a row in `message_search`, or had one. */
  @Column('uuid', { name: 'walked_to' })
  walkedTo!: string;

  /** Of this row: one made after a crash knows nothing of what a walk before it has seen. */
  @Column('uuid', { name: 'row_id', nullable: true })
  rowId!: string | null;
}
