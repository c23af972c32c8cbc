import { Column, Entity, ForeignKey, Index, PrimaryColumn } from 'typeorm';
import { Account } from './account.entity.js';

/** A long-lived bearer token for programs, known only by its hash. Deleting the row ends it. */
@Entity('api_keys')
@Index('api_keys_hash', ['accountId', 'keyHash'], { unique: true })
@ForeignKey(() => Account, ['accountId'], ['accountId'], {
  name: 'api_keys_account',
  onDelete: 'CASCADE',
})
export class ApiKey {
  @PrimaryColumn('uuid', { name: 'account_id', primaryKeyConstraintName: 'api_keys_pkey' })
  accountId!: string;

  @PrimaryColumn('uuid', { name: 'api_key_id', primaryKeyConstraintName: 'api_keys_pkey' })
  apiKeyId!: string;

  /** SHA-256 of the whole text of the key. */
  @Column('bytea', { name: 'key_hash' })
  keyHash!: Buffer;

  @Column('text')
  name!: string;

  @Column({ type: 'timestamptz', name: 'created_at', precision: 3 })
  createdAt!: Date;

  /** Null: until it is deleted. */
  @Column({ type: 'timestamptz', name: 'expires_at', precision: 3, nullable: true })
  expiresAt!: Date | null;
}
