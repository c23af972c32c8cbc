import { Check, Column, Entity, ForeignKey, Index, PrimaryColumn } from 'typeorm';
import type { Source } from '../../formats/source.js';
import { Account } from '../auth/account.entity.js';

/** `receiving`: its file is still being sent. Of the last three nothing more comes. */
export const IMPORT_STATUSES = [
  'receiving',
  'waiting',
  'running',
  'done',
  'failed',
  'cancelled',
] as const;
export type ImportStatus = (typeof IMPORT_STATUSES)[number];

/** A file of conversations that is brought in, or was. */
@Entity('imports')
@ForeignKey(() => Account, ['accountId'], ['accountId'], {
  name: 'imports_account',
  onDelete: 'CASCADE',
})
@Index('imports_open', ['leaseUntil'], { where: 'ended_at IS NULL' })
@Check(
  'imports_status',
  `status IN ('receiving', 'waiting', 'running', 'done', 'failed', 'cancelled')`,
)
export class Import {
  @PrimaryColumn('uuid', { name: 'account_id', primaryKeyConstraintName: 'imports_pkey' })
  accountId!: string;

  @PrimaryColumn('uuid', { name: 'import_id', primaryKeyConstraintName: 'imports_pkey' })
  importId!: string;

  @Column('text')
  status!: ImportStatus;

  /** Of the file, as its sender called it. */
  @Column('text', { nullable: true })
  name!: string | null;

  /** Of the file. */
  @Column('bigint', { default: 0 })
  bytes!: string;

  @Column('text', { nullable: true })
  source!: Source | null;

  /** Of its conversations, as they are when unpacked. */
  @Column('bigint', { name: 'bytes_read', default: 0 })
  bytesRead!: string;

  /** So many of its conversations are dealt with: who goes on with it begins behind them. */
  @Column('int', { name: 'items_done', default: 0 })
  itemsDone!: number;

  /** JSON of an `ImportReport`; written in the transaction that brings a conversation in. */
  @Column('text', { default: '{}' })
  report!: string;

  /** JSON of `{code, message}`, where it failed. */
  @Column('text', { nullable: true })
  error!: string | null;

  /** How often somebody began with it. */
  @Column('int', { default: 0 })
  attempts!: number;

  @Column('boolean', { name: 'cancel_asked', default: false })
  cancelAsked!: boolean;

  /** Who is at work on it. */
  @Column('uuid', { name: 'lease_id', nullable: true })
  leaseId!: string | null;

  /** Until then nobody else takes it. */
  @Column({ type: 'timestamptz', name: 'lease_until' })
  leaseUntil!: Date;

  @Column({ type: 'timestamptz', name: 'created_at', precision: 3 })
  createdAt!: Date;

  @Column({ type: 'timestamptz', name: 'started_at', precision: 3, nullable: true })
  startedAt!: Date | null;

  @Column({ type: 'timestamptz', name: 'ended_at', precision: 3, nullable: true })
  endedAt!: Date | null;
}

/** A piece of the file of an import, until the import has ended. */
@Entity('import_chunks')
@ForeignKey(() => Import, ['accountId', 'importId'], ['accountId', 'importId'], {
  name: 'import_chunks_import',
  onDelete: 'CASCADE',
})
export class ImportChunk {
  @PrimaryColumn('uuid', { name: 'account_id', primaryKeyConstraintName: 'import_chunks_pkey' })
  accountId!: string;

  @PrimaryColumn('uuid', { name: 'import_id', primaryKeyConstraintName: 'import_chunks_pkey' })
  importId!: string;

  /** From 0. All but the last have `CHUNK_BYTES`. */
  @PrimaryColumn('int', { primaryKeyConstraintName: 'import_chunks_pkey' })
  n!: number;

  @Column('bytea')
  bytes!: Buffer;
}

/** A conversation that came from elsewhere: so that it comes once. */
@Entity('import_sources')
@ForeignKey(() => Account, ['accountId'], ['accountId'], {
  name: 'import_sources_account',
  onDelete: 'CASCADE',
})
@Index('import_sources_root', ['accountId', 'rootChatId'])
export class ImportSource {
  @PrimaryColumn('uuid', { name: 'account_id', primaryKeyConstraintName: 'import_sources_pkey' })
  accountId!: string;

  @PrimaryColumn('text', { primaryKeyConstraintName: 'import_sources_pkey' })
  source!: Source;

  /** Of its id at its source. */
  @PrimaryColumn('bytea', { name: 'source_key', primaryKeyConstraintName: 'import_sources_pkey' })
  sourceKey!: Buffer;

  @Column('uuid', { name: 'root_chat_id' })
  rootChatId!: string;

  /** SHA-256 of its JSON, as it last came. */
  @Column('bytea')
  digest!: Buffer;

  /** The pair at which its person was there, as it last came. */
  @Column('uuid', { name: 'head_response_id', nullable: true })
  headResponseId!: string | null;
}

/** A pair that came from elsewhere. */
@Entity('import_pairs')
@ForeignKey(
  () => ImportSource,
  ['accountId', 'source', 'sourceKey'],
  ['accountId', 'source', 'sourceKey'],
  { name: 'import_pairs_source', onDelete: 'CASCADE' },
)
export class ImportPair {
  @PrimaryColumn('uuid', { name: 'account_id', primaryKeyConstraintName: 'import_pairs_pkey' })
  accountId!: string;

  @PrimaryColumn('text', { primaryKeyConstraintName: 'import_pairs_pkey' })
  source!: Source;

  @PrimaryColumn('bytea', { name: 'source_key', primaryKeyConstraintName: 'import_pairs_pkey' })
  sourceKey!: Buffer;

  /** Of the id of its last message at its source. */
  @PrimaryColumn('bytea', { name: 'pair_key', primaryKeyConstraintName: 'import_pairs_pkey' })
  pairKey!: Buffer;

  @Column('uuid', { name: 'response_id' })
  responseId!: string;
}
