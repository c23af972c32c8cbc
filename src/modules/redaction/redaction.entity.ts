import { Column, Entity, Index, PrimaryColumn } from 'typeorm';

/**
 * A pair that was redacted lately. All of it is done in one transaction; whoever had read the words
 * before may put down a copy later (an answer for a key, a highlight), so the places are looked
 * through again for an hour (`maintenance/redactions.job.ts`).
 */
@Entity('redactions')
@Index('redactions_age', ['redactedAt'])
export class Redaction {
  @PrimaryColumn('uuid', { name: 'account_id', primaryKeyConstraintName: 'redactions_pkey' })
  accountId!: string;

  @PrimaryColumn('uuid', { name: 'response_id', primaryKeyConstraintName: 'redactions_pkey' })
  responseId!: string;

  @Column('timestamptz', { name: 'redacted_at' })
  redactedAt!: Date;
}
