import { Column, Entity, ForeignKey, Index, PrimaryColumn } from 'typeorm';
import { Account } from './account.entity.js';

/**
 * One sign-in: the refresh tokens that follow each other, and the access tokens that name it as
 * `sid`.
 */
@Entity('token_families')
@Index('token_families_age', ['accountId', 'expiresAt'])
@ForeignKey(() => Account, ['accountId'], ['accountId'], {
  name: 'token_families_account',
  onDelete: 'CASCADE',
})
export class TokenFamily {
  @PrimaryColumn('uuid', { name: 'account_id', primaryKeyConstraintName: 'token_families_pkey' })
  accountId!: string;

  @PrimaryColumn('uuid', { name: 'family_id', primaryKeyConstraintName: 'token_families_pkey' })
  familyId!: string;

  @Column({ type: 'timestamptz', name: 'created_at', precision: 3 })
  createdAt!: Date;

  /** When its newest refresh token ends; moved on by every rotation. */
  @Column({ type: 'timestamptz', name: 'expires_at', precision: 3 })
  expiresAt!: Date;

  /**
   * Set by logout, here or from the list of sign-ins, by the reuse of an old token, by a change of
   * the password elsewhere and by its reset: nothing of this family is accepted any more.
   */
  @Column({ type: 'timestamptz', name: 'revoked_at', precision: 3, nullable: true })
  revokedAt!: Date | null;

  /**
   * Stands for the address that it was opened from (`LocalKeys.tagOf`); null for those of before
   * addresses were kept.
   */
  @Column('bytea', { name: 'address_tag', nullable: true })
  addressTag!: Buffer | null;

  /** What it calls itself where it was opened, at most 256 characters of it; null where nothing. */
  @Column('text', { name: 'user_agent', nullable: true })
  userAgent!: string | null;
}
