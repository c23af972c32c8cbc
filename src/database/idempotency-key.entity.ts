import { Column, Entity, Index, PrimaryColumn } from 'typeorm';

/**
 * The answer that a POST with an `Idempotency-Key` got, kept for a day and written in the
 * transaction of its effect.
 */
@Entity('idempotency_keys')
@Index('idempotency_keys_age', ['createdAt'])
export class IdempotencyKey {
  @PrimaryColumn('uuid', { name: 'account_id', primaryKeyConstraintName: 'idempotency_keys_pkey' })
  accountId!: string;

  /**
   * Method and route template (`POST /api/v1/chats/:chat_id/messages`): a key is free again on
   * another route.
   */
  @PrimaryColumn('text', { primaryKeyConstraintName: 'idempotency_keys_pkey' })
  scope!: string;

  @PrimaryColumn('text', { primaryKeyConstraintName: 'idempotency_keys_pkey' })
  key!: string;

  /** SHA-256 of the parameters and the body; another one under the same key is refused. */
  @Column('bytea')
  fingerprint!: Buffer;

  @Column('int')
  status!: number;

  /**
   * The body of the answer, byte for byte; or, where `Idempotency.remember` was asked, JSON from
   * which its caller makes the answer again.
   */
  @Column('text')
  answer!: string;

  @Column({ type: 'timestamptz', name: 'created_at', precision: 3 })
  createdAt!: Date;
}
