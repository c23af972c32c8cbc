import { Column, Entity, PrimaryColumn } from 'typeorm';

/**
 * What was counted on a path from its first pair to one that a chat owns, that one included. It
 * holds for every branch that sees the pair: all that is before a pair is the same for everybody.
 */
@Entity('summary_marks')
export class SummaryMark {
  @PrimaryColumn('uuid', { name: 'account_id', primaryKeyConstraintName: 'summary_marks_pkey' })
  accountId!: string;

  /** The owner of the pair. */
  @PrimaryColumn('uuid', { name: 'chat_id', primaryKeyConstraintName: 'summary_marks_pkey' })
  chatId!: string;

  @PrimaryColumn('int', { primaryKeyConstraintName: 'summary_marks_pkey' })
  seq!: number;

  @Column('bigint')
  words!: string;

  @Column('int')
  responses!: number;

  /**
   * Pairs up to here whose answers may still change (all but complete ones). The mark holds while
   * their versions are those of `openVersions`.
   */
  @Column('uuid', { name: 'open_ids', array: true })
  openIds!: string[];

  @Column('int', { name: 'open_versions', array: true })
  openVersions!: number[];

  /** Null where a version wrote it that took every pair for a question: it is not used. */
  @Column('int', { nullable: true })
  questions!: number | null;
}
