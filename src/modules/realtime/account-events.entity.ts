import { Column, Entity, ForeignKey, Index, PrimaryColumn } from 'typeorm';
import type { AccountEventType } from '../../events/account-changes.js';
import { Account } from '../auth/account.entity.js';
import { Conversation } from '../chat/conversation.entity.js';

/** An account whose events somebody has once followed: from then on they have numbers. */
@Entity('account_feeds')
@ForeignKey(() => Account, ['accountId'], ['accountId'], {
  name: 'account_feeds_account',
  onDelete: 'CASCADE',
})
export class FollowedAccount {
  @PrimaryColumn('uuid', { name: 'account_id', primaryKeyConstraintName: 'account_feeds_pkey' })
  accountId!: string;

  /** The number of the newest event. Whoever gives numbers has this row locked. */
  @Column('int', { default: 0 })
  seq!: number;

  /** Whether it is known where the numbers of each conversation begin. */
  @Column('boolean', { default: false })
  begun!: boolean;

  /** Up to this number events have gone by their age. */
  @Column('int', { name: 'thinned_to', default: 0 })
  thinnedTo!: number;
}

/** Up to which of its events a conversation has been numbered; none: from the first one on. */
@Entity('account_positions')
@ForeignKey(() => Conversation, ['accountId', 'rootChatId'], ['accountId', 'chatId'], {
  name: 'account_positions_conversation',
  onDelete: 'CASCADE',
})
export class AccountPosition {
  @PrimaryColumn('uuid', { name: 'account_id', primaryKeyConstraintName: 'account_positions_pkey' })
  accountId!: string;

  @PrimaryColumn('uuid', {
    name: 'root_chat_id',
    primaryKeyConstraintName: 'account_positions_pkey',
  })
  rootChatId!: string;

  @Column('int', { name: 'event_seq' })
  eventSeq!: number;
}

/** One event of an account: of a conversation, a file or an import. Words are not in it. */
@Entity('account_events')
@ForeignKey(() => FollowedAccount, ['accountId'], ['accountId'], {
  name: 'account_events_feed',
  onDelete: 'CASCADE',
})
@ForeignKey(() => Conversation, ['accountId', 'rootChatId'], ['accountId', 'chatId'], {
  name: 'account_events_conversation',
  onDelete: 'CASCADE',
})
@Index('account_events_of_conversation', ['accountId', 'rootChatId'], {
  where: 'root_chat_id IS NOT NULL',
})
export class AccountEvent {
  @PrimaryColumn('uuid', { name: 'account_id', primaryKeyConstraintName: 'account_events_pkey' })
  accountId!: string;

  @PrimaryColumn('int', { primaryKeyConstraintName: 'account_events_pkey' })
  seq!: number;

  @Column('text')
  type!: AccountEventType;

  /** The conversation; null for files and imports. It goes with it. */
  @Column('uuid', { name: 'root_chat_id', nullable: true })
  rootChatId!: string | null;

  /** The chat, the file or the import that it is about. */
  @Column('uuid', { name: 'subject_id' })
  subjectId!: string;

  /** The pair, for `message.*`. */
  @Column('uuid', { name: 'response_id', nullable: true })
  responseId!: string | null;

  /** When it got its number. */
  @Column({ type: 'timestamptz', name: 'created_at', precision: 3, default: () => 'now()' })
  createdAt!: Date;
}
