import type { Statement } from '../../database/database.js';
import type { Source } from '../../formats/source.js';
import type { ImportStatus } from './import.entity.js';

export interface ImportRow extends Record<string, unknown> {
  import_id: string;
  status: ImportStatus;
  name: string | null;
  bytes: number;
  source: Source | null;
  bytes_read: number;
  report: string;
  error: string | null;
  created_at: Date;
  started_at: Date | null;
  ended_at: Date | null;
}

const COLUMNS = `import_id, status, name, bytes::float8 AS bytes, source, bytes_read::float8 AS bytes_read, report, error, created_at, started_at, ended_at`;

/** An upload that says nothing for that long has been given up by its sender. */
const RECEIVING_SECONDS = 300;
/** After this a worker that says nothing counts as dead. It says something every second. */
export const LEASE_SECONDS = 20;

/** How much one account may have waiting. */
export const COUNT_OPEN: Statement = {
  name: 'transfer.count_open',
  text: `SELECT count(*)::int AS open FROM imports WHERE account_id = $1 AND ended_at IS NULL`,
};

export const BEGIN: Statement = {
  name: 'transfer.begin',
  text: `
    INSERT INTO imports (account_id, import_id, status, name, lease_until, created_at)
    VALUES ($1, $2, 'receiving', $3, now() + interval '${RECEIVING_SECONDS} s', $4)`,
};

export const ADD_CHUNK: Statement = {
  name: 'transfer.add_chunk',
  text: `
    WITH import AS (
      UPDATE imports SET bytes = bytes + octet_length($4::bytea), lease_until = now() + interval '${RECEIVING_SECONDS} s'
      WHERE account_id = $1 AND import_id = $2 AND status = 'receiving' RETURNING import_id
    )
    INSERT INTO import_chunks (account_id, import_id, n, bytes) SELECT $1, import_id, $3::int, $4 FROM import RETURNING n`,
};

/** The file is here: from now on somebody deals with it. */
export const RECEIVED = `
  UPDATE imports SET status = 'waiting', lease_until = now()
  WHERE account_id = $1 AND import_id = $2 AND status = 'receiving' RETURNING ${COLUMNS}`;

/** Of an upload that broke off nothing is left to be seen. */
export const GIVE_UP: Statement = {
  name: 'transfer.give_up',
  text: `
    UPDATE imports SET ended_at = now() WHERE account_id = $1 AND import_id = $2 AND status = 'receiving' RETURNING import_id`,
};

export const READ_CHUNKS: Statement = {
  name: 'transfer.read_chunk',
  text: `SELECT bytes FROM import_chunks WHERE account_id = $1 AND import_id = $2 AND n = $3`,
};

export const FIND: Statement = {
  name: 'transfer.find',
  text: `SELECT ${COLUMNS} FROM imports WHERE account_id = $1 AND import_id = $2 AND status <> 'receiving'`,
};

/** Several, in no order. */
export const FIND_MANY: Statement = {
  name: 'transfer.find_many',
  text: `SELECT ${COLUMNS} FROM imports WHERE account_id = $1 AND import_id = ANY ($2::uuid[]) AND status <> 'receiving'`,
};

/** Newest first, behind the one that $2 names. */
export const LIST: Statement = {
  name: 'transfer.list',
  text: `
    SELECT ${COLUMNS} FROM imports WHERE account_id = $1 AND import_id < $2 AND status <> 'receiving'
    ORDER BY account_id, import_id DESC LIMIT $3`,
};

/** One that nobody has begun with is over at once; else whoever is at work on it hears of it. */
export const CANCEL = `
    UPDATE imports SET cancel_asked = true,
      status = CASE WHEN lease_id IS NULL THEN 'cancelled' ELSE status END,
      ended_at = CASE WHEN lease_id IS NULL THEN now() END
    WHERE account_id = $1 AND import_id = $2 AND status IN ('waiting', 'running') RETURNING ${COLUMNS}`;

export interface ClaimedRow extends Record<string, unknown> {
  account_id: string;
  import_id: string;
  bytes: number;
  items_done: number;
  report: string;
  attempts: number;
  cancel_asked: boolean;
}

/**
 * Takes the import that has waited longest, for a while; those of accounts for which nobody is at
 * work go first. $1 who takes it.
 */
export const CLAIM: Statement = {
  name: 'transfer.claim',
  text: `
    WITH next AS MATERIALIZED (
      SELECT i.account_id, i.import_id FROM imports i
      WHERE i.ended_at IS NULL AND i.lease_until <= now() AND i.status IN ('waiting', 'running')
      ORDER BY EXISTS (
        SELECT FROM imports o WHERE o.account_id = i.account_id AND o.ended_at IS NULL AND o.status = 'running' AND o.lease_until > now()
      ), i.lease_until LIMIT 1 FOR UPDATE SKIP LOCKED
    )
    UPDATE imports i SET status = 'running', lease_id = $1, lease_until = now() + interval '${LEASE_SECONDS} s',
      attempts = i.attempts + 1, started_at = coalesce(i.started_at, now())
    FROM next WHERE i.account_id = next.account_id AND i.import_id = next.import_id
    RETURNING i.account_id, i.import_id, i.bytes::float8 AS bytes, i.items_done, i.report, i.attempts, i.cancel_asked`,
};

/**
 * How far it came, and that somebody is at work. Nothing when another one is, or when it is to end:
 * then nothing more of it may be written. $1 account, $2 import, $3 who.
 */
export const PROGRESS = `
  UPDATE imports SET lease_until = now() + interval '${LEASE_SECONDS} s', source = coalesce($4, source),
    bytes_read = greatest(bytes_read, $5::bigint), items_done = $6, report = $7
  WHERE account_id = $1 AND import_id = $2 AND lease_id = $3 AND ended_at IS NULL AND NOT cancel_asked RETURNING import_id`;

/** $4 how it ended, $5 JSON of the error. */
export const END = `
    UPDATE imports SET status = CASE WHEN cancel_asked THEN 'cancelled' ELSE $4 END, error = CASE WHEN cancel_asked THEN NULL ELSE $5 END,
      lease_id = NULL, ended_at = now()
    WHERE account_id = $1 AND import_id = $2 AND lease_id = $3 AND ended_at IS NULL RETURNING import_id`;

/** Gives it back, to be taken again in $4 seconds. */
export const RELEASE: Statement = {
  name: 'transfer.release',
  text: `
    UPDATE imports SET lease_id = NULL, lease_until = now() + $4::float8 * interval '1 s'
    WHERE account_id = $1 AND import_id = $2 AND lease_id = $3 AND ended_at IS NULL RETURNING import_id`,
};

/** Pieces of files that nobody needs any more; $1 of them at most, which are each 1 MiB. */
export const DROP_CHUNKS: Statement = {
  name: 'transfer.drop_chunks',
  text: `
    WITH old AS MATERIALIZED (
      SELECT c.account_id, c.import_id, c.n FROM imports i
      CROSS JOIN LATERAL (
        SELECT account_id, import_id, n FROM import_chunks WHERE account_id = i.account_id AND import_id = i.import_id LIMIT $1
      ) c
      WHERE i.account_id = $2 AND i.import_id = $3 AND i.ended_at IS NOT NULL LIMIT $1
    )
    DELETE FROM import_chunks c USING old WHERE c.account_id = old.account_id AND c.import_id = old.import_id AND c.n = old.n RETURNING 1`,
};

/** Uploads that were given up, and their pieces. */
export const DROP_GIVEN_UP: Statement = {
  name: 'transfer.drop_given_up',
  text: `
    WITH old AS MATERIALIZED (
      SELECT account_id, import_id FROM imports WHERE ended_at IS NULL AND status = 'receiving' AND lease_until < now()
      LIMIT 1 FOR UPDATE SKIP LOCKED
    )
    UPDATE imports i SET ended_at = now() FROM old
    WHERE i.account_id = old.account_id AND i.import_id = old.import_id RETURNING i.account_id, i.import_id`,
};

/** An upload that was given up, without its pieces. */
export const FORGET: Statement = {
  name: 'transfer.forget',
  text: `DELETE FROM imports WHERE account_id = $1 AND import_id = $2 AND status = 'receiving' AND ended_at IS NOT NULL RETURNING 1`,
};
