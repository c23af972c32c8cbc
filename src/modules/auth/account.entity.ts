import { Column, Entity, Index, PrimaryColumn } from 'typeorm';

/** Who owns things. Made by registering, or at the first sight of a token of the outside issuer. */
@Entity('accounts')
@Index('accounts_email', ['email'], { unique: true })
export class Account {
  @PrimaryColumn('uuid', { name: 'account_id', primaryKeyConstraintName: 'accounts_pkey' })
  accountId!: string;

  /** Trimmed and in lower case; null for accounts of the outside issuer. */
  @Column('text', { nullable: true })
  email!: string | null;

  @Column('text', { nullable: true })
  name!: string | null;

  /** PHC string (`$argon2id$…`); null where nobody can sign in with a password. */
  @Column('text', { name: 'password_hash', nullable: true })
  passwordHash!: string | null;

  @Column({ type: 'timestamptz', name: 'created_at', precision: 3 })
  createdAt!: Date;
}
