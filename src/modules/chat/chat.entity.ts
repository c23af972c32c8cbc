import { Check, Column, Entity, Index, PrimaryColumn } from 'typeorm';

export const CHAT_TYPES = ['standard', 'temporary'] as const;
export type ChatType = (typeof CHAT_TYPES)[number];

/**
 * One line of conversation: a root, or a branch of another chat. It owns the pairs with `seq >
 * forkSeq`; the others belong to ancestors.
 */
@Entity('chats')
@Index('chats_tree', ['accountId', 'rootChatId', 'deletedAt', 'depth', 'chatId'])
@Index('chats_children', ['accountId', 'parentChatId', 'forkSeq'])
@Index('chats_one_active', ['accountId', 'rootChatId'], {
  unique: true,
  where: 'active AND deleted_at IS NULL',
})
@Index('chats_temporary', ['accountId', 'chatId'], {
  where: `chat_type = 'temporary' AND parent_chat_id IS NULL`,
})
@Index('chats_deleted', ['deletedAt'], { where: 'deleted_at IS NOT NULL' })
@Index('chats_metadata', { synchronize: false })
@Check(
  'chats_lineage',
  `(parent_chat_id IS NULL) = (depth = 0) AND fork_seq >= 0 AND last_seq >= fork_seq`,
)
@Check('chats_type', `chat_type IN ('standard', 'temporary')`)
export class Chat {
  @PrimaryColumn('uuid', { name: 'account_id', primaryKeyConstraintName: 'chats_pkey' })
  accountId!: string;

  @PrimaryColumn('uuid', { name: 'chat_id', primaryKeyConstraintName: 'chats_pkey' })
  chatId!: string;

  /** The root of the tree; its own id for a root. */
  @Column('uuid', { name: 'root_chat_id' })
  rootChatId!: string;

  /**
   * The chat that owns the pair forked from (not always the one a person stood in:
   * `createdFromChatId`). Null for a root.
   */
  @Column('uuid', { name: 'parent_chat_id', nullable: true })
  parentChatId!: string | null;

  @Column('uuid', { name: 'created_from_chat_id', nullable: true })
  createdFromChatId!: string | null;

  /** `seq` of the last inherited pair; 0 where nothing is inherited. */
  @Column('int', { name: 'fork_seq', default: 0 })
  forkSeq!: number;

  /** The pair with `forkSeq`; null for a root and for a branch before the first pair. */
  @Column('uuid', { name: 'fork_response_id', nullable: true })
  forkResponseId!: string | null;

  /** How many forks lie between this chat and the root. */
  @Column('int', { default: 0 })
  depth!: number;

  /** Skew-binary jump pointer (Myers 1983); the chat itself for a root. See `tree/lineage.ts`. */
  @Column('uuid', { name: 'jump_chat_id' })
  jumpChatId!: string;

  @Column('text', { name: 'chat_type', default: 'standard' })
  chatType!: ChatType;

  @Column('text', { nullable: true })
  name!: string | null;

  /**
   * The pair by whose words the chat is called: its name goes when that is redacted. Null where a
   * person named it.
   */
  @Column('uuid', { name: 'named_by', nullable: true })
  namedBy!: string | null;

  /** Whether a person is in this chat now: true for exactly one living chat of a conversation. */
  @Column('boolean', { default: false })
  active!: boolean;

  /**
   * Position of the newest pair on the path of this chat, inherited ones included; 0 while it is
   * empty.
   */
  @Column('int', { name: 'last_seq', default: 0 })
  lastSeq!: number;

  /**
   * The pair with `lastSeq`; null while the path is empty. What `parent_response_id` is compared
   * with.
   */
  @Column('uuid', { name: 'last_response_id', nullable: true })
  lastResponseId!: string | null;

  /**
   * Counts the changes of this chat alone; what clients see is this plus `conversations.revision`.
   */
  @Column('int', { default: 1 })
  revision!: number;

  /**
   * The answer that is being written at the end of this chat; until it ends, nothing is appended.
   */
  @Column('uuid', { name: 'generation_id', nullable: true })
  generationId!: string | null;

  @Column('text', { nullable: true })
  model!: string | null;

  @Column('text', { name: 'system_prompt', nullable: true })
  systemPrompt!: string | null;

  /** An object of its client, as JSON: as text, so that it comes back to the last digit. */
  @Column('text', { nullable: true })
  metadata!: string | null;

  /** What it is found by, see `common/metadata.ts`. */
  @Column('text', { name: 'metadata_terms', array: true, nullable: true })
  metadataTerms!: string[] | null;

  @Column({ type: 'timestamptz', name: 'created_at', precision: 3 })
  createdAt!: Date;

  @Column({ type: 'timestamptz', name: 'updated_at', precision: 3 })
  updatedAt!: Date;

  /**
   * When it was deleted; chats that were deleted together have the same instant, by which they are
   * restored together.
   */
  @Column({ type: 'timestamptz', name: 'deleted_at', nullable: true })
  deletedAt!: Date | null;
}
