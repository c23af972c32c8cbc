import { Column, Entity, ForeignKey, Index, PrimaryColumn } from 'typeorm';
import { Chat } from '../chat/chat.entity.js';

/** A link by which anybody who has it reads one branch, up to a pair or as it grows. */
@Entity('shares')
@ForeignKey(() => Chat, ['accountId', 'chatId'], ['accountId', 'chatId'], {
  name: 'shares_chat',
  onDelete: 'CASCADE',
})
@Index('shares_token', ['accountId', 'tokenHash'], { unique: true })
@Index('shares_of_chat', ['accountId', 'chatId'])
export class Share {
  @PrimaryColumn('uuid', { name: 'account_id', primaryKeyConstraintName: 'shares_pkey' })
  accountId!: string;

  @PrimaryColumn('uuid', { name: 'share_id', primaryKeyConstraintName: 'shares_pkey' })
  shareId!: string;

  @Column('uuid', { name: 'chat_id' })
  chatId!: string;

  /** SHA-256 of the token in the link, which nobody keeps. */
  @Column('bytea', { name: 'token_hash' })
  tokenHash!: Buffer;

  /** The last pair that is shown; null where the link follows the branch. */
  @Column('uuid', { name: 'response_id', nullable: true })
  responseId!: string | null;

  /** Its place on the path, which never changes. */
  @Column('int', { name: 'last_seq', nullable: true })
  lastSeq!: number | null;

  @Column({ type: 'timestamptz', name: 'expires_at', precision: 3, nullable: true })
  expiresAt!: Date | null;

  @Column({ type: 'timestamptz', name: 'created_at', precision: 3 })
  createdAt!: Date;
}
