import { Column, Entity, PrimaryColumn } from 'typeorm';

/** Lets somebody register once. The account that is made by it has the id that it was made with. */
@Entity('invitations')
export class Invitation {
  /** Of the account that is still to be made. */
  @PrimaryColumn('uuid', { name: 'account_id', primaryKeyConstraintName: 'invitations_pkey' })
  accountId!: string;

  /** SHA-256 of the whole text of the token. */
  @Column('bytea', { name: 'token_hash' })
  tokenHash!: Buffer;

  @Column({ type: 'timestamptz', name: 'created_at', precision: 3 })
  createdAt!: Date;

  @Column({ type: 'timestamptz', name: 'expires_at', precision: 3 })
  expiresAt!: Date;
}
