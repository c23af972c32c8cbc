import { Check, Column, Entity, ForeignKey, Index, PrimaryColumn } from 'typeorm';
import { Message } from '../chat/message.entity.js';

export const MERGE_MODES = ['summary', 'pairs'] as const;
export type MergeMode = (typeof MERGE_MODES)[number];

/**
 * A pair that brought back what was said on another branch: so the same is not brought twice, and
 * what is redacted there is redacted here too. It goes with the pair.
 */
@Entity('merges')
@ForeignKey(() => Message, ['accountId', 'responseId'], ['accountId', 'responseId'], {
  name: 'merges_pair',
  onDelete: 'CASCADE',
})
@Index('merges_once', ['accountId', 'chatId', 'mode', 'sources'], { unique: true })
@Index('merges_of_tree', ['accountId', 'rootChatId'])
@Check('merges_mode', `mode IN ('summary', 'pairs')`)
export class Merge {
  @PrimaryColumn('uuid', { name: 'account_id', primaryKeyConstraintName: 'merges_pkey' })
  accountId!: string;

  /** The new pair. */
  @PrimaryColumn('uuid', { name: 'response_id', primaryKeyConstraintName: 'merges_pkey' })
  responseId!: string;

  @Column('uuid', { name: 'root_chat_id' })
  rootChatId!: string;

  /** The chat that owns it. */
  @Column('uuid', { name: 'chat_id' })
  chatId!: string;

  @Column('text')
  mode!: MergeMode;

  /** The pairs that it came from, in the order of their path. */
  @Column('uuid', { array: true })
  sources!: string[];

  /** Whether its words are those of the pairs, or a model's; false for a person's own text. */
  @Column('boolean', { name: 'is_copy' })
  isCopy!: boolean;
}
