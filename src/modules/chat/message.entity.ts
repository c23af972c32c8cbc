import { Check, Column, Entity, Index, PrimaryColumn } from 'typeorm';

export const MESSAGE_TYPES = ['text', 'link', 'code'] as const;
export type MessageType = (typeof MESSAGE_TYPES)[number];

export const MESSAGE_STATUSES = [
  'complete',
  'pending',
  'streaming',
  'failed',
  'cancelled',
  'interrupted',
  'redacted',
] as const;
export type MessageStatus = (typeof MESSAGE_STATUSES)[number];

export const FINISH_REASONS = ['length', 'content_filter', 'tool_calls', 'error', 'other'] as const;

/** Tokens of one answer. What the provider did not say is absent. */
export interface AnswerUsage {
  input_tokens: number;
  /** Of the input, those that the provider had read before. */
  cached_tokens?: number;
  output_tokens: number;
  /** Of the output, those that nobody reads. */
  reasoning_tokens?: number;
  /** From the question to the first piece of the answer. */
  first_token_ms?: number;
  /**
   * Why it ended, where that is not that all was said: cut at a limit or by a filter, broken off by
   * the provider, or waiting for what tools give.
   */
  finish_reason?: (typeof FINISH_REASONS)[number];
}

/** Why an answer failed, for a person. */
export interface AnswerError {
  code: string;
  message: string;
}

/**
 * One QA pair without its words: those are in the content store, under the same `(chatId, seq)`.
 */
@Entity('messages')
@Index('messages_path', ['accountId', 'chatId', 'seq'], { unique: true })
@Index('messages_calls', ['accountId', 'chatId', 'seq'], { where: 'call_ids IS NOT NULL' })
@Check('messages_seq', `seq > 0`)
@Check('messages_type', `message_type IN ('text', 'link', 'code')`)
@Check(
  'messages_status',
  `status IN ('complete', 'pending', 'streaming', 'failed', 'cancelled', 'interrupted', 'redacted')`,
)
export class Message {
  @PrimaryColumn('uuid', { name: 'account_id', primaryKeyConstraintName: 'messages_pkey' })
  accountId!: string;

  @PrimaryColumn('uuid', { name: 'response_id', primaryKeyConstraintName: 'messages_pkey' })
  responseId!: string;

  @Column('uuid', { name: 'root_chat_id' })
  rootChatId!: string;

  /** The owner. */
  @Column('uuid', { name: 'chat_id' })
  chatId!: string;

  @Column('int')
  seq!: number;

  /**
   * Rises with each rewriting of the words (a retry); what the content store holds is never newer.
   */
  @Column('int', { default: 1 })
  version!: number;

  /** Length of the stored body (JSON of all that was said) in bytes of UTF-8. */
  @Column('int')
  bytes!: number;

  /** SHA-256 of the stored body. */
  @Column('bytea')
  sha256!: Buffer;

  @Column('text', { name: 'message_type', default: 'text' })
  messageType!: MessageType;

  @Column('text', { default: 'complete' })
  status!: MessageStatus;

  /** The calls of tools that its response makes; null where it makes none. */
  @Column('text', { name: 'call_ids', array: true, nullable: true })
  callIds!: string[] | null;

  @Column('text', { nullable: true })
  author!: string | null;

  @Column('text', { nullable: true })
  model!: string | null;

  @Column('jsonb', { nullable: true })
  usage!: AnswerUsage | null;

  @Column('jsonb', { nullable: true })
  error!: AnswerError | null;

  @Column({ type: 'timestamptz', name: 'created_at', precision: 3 })
  createdAt!: Date;

  /** When a model's answer came to its end; null while it is written, and of others. */
  @Column({ type: 'timestamptz', name: 'ended_at', precision: 3, nullable: true })
  endedAt!: Date | null;
}
