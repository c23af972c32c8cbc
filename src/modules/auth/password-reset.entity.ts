import { Column, Entity, ForeignKey, PrimaryColumn } from 'typeorm';
import { Account } from './account.entity.js';

/** Lets the owner of an account set another password once. A new one ends the one before. */
@Entity('password_resets')
@ForeignKey(() => Account, ['accountId'], ['accountId'], {
  name: 'password_resets_account',
  onDelete: 'CASCADE',
})
export class PasswordReset {
  @PrimaryColumn('uuid', { name: 'account_id', primaryKeyConstraintName: 'password_resets_pkey' })
  accountId!: string;

  /** SHA-256 of the whole text of the token. */
  @Column('bytea', { name: 'token_hash' })
  tokenHash!: Buffer;

  @Column({ type: 'timestamptz', name: 'created_at', precision: 3 })
  createdAt!: Date;

  @Column({ type: 'timestamptz', name: 'expires_at', precision: 3 })
  expiresAt!: Date;
}
