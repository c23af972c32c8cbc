import { FIRST_UUID } from '../../common/ids.js';
import type { Database, Statement } from '../../database/database.js';
import {
  type BlobRef,
  type ByteRange,
  BytesMissingError,
  FileStore,
  inPieces,
} from '../file-store.js';

const CHUNK_BYTES = 256 * 1024;
/**
 * What is read at once, a part of a row. Its text is then short enough for the young generation of
 * V8's heap: of longer ones dozens of MiB wait for the old one to be collected.
 */
const READ_BYTES = 64 * 1024;

const PUT: Statement = {
  name: 'file_store.put',
  text: `
    INSERT INTO file_chunks (account_id, blob_id, n, data) VALUES ($1, $2, $3, $4)
    ON CONFLICT (account_id, blob_id, n) DO UPDATE SET data = excluded.data`,
};

const FIND: Statement = {
  name: 'file_store.find',
  // node-postgres takes bytes as text alone; in hex they are twice as many.
  text: `
    SELECT encode(substring(data FROM $4 FOR $5), 'base64') AS data FROM file_chunks
    WHERE account_id = $1 AND blob_id = $2 AND n = $3`,
};

const REMOVE: Statement = {
  name: 'file_store.remove',
  text: `DELETE FROM file_chunks WHERE account_id = $1 AND blob_id = $2`,
};

const SIZE: Statement = {
  name: 'file_store.size',
  text: `SELECT sum(octet_length(data))::float8 AS bytes FROM file_chunks WHERE account_id = $1 AND blob_id = $2`,
};

/** Every blob has a first piece, even an empty one. */
const PAGE: Statement = {
  name: 'file_store.page',
  text: `
    SELECT account_id AS "accountId", blob_id AS "blobId" FROM file_chunks
    WHERE n = 0 AND (account_id, blob_id) > ($1, $2) ORDER BY account_id, blob_id LIMIT $3`,
};

interface ChunkRow extends Record<string, unknown> {
  data: string;
}

/** Bytes in rows of PostgreSQL: for servers that have no other place for them. */
export class PostgresFileStore extends FileStore {
  override readonly name = 'postgres';

  constructor(private readonly database: Database) {
    super();
  }

  override async write(blob: BlobRef, bytes: AsyncIterable<Buffer>): Promise<void> {
    let n = 0;
    for await (const piece of inPieces(bytes, CHUNK_BYTES)) await this.put(blob, n++, piece);
    if (n === 0) await this.put(blob, n, Buffer.alloc(0));
  }

  override async *read(
    { accountId, blobId }: BlobRef,
    { from, to }: ByteRange,
  ): AsyncIterable<Buffer> {
    for (let at = from; at < to;) {
      const [n, begin] = [Math.floor(at / CHUNK_BYTES), at % CHUNK_BYTES];
      const bytes = Math.min(READ_BYTES, CHUNK_BYTES - begin, to - at);
      const values = [accountId, blobId, n, begin + 1, bytes];
      const [row] = await this.database.query<ChunkRow>(FIND, values);
      const piece = Buffer.from(row?.data ?? '', 'base64');
      if (piece.length < bytes) throw new BytesMissingError('a piece of a file is gone');
      yield piece;
      at += piece.length;
    }
  }

  override async remove({ accountId, blobId }: BlobRef): Promise<void> {
    await this.database.query(REMOVE, [accountId, blobId]);
  }

  override async sizeOf({ accountId, blobId }: BlobRef): Promise<number | null> {
    const [row] = await this.database.query<{ bytes: number | null }>(SIZE, [accountId, blobId]);
    return row!.bytes;
  }

  override page(after: BlobRef | null, limit: number): Promise<BlobRef[]> {
    const { accountId, blobId } = after ?? { accountId: FIRST_UUID, blobId: FIRST_UUID };
    return this.database.query<BlobRef & Record<string, unknown>>(PAGE, [accountId, blobId, limit]);
  }

  private async put({ accountId, blobId }: BlobRef, n: number, data: Buffer): Promise<void> {
    await this.database.query(PUT, [accountId, blobId, n, data]);
  }
}
