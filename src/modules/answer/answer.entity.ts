import {
  Check,
  Column,
  Entity,
  Index,
  JoinColumn,
  ManyToOne,
  PrimaryColumn,
  type Relation,
} from 'typeorm';

/**
 * One answer of a model, from the question to its end. It ends exactly once, whoever ends it (its
 * instance, or another one after the lease): the step to `ended` is what fences off an instance
 * that was paused and wakes up too late.
 */
@Entity('generations')
@Index('generations_one_running', ['accountId', 'chatId'], {
  unique: true,
  where: `status <> 'ended'`,
})
@Index('generations_of_pair', ['accountId', 'responseId'])
@Index('generations_ended', ['endedAt'], { where: 'ended_at IS NOT NULL' })
@Check('generations_status', `status IN ('running', 'stopping', 'ended')`)
export class Generation {
  @PrimaryColumn('uuid', { name: 'account_id', primaryKeyConstraintName: 'generations_pkey' })
  accountId!: string;

  @PrimaryColumn('uuid', { name: 'generation_id', primaryKeyConstraintName: 'generations_pkey' })
  generationId!: string;

  @Column('uuid', { name: 'root_chat_id' })
  rootChatId!: string;

  /**
   * The chat that owns the pair; while this runs, the chat's `generation_id` names it and nothing
   * is appended there.
   */
  @Column('uuid', { name: 'chat_id' })
  chatId!: string;

  @Column('uuid', { name: 'response_id' })
  responseId!: string;

  /** `stopping`: somebody asked for its end, and its instance has not seen it yet. */
  @Column('text', { default: 'running' })
  status!: 'running' | 'stopping' | 'ended';

  /** The process that writes it. */
  @Column('uuid', { name: 'instance_id' })
  instanceId!: string;

  /** After this its instance counts as dead, and any other may end it. */
  @Column({ type: 'timestamptz', name: 'lease_until' })
  leaseUntil!: Date;

  /** The model that was asked for by name; null for the default. */
  @Column('text', { nullable: true })
  model!: string | null;

  /** The `Idempotency-Key` whose answer is the pair as it is at the end. */
  @Column('text', { nullable: true })
  scope!: string | null;

  @Column('text', { nullable: true })
  key!: string | null;

  @Column({ type: 'timestamptz', name: 'started_at', precision: 3 })
  startedAt!: Date;

  @Column({ type: 'timestamptz', name: 'ended_at', precision: 3, nullable: true })
  endedAt!: Date | null;
}

/**
 * Some pieces of an answer, in one row: what other instances read, and what is left when its
 * instance dies.
 */
@Entity('generation_chunks')
export class GenerationChunk {
  @PrimaryColumn('uuid', { name: 'account_id', primaryKeyConstraintName: 'generation_chunks_pkey' })
  accountId!: string;

  @PrimaryColumn('uuid', {
    name: 'generation_id',
    primaryKeyConstraintName: 'generation_chunks_pkey',
  })
  generationId!: string;

  /** Number of its first piece; pieces count from 1. */
  @PrimaryColumn('int', { primaryKeyConstraintName: 'generation_chunks_pkey' })
  n!: number;

  /** Lengths of the pieces in UTF-16 code units. */
  @Column('int', { array: true })
  sizes!: number[];

  @Column('text')
  text!: string;

  /** JSON of the pieces that are no text, in order; each is a 0 among the `sizes`. */
  @Column('text', { nullable: true })
  parts!: string | null;

  @ManyToOne(() => Generation, { onDelete: 'CASCADE' })
  @JoinColumn([
    {
      name: 'account_id',
      referencedColumnName: 'accountId',
      foreignKeyConstraintName: 'generation_chunks_generation',
    },
    {
      name: 'generation_id',
      referencedColumnName: 'generationId',
      foreignKeyConstraintName: 'generation_chunks_generation',
    },
  ])
  generation?: Relation<Generation>;
}

/** What the answers of an account took on one day (UTC). */
@Entity('usage_days')
export class UsageDay {
  @PrimaryColumn('uuid', { name: 'account_id', primaryKeyConstraintName: 'usage_days_pkey' })
  accountId!: string;

  @PrimaryColumn('date', { primaryKeyConstraintName: 'usage_days_pkey' })
  day!: string;

  @Column('int')
  answers!: number;

  @Column('bigint', { name: 'input_tokens' })
  inputTokens!: string;

  @Column('bigint', { name: 'output_tokens' })
  outputTokens!: string;
}

/**
 * How many tokens the words of one pair have, both sides together. A table of its own: a count is
 * written behind the pair, and rows of
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
