import { Column, Entity, Index, PrimaryColumn } from 'typeorm';

/**
 * What MongoDB still has to be given, or still has to prove that it kept. A row lives from the
 * commit that made the pair (or changed the
 * `branches` of one) until two read-backs, one retention apart, found the right words
 * (SERVER-139311).
 */
@Entity('content_journal')
@Index('content_journal_due', ['dueAt'])
@Index('content_journal_unsent', ['createdAt'], { where: 'stored_at IS NULL' })
export class JournalEntry {
  @PrimaryColumn('uuid', { name: 'account_id', primaryKeyConstraintName: 'content_journal_pkey' })
  accountId!: string;

  @PrimaryColumn('uuid', { name: 'chat_id', primaryKeyConstraintName: 'content_journal_pkey' })
  chatId!: string;

  @PrimaryColumn('int', { primaryKeyConstraintName: 'content_journal_pkey' })
  seq!: number;

  /**
   * The version of the words that `body` holds, or that MongoDB is known to hold when `body` is
   * null.
   */
  @Column('int')
  version!: number;

  /** JSON of all that was said; null when only `branches` has to be mirrored. */
  @Column('text', { nullable: true })
  body!: string | null;

  /**
   * Rises whenever the row gets new work, so that a relay that finished older work does not delete
   * it.
   */
  @Column('int', { default: 0 })
  round!: number;

  @Column('int', { default: 0 })
  attempts!: number;

  /** When a relay may take the row next; a relay that takes it moves this on by its lease. */
  @Column({ type: 'timestamptz', name: 'due_at' })
  dueAt!: Date;

  /** When MongoDB acknowledged the write; null = unsent. */
  @Column({ type: 'timestamptz', name: 'stored_at', nullable: true })
  storedAt!: Date | null;

  /** When the first read-back found the right words. */
  @Column({ type: 'timestamptz', name: 'verified_at', nullable: true })
  verifiedAt!: Date | null;

  /** When the row got its newest work; the age of what is unsent is counted from here. */
  @Column({ type: 'timestamptz', name: 'created_at' })
  createdAt!: Date;
}
