import type { Statement } from '../../database/database.js';
import type { StoreName } from '../../files/file-store.js';

/** A file as its owner sees it. */
export interface FileRow extends Record<string, unknown> {
  file_id: string;
  name: string | null;
  purpose: string | null;
  media_type: string;
  bytes: number;
  /** In hex. */
  sha256: string;
  created_at: Date;
}

const COLUMNS = `f.file_id, f.name, f.purpose, b.media_type, b.bytes::float8 AS bytes, encode(f.sha256, 'hex') AS sha256, f.created_at`;
const OF_BLOB = `file_blobs b ON b.account_id = f.account_id AND b.sha256 = f.sha256`;

export const FIND: Statement = {
  name: 'file.find',
  text: `SELECT ${COLUMNS} FROM files f JOIN ${OF_BLOB} WHERE f.account_id = $1 AND f.file_id = $2`,
};

/** Several, in no order. */
export const FIND_MANY: Statement = {
  name: 'file.find_many',
  text: `SELECT ${COLUMNS} FROM files f JOIN ${OF_BLOB} WHERE f.account_id = $1 AND f.file_id = ANY ($2::uuid[])`,
};

const FOR_PURPOSE = `($4::text IS NULL OR coalesce(f.purpose, 'user_data') = $4)`;

/** Newest first, behind the one that $2 names; those for one purpose where $4 says so. */
export const LIST: Statement = {
  name: 'file.list',
  text: `
    SELECT ${COLUMNS} FROM files f JOIN ${OF_BLOB}
    WHERE f.account_id = $1 AND f.file_id < $2 AND ${FOR_PURPOSE} ORDER BY f.account_id DESC, f.file_id DESC LIMIT $3`,
};
export const LIST_UP: Statement = {
  name: 'file.list_up',
  text: `
    SELECT ${COLUMNS} FROM files f JOIN ${OF_BLOB}
    WHERE f.account_id = $1 AND f.file_id > $2 AND ${FOR_PURPOSE} ORDER BY f.account_id, f.file_id LIMIT $3`,
};

/** Where the bytes of a file are. */
export const FIND_BYTES: Statement = {
  name: 'file.find_bytes',
  text: `SELECT ${COLUMNS}, b.blob_id, b.store FROM files f JOIN ${OF_BLOB} WHERE f.account_id = $1 AND f.file_id = $2`,
};
export interface BytesRow extends FileRow {
  blob_id: string;
  store: StoreName;
}

/** Whether the account has these bytes already. */
export const FIND_BLOB: Statement = {
  name: 'file.find_blob',
  text: `SELECT media_type FROM file_blobs WHERE account_id = $1 AND sha256 = $2`,
};

/** Said before a store is written to, so that nothing is ever there that nobody knows of. */
export const EXPECT: Statement = {
  name: 'file.expect',
  text: `
    INSERT INTO file_leftovers (account_id, blob_id, store, due_at)
    VALUES ($1, $2, $3, now() + interval '6 h')`,
};

/** What was written for nothing is in the way at once. */
export const GIVE_UP: Statement = {
  name: 'file.give_up',
  text: `UPDATE file_leftovers SET due_at = now() WHERE account_id = $1 AND blob_id = $2`,
};

/** Makes or finds the row and locks it, in one step. */
export const LOCK_ACCOUNT = `
  INSERT INTO file_accounts AS a (account_id, bytes) VALUES ($1, 0)
  ON CONFLICT (account_id) DO UPDATE SET bytes = a.bytes
  RETURNING bytes::float8 AS bytes`;

/**
 * Makes bytes that were written the account's own, unless it has them already or was too slow: then
 * the blob may be on its way out.
 */
export const ADOPT = `
  WITH written AS (
    DELETE FROM file_leftovers WHERE account_id = $1 AND blob_id = $3 AND due_at > now()
      AND NOT EXISTS (SELECT FROM file_blobs WHERE account_id = $1 AND sha256 = $2)
    RETURNING store
  ),
  adopted AS (
    INSERT INTO file_blobs (account_id, sha256, blob_id, store, bytes, media_type)
    SELECT $1, $2, $3, store, $4::bigint, $5 FROM written RETURNING bytes
  )
  UPDATE file_accounts a SET bytes = a.bytes + adopted.bytes FROM adopted WHERE a.account_id = $1
  RETURNING a.bytes::float8 AS bytes`;

/** Nothing where the account does not have the bytes. */
export const INSERT = `
  WITH f AS (
    INSERT INTO files (account_id, file_id, sha256, name, purpose, taken, loose_since, created_at)
    SELECT $1, $2, sha256, $4, $5, $6, CASE WHEN $6::boolean THEN now() END, now() FROM file_blobs WHERE account_id = $1 AND sha256 = $3
    RETURNING *
  )
  SELECT ${COLUMNS} FROM f JOIN ${OF_BLOB}`;

/** Whoever takes bytes away locks the account's row first, and then the files. */
export const HOLD_ACCOUNT = `SELECT account_id FROM file_accounts WHERE account_id = $1 FOR UPDATE`;
export const HOLD_FILES = `
  SELECT file_id FROM files WHERE account_id = $1 AND file_id = ANY ($2::uuid[]) ORDER BY file_id FOR UPDATE`;

/** Those of $2 that no pair names are gone. In a statement of its own: it sees who came before. */
export const REMOVE = `
  DELETE FROM files f WHERE f.account_id = $1 AND f.file_id = ANY ($2::uuid[])
    AND NOT EXISTS (SELECT FROM file_references r WHERE r.account_id = $1 AND r.file_id = f.file_id)
  RETURNING f.file_id, f.sha256`;
export interface RemovedRow {
  file_id: string;
  sha256: Buffer;
}

/** Of bytes that no file is any more: they are left over, and count no longer. */
export const LEAVE = `
  WITH gone AS (
    DELETE FROM file_blobs b WHERE b.account_id = $1 AND b.sha256 = ANY ($2::bytea[])
      AND NOT EXISTS (SELECT FROM files f WHERE f.account_id = $1 AND f.sha256 = b.sha256)
    RETURNING b.blob_id, b.store, b.bytes
  ),
  leftovers AS (
    INSERT INTO file_leftovers (account_id, blob_id, store, due_at) SELECT $1, blob_id, store, now() FROM gone
  )
  UPDATE file_accounts SET bytes = bytes - (SELECT coalesce(sum(bytes), 0) FROM gone) WHERE account_id = $1`;

/** The pair $2 names the files $3; answers those that are there. None of them is loose any more. */
export const NAME = `
  WITH named AS MATERIALIZED (
    SELECT file_id FROM files WHERE account_id = $1 AND file_id = ANY ($3::uuid[]) ORDER BY file_id FOR KEY SHARE
  ),
  made AS (
    INSERT INTO file_references (account_id, response_id, file_id) SELECT $1, $2, file_id FROM named ON CONFLICT DO NOTHING
  ),
  loose AS MATERIALIZED (
    SELECT f.file_id FROM named JOIN files f ON f.account_id = $1 AND f.file_id = named.file_id
    WHERE f.loose_since IS NOT NULL ORDER BY f.file_id FOR NO KEY UPDATE OF f
  ),
  bound AS (
    UPDATE files f SET loose_since = NULL FROM loose WHERE f.account_id = $1 AND f.file_id = loose.file_id
  )
  SELECT file_id FROM named`;

/** Which files these pairs name. */
export const NAMED_BY = `SELECT DISTINCT file_id FROM file_references WHERE account_id = $1 AND response_id = ANY ($2::uuid[])`;
export const UNNAME = `DELETE FROM file_references WHERE account_id = $1 AND response_id = ANY ($2::uuid[])`;
