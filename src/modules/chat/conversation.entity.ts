import { Column, Entity, ForeignKey, Index, PrimaryColumn } from 'typeorm';
import { Chat } from './chat.entity.js';

/** The whole tree of a root chat: one entry in a person's list. */
@Entity('conversations')
@ForeignKey(() => Chat, ['accountId', 'chatId'], ['accountId', 'chatId'], {
  name: 'conversations_root',
  deferrable: 'INITIALLY DEFERRED',
})
@Index('conversations_started', ['accountId', 'startedBy', 'chatId'], {
  where: 'started_by IS NOT NULL',
})
// Of `coalesce(listed_as, chat_id)`, which TypeORM cannot say.
@Index('conversations_listed', { synchronize: false })
export class Conversation {
  @PrimaryColumn('uuid', { name: 'account_id', primaryKeyConstraintName: 'conversations_pkey' })
  accountId!: string;

  /** The root chat. */
  @PrimaryColumn('uuid', { name: 'chat_id', primaryKeyConstraintName: 'conversations_pkey' })
  chatId!: string;

  @Column('text', { nullable: true })
  name!: string | null;

  @Column('boolean', { default: false })
  deleted!: boolean;

  @Column('boolean', { default: false })
  pinned!: boolean;

  @Column('boolean', { default: false })
  archived!: boolean;

  /** Number of the newest event; changes with everything that happens in the tree. */
  @Column('int', { name: 'event_seq', default: 0 })
  eventSeq!: number;

  /**
   * Counts the changes that every chat of the tree shows: a fork, a deletion, a switch of the
   * active branch, pinned, archived.
   */
  @Column('int', { default: 0 })
  revision!: number;

  /**
   * Living chats of the tree, when `chatsRevision` is `revision`; otherwise, and when null, they
   * have to be counted. See `events/changes.ts`.
   */
  @Column('int', { name: 'chats_total', nullable: true })
  chatsTotal!: number | null;

  @Column('int', { name: 'chats_revision', nullable: true })
  chatsRevision!: number | null;

  /** The pair of another conversation that started this one; also when that is gone. */
  @Column('uuid', { name: 'started_by', nullable: true })
  startedBy!: string | null;

  /**
   * Where it stands among the others of its account, if its client chose the id: that of the others
   * says when they were made.
   */
  @Column('uuid', { name: 'listed_as', nullable: true })
  listedAs!: string | null;

  /** Of a chosen id: the hash of what the chat was made of, to know the same request again. */
  @Column('bytea', { name: 'made_of', nullable: true })
  madeOf!: Buffer | null;

  @Column({ type: 'timestamptz', name: 'last_message_at', precision: 3, nullable: true })
  lastMessageAt!: Date | null;
}
