import { Column, Entity, PrimaryColumn } from 'typeorm';

/** What `events.type` may be. `message.delta` is not among them: deltas are told and never kept. */
export const EVENT_TYPES = [
  'chat.created',
  'chat.updated',
  'chat.deleted',
  'chat.restored',
  'branch.created',
  'branch.activated',
  'branch.deleted',
  'message.created',
  'message.completed',
  'message.failed',
  'message.redacted',
] as const;
export type EventType = (typeof EVENT_TYPES)[number];

/**
 * The outbox: one row for each change, written in the transaction that makes it. Words are not in
 * it.
 */
@Entity('events')
export class ChangeEvent {
  @PrimaryColumn('uuid', { name: 'account_id', primaryKeyConstraintName: 'events_pkey' })
  accountId!: string;

  @PrimaryColumn('uuid', { name: 'root_chat_id', primaryKeyConstraintName: 'events_pkey' })
  rootChatId!: string;

  /** Counts from 1 without gaps for each conversation (`conversations.event_seq`). */
  @PrimaryColumn('int', { primaryKeyConstraintName: 'events_pkey' })
  seq!: number;

  @Column('text')
  type!: EventType;

  /** The chat that changed. */
  @Column('uuid', { name: 'chat_id' })
  chatId!: string;

  /** The pair that it is about, for `message.*`. */
  @Column('uuid', { name: 'response_id', nullable: true })
  responseId!: string | null;

  @Column({ type: 'timestamptz', name: 'created_at', precision: 3 })
  createdAt!: Date;
}
