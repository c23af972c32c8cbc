import { Column, Entity, PrimaryColumn } from 'typeorm';
import type { Highlight } from './highlights.js';

/**
 * What was answered for the newest state of a chat that a summary was asked of. Its quotes are
 * words of people: it goes with the chat.
 */
@Entity('summary_highlights')
export class SummaryHighlights {
  @PrimaryColumn('uuid', {
    name: 'account_id',
    primaryKeyConstraintName: 'summary_highlights_pkey',
  })
  accountId!: string;

  @PrimaryColumn('uuid', { name: 'chat_id', primaryKeyConstraintName: 'summary_highlights_pkey' })
  chatId!: string;

  /** The one that clients see. */
  @Column('int')
  revision!: number;

  @Column('jsonb')
  highlights!: Highlight[];

  @Column('text', { name: 'generated_by' })
  generatedBy!: string;
}
