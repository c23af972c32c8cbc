import { Column, Entity, PrimaryColumn } from 'typeorm';

/**
 * The words of a pair where there is no MongoDB; written by the same statement that makes the pair.
 */
@Entity('chat_contents')
export class ChatContent {
  @PrimaryColumn('uuid', { name: 'account_id', primaryKeyConstraintName: 'chat_contents_pkey' })
  accountId!: string;

  @PrimaryColumn('uuid', { name: 'chat_id', primaryKeyConstraintName: 'chat_contents_pkey' })
  chatId!: string;

  @PrimaryColumn('int', { primaryKeyConstraintName: 'chat_contents_pkey' })
  seq!: number;

  @Column('int')
  version!: number;

  /** JSON of all that was said (`body.ts`), kept and served verbatim. */
  @Column('text')
  body!: string;
}
