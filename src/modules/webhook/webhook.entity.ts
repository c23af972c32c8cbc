import { Check, Column, Entity, ForeignKey, PrimaryColumn } from 'typeorm';
import { WebhookAccount } from './webhook-account.entity.js';
import type { WebhookEvent } from './webhook-events.js';

/** `gone`: the receiver answered 410. `failing`: nothing reached it for five days. */
export type DisabledReason = 'gone' | 'failing';

/** An address of the outside that is told of events. */
@Entity('webhooks')
@ForeignKey(() => WebhookAccount, ['accountId'], ['accountId'], {
  name: 'webhooks_account',
  onDelete: 'CASCADE',
})
@Check('webhooks_disabled', `disabled_reason IN ('gone', 'failing')`)
export class Webhook {
  @PrimaryColumn('uuid', { name: 'account_id', primaryKeyConstraintName: 'webhooks_pkey' })
  accountId!: string;

  @PrimaryColumn('uuid', { name: 'webhook_id', primaryKeyConstraintName: 'webhooks_pkey' })
  webhookId!: string;

  @Column('text')
  url!: string;

  @Column('text', { array: true })
  events!: WebhookEvent[];

  @Column('text', { nullable: true })
  description!: string | null;

  @Column('boolean', { default: true })
  enabled!: boolean;

  /** Why the server disabled it; null when it is enabled, and when its owner did. */
  @Column('text', { name: 'disabled_reason', nullable: true })
  disabledReason!: DisabledReason | null;

  /** `whsec_…`: it signs, so it cannot be kept as a hash. Answered once and never logged. */
  @Column('text')
  secret!: string;

  /** The secret before the last rotation; signs too until `oldSecretUntil`. */
  @Column('text', { name: 'old_secret', nullable: true })
  oldSecret!: string | null;

  @Column({ type: 'timestamptz', name: 'old_secret_until', precision: 3, nullable: true })
  oldSecretUntil!: Date | null;

  /** The first failed attempt since the last good one. */
  @Column({ type: 'timestamptz', name: 'failing_since', precision: 3, nullable: true })
  failingSince!: Date | null;

  @Column({ type: 'timestamptz', name: 'created_at', precision: 3 })
  createdAt!: Date;

  @Column({ type: 'timestamptz', name: 'updated_at', precision: 3 })
  updatedAt!: Date;
}
