import { Column, Entity, ForeignKey, Index, PrimaryColumn } from 'typeorm';
import type { StoreName } from '../../files/file-store.js';

/**
 * What the files of an account take. Whoever adds bytes or takes some away locks this row first:
 * so a quota holds, and of two that come with the same bytes one is the first.
 */
@Entity('file_accounts')
export class FileAccount {
  @PrimaryColumn('uuid', { name: 'account_id', primaryKeyConstraintName: 'file_accounts_pkey' })
  accountId!: string;

  @Column('bigint')
  bytes!: string;
}

/** Bytes that an account keeps, once, however many of its files they are. */
@Entity('file_blobs')
@Index('file_blobs_blob', ['accountId', 'blobId'], { unique: true })
export class FileBlob {
  @PrimaryColumn('uuid', { name: 'account_id', primaryKeyConstraintName: 'file_blobs_pkey' })
  accountId!: string;

  @PrimaryColumn('bytea', { primaryKeyConstraintName: 'file_blobs_pkey' })
  sha256!: Buffer;

  /** Their name in the store. */
  @Column('uuid', { name: 'blob_id' })
  blobId!: string;

  @Column('text')
  store!: StoreName;

  @Column('bigint')
  bytes!: string;

  /** What they are, by themselves. */
  @Column('text', { name: 'media_type' })
  mediaType!: string;
}

/** A file as its owner knows it. */
@Entity('files')
@Index('files_of_blob', ['accountId', 'sha256'])
@Index('files_loose', ['looseSince'], { where: 'loose_since IS NOT NULL' })
@ForeignKey(() => FileBlob, ['accountId', 'sha256'], ['accountId', 'sha256'], {
  name: 'files_blob',
})
export class FileRecord {
  @PrimaryColumn('uuid', { name: 'account_id', primaryKeyConstraintName: 'files_pkey' })
  accountId!: string;

  @PrimaryColumn('uuid', { name: 'file_id', primaryKeyConstraintName: 'files_pkey' })
  fileId!: string;

  @Column('bytea')
  sha256!: Buffer;

  @Column('text', { nullable: true })
  name!: string | null;

  /** What a client of OpenAI's API said that it is for. */
  @Column('text', { nullable: true })
  purpose!: string | null;

  /** Taken out of a request or an answer, and not put here by its owner: it goes with its pairs. */
  @Column('boolean', { default: false })
  taken!: boolean;

  /** Since when a taken file waits for a pair that names it; null once there is one. */
  @Column({ type: 'timestamptz', name: 'loose_since', precision: 3, nullable: true })
  looseSince!: Date | null;

  @Column({ type: 'timestamptz', name: 'created_at', precision: 3 })
  createdAt!: Date;
}

/** A pair names a file in one of its parts. */
@Entity('file_references')
@Index('file_references_of_file', ['accountId', 'fileId'])
@ForeignKey(() => FileRecord, ['accountId', 'fileId'], ['accountId', 'fileId'], {
  name: 'file_references_file',
})
export class FileReference {
  @PrimaryColumn('uuid', { name: 'account_id', primaryKeyConstraintName: 'file_references_pkey' })
  accountId!: string;

  @PrimaryColumn('uuid', { name: 'response_id', primaryKeyConstraintName: 'file_references_pkey' })
  responseId!: string;

  @PrimaryColumn('uuid', { name: 'file_id', primaryKeyConstraintName: 'file_references_pkey' })
  fileId!: string;
}

/**
 * Bytes that are in a store, or may be, and are no file: of uploads that are on their way or were
 * cut off, and of files that were deleted.
 */
@Entity('file_leftovers')
@Index('file_leftovers_due', ['dueAt'])
export class FileLeftover {
  @PrimaryColumn('uuid', { name: 'account_id', primaryKeyConstraintName: 'file_leftovers_pkey' })
  accountId!: string;

  @PrimaryColumn('uuid', { name: 'blob_id', primaryKeyConstraintName: 'file_leftovers_pkey' })
  blobId!: string;

  @Column('text')
  store!: StoreName;

  /** Not before then: an upload on its way has its time. */
  @Column({ type: 'timestamptz', name: 'due_at', precision: 3 })
  dueAt!: Date;
}
