import { Column, Entity, ForeignKey, Index, PrimaryColumn } from 'typeorm';
import { Account } from '../auth/account.entity.js';

/** An account that has webhooks. Making and deleting them is done under the lock of this row. */
@Entity('webhook_accounts')
@Index('webhook_accounts_swept', ['sweptAt'])
@ForeignKey(() => Account, ['accountId'], ['accountId'], {
  name: 'webhook_accounts_account',
  onDelete: 'CASCADE',
})
export class WebhookAccount {
  @PrimaryColumn('uuid', { name: 'account_id', primaryKeyConstraintName: 'webhook_accounts_pkey' })
  accountId!: string;

  /** When all its conversations were last looked through for events that nobody told of. */
  @Column('timestamptz', { name: 'swept_at' })
  sweptAt!: Date;
}

/**
 * How far the events of a conversation have become deliveries. Absent: not at all, so from its
 * first event.
 */
@Entity('webhook_positions')
@ForeignKey(() => WebhookAccount, ['accountId'], ['accountId'], {
  name: 'webhook_positions_account',
  onDelete: 'CASCADE',
})
export class WebhookPosition {
  @PrimaryColumn('uuid', { name: 'account_id', primaryKeyConstraintName: 'webhook_positions_pkey' })
  accountId!: string;

  @PrimaryColumn('uuid', {
    name: 'root_chat_id',
    primaryKeyConstraintName: 'webhook_positions_pkey',
  })
  rootChatId!: string;

  /** `seq` of the last event that was looked at. */
  @Column('int', { name: 'event_seq' })
  eventSeq!: number;
}
