import type { DataSource } from 'typeorm';
import type { BlobRef, FileStore, FileStores, StoreName } from '../../files/file-store.js';
import { type Check, columnsOf, type Finding } from '../check.js';

interface BlobKey {
  account_id: string;
  /** In hex. */
  sha256: string;
}

interface BlobRow extends BlobKey {
  blob_id: string;
  store: StoreName;
  bytes: number;
  files: boolean;
}

const WINDOW = `
  SELECT account_id, encode(sha256, 'hex') AS sha256 FROM file_blobs
  WHERE $1::uuid IS NULL OR (account_id, sha256) > ($1::uuid, decode($2, 'hex')) ORDER BY account_id, file_blobs.sha256 LIMIT 500`;

const READ = `
  SELECT b.account_id, encode(b.sha256, 'hex') AS sha256, b.blob_id, b.store, b.bytes::float8 AS bytes,
    EXISTS (SELECT FROM files f WHERE f.account_id = b.account_id AND f.sha256 = b.sha256) AS files
  FROM unnest($1::uuid[], $2::text[]) AS wanted (account_id, sha256)
  JOIN file_blobs b ON b.account_id = wanted.account_id AND b.sha256 = decode(wanted.sha256, 'hex')`;

/** I20, one way: every file has its bytes, as many as it should. */
export const fileBytesCheck = (dataSource: DataSource, stores: FileStores): Check<BlobKey> => ({
  of: 'bytes of files',
  invariants: ['I20'],
  window: (after) =>
    dataSource.query<BlobKey[]>(WINDOW, [after?.account_id ?? null, after?.sha256 ?? null]),
  async inspect(keys) {
    const rows = await dataSource.query<BlobRow[]>(READ, columnsOf(keys, ['account_id', 'sha256']));
    const findings: Finding<BlobKey>[] = [];
    for (const row of rows) {
      const what = await faultOf(row, stores);
      const { account_id, sha256, blob_id, store } = row;
      const ids = { account_id, blob_id, store };
      if (what) findings.push({ invariant: 'I20', key: { account_id, sha256 }, what, ids });
    }
    return findings;
  },
});

async function faultOf(row: BlobRow, stores: FileStores): Promise<string | null> {
  const blob = { accountId: row.account_id, blobId: row.blob_id };
  const found = await stores.of(row.store).sizeOf(blob);
  if (found === null) return 'the bytes of a file are not in their store';
  if (found !== row.bytes) return 'the bytes of a file are fewer or more than they were';
  return row.files ? null : 'bytes are kept that are no file';
}

/** Of these, those that somebody knows: as a file, or as something to be removed. */
const KNOWN = `
  SELECT wanted.blob_id FROM unnest($1::uuid[], $2::uuid[]) AS wanted (account_id, blob_id)
  WHERE EXISTS (SELECT FROM file_blobs b WHERE b.account_id = wanted.account_id AND b.blob_id = wanted.blob_id)
    OR EXISTS (SELECT FROM file_leftovers l WHERE l.account_id = wanted.account_id AND l.blob_id = wanted.blob_id)`;
const LEAVE = `
  INSERT INTO file_leftovers (account_id, blob_id, store, due_at)
  VALUES ($1, $2, $3, now() - interval '1 h') ON CONFLICT DO NOTHING`;

/** I20, the other way: nothing is in a store that nobody knows of. */
export const strayBytesCheck = (dataSource: DataSource, store: FileStore): Check<BlobRef> => ({
  of: `blobs in ${store.name}`,
  invariants: ['I20'],
  window: (after) => store.page(after, 500),
  async inspect(blobs) {
    const rows = await dataSource.query<{ blob_id: string }[]>(
      KNOWN,
      columnsOf(blobs, ['accountId', 'blobId']),
    );
    const known = new Set(rows.map(({ blob_id: id }) => id));
    return blobs
      .filter(({ blobId }) => !known.has(blobId))
      .map((blob) => ({
        invariant: 'I20' as const,
        key: blob,
        what: 'a store has bytes that nobody knows of',
        ids: { account_id: blob.accountId, blob_id: blob.blobId, store: store.name },
        mend: () =>
          dataSource.query(LEAVE, [blob.accountId, blob.blobId, store.name]).then(() => true),
      }));
  },
});
