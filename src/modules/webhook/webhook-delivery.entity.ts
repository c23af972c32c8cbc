import { Check, Column, Entity, ForeignKey, Index, PrimaryColumn } from 'typeorm';
import { Webhook } from './webhook.entity.js';
import type { DeliveryType } from './webhook-events.js';

export const DELIVERY_STATUSES = ['pending', 'delivered', 'failed'] as const;
export type DeliveryStatus = (typeof DELIVERY_STATUSES)[number];

/** One event on its way to one webhook. */
@Entity('webhook_deliveries')
@ForeignKey(() => Webhook, ['accountId', 'webhookId'], ['accountId', 'webhookId'], {
  name: 'webhook_deliveries_webhook',
  onDelete: 'CASCADE',
})
@Index('webhook_deliveries_once', ['accountId', 'rootChatId', 'eventSeq', 'webhookId'], {
  unique: true,
})
@Index('webhook_deliveries_due', ['accountId', 'webhookId', 'dueAt'], {
  where: 'settled_at IS NULL',
})
@Index('webhook_deliveries_waiting', ['dueAt'], { where: 'settled_at IS NULL AND NOT ready' })
@Index('webhook_deliveries_ready', ['accountId', 'webhookId', 'dueAt'], {
  where: 'settled_at IS NULL AND ready',
})
@Index('webhook_deliveries_settled_at', ['settledAt'], { where: 'settled_at IS NOT NULL' })
@Check('webhook_deliveries_status', `status IN ('pending', 'delivered', 'failed')`)
@Check('webhook_deliveries_settled', `(status = 'pending') = (settled_at IS NULL)`)
export class WebhookDelivery {
  @PrimaryColumn('uuid', {
    name: 'account_id',
    primaryKeyConstraintName: 'webhook_deliveries_pkey',
  })
  accountId!: string;

  @PrimaryColumn('uuid', {
    name: 'webhook_id',
    primaryKeyConstraintName: 'webhook_deliveries_pkey',
  })
  webhookId!: string;

  /** The receiver knows it as `webhook-id`: the same at every attempt. */
  @PrimaryColumn('uuid', {
    name: 'delivery_id',
    primaryKeyConstraintName: 'webhook_deliveries_pkey',
  })
  deliveryId!: string;

  /** The event, by its conversation and number; both null for a test. */
  @Column('uuid', { name: 'root_chat_id', nullable: true })
  rootChatId!: string | null;

  @Column('int', { name: 'event_seq', nullable: true })
  eventSeq!: number | null;

  @Column('text')
  type!: DeliveryType;

  /** The body, byte for byte as it is signed and sent. Ids and numbers, no words. */
  @Column('text')
  payload!: string;

  @Column('text', { default: 'pending' })
  status!: DeliveryStatus;

  /** Attempts that have ended. */
  @Column('int', { default: 0 })
  attempts!: number;

  /** The HTTP status that the last attempt was answered with; null when there was no answer. */
  @Column('int', { name: 'last_status', nullable: true })
  lastStatus!: number | null;

  /** Why the last attempt had no answer. */
  @Column('text', { name: 'last_error', nullable: true })
  lastError!: string | null;

  /**
   * When the next attempt may begin. While one is under way: when it counts as lost with its
   * instance.
   */
  @Column('timestamptz', { name: 'due_at' })
  dueAt!: Date;

  /** Whether it was seen that it may go; only what is ready is claimed. */
  @Column('boolean', { default: false })
  ready!: boolean;

  @Column({ type: 'timestamptz', name: 'created_at', precision: 3 })
  createdAt!: Date;

  /** When it was delivered or given up. */
  @Column({ type: 'timestamptz', name: 'settled_at', precision: 3, nullable: true })
  settledAt!: Date | null;
}
