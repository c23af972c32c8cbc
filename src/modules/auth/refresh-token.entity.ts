import { Column, Entity, ForeignKey, Index, PrimaryColumn } from 'typeorm';
import { TokenFamily } from './token-family.entity.js';

/**
 * One refresh token, known only by its hash. Used ones stay until they expire, so that their reuse
 * is noticed.
 */
@Entity('refresh_tokens')
@Index('refresh_tokens_of_family', ['accountId', 'familyId'])
@Index('refresh_tokens_one_live', ['accountId', 'familyId'], {
  unique: true,
  where: 'used_at IS NULL',
})
@ForeignKey(() => TokenFamily, ['accountId', 'familyId'], ['accountId', 'familyId'], {
  name: 'refresh_tokens_family',
  onDelete: 'CASCADE',
})
export class RefreshToken {
  @PrimaryColumn('uuid', { name: 'account_id', primaryKeyConstraintName: 'refresh_tokens_pkey' })
  accountId!: string;

  /** SHA-256 of the whole text of the token. */
  @PrimaryColumn('bytea', { name: 'token_hash', primaryKeyConstraintName: 'refresh_tokens_pkey' })
  tokenHash!: Buffer;

  @Column('uuid', { name: 'family_id' })
  familyId!: string;

  @Column({ type: 'timestamptz', name: 'created_at', precision: 3 })
  createdAt!: Date;

  @Column({ type: 'timestamptz', name: 'expires_at', precision: 3 })
  expiresAt!: Date;

  /** When it was exchanged for its successor. */
  @Column({ type: 'timestamptz', name: 'used_at', precision: 3, nullable: true })
  usedAt!: Date | null;
}
