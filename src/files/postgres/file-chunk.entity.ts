import { Column, Entity, PrimaryColumn } from 'typeorm';

/** A piece of the bytes of a blob, where PostgreSQL has them. */
@Entity('file_chunks')
export class FileChunk {
  @PrimaryColumn('uuid', { name: 'account_id', primaryKeyConstraintName: 'file_chunks_pkey' })
  accountId!: string;

  @PrimaryColumn('uuid', { name: 'blob_id', primaryKeyConstraintName: 'file_chunks_pkey' })
  blobId!: string;

  /** Counted from 0; each but the last one has `CHUNK_BYTES`. */
  @PrimaryColumn('int', { primaryKeyConstraintName: 'file_chunks_pkey' })
  n!: number;

  @Column('bytea')
  data!: Buffer;
}
