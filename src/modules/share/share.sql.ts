import type { Statement } from '../../database/database.js';

/** A share as its owner sees it. */
export interface ShareRow extends Record<string, unknown> {
  share_id: string;
  chat_id: string;
  response_id: string | null;
  last_seq: number | null;
  expires_at: Date | null;
  created_at: Date;
}

const COLUMNS = 'share_id, chat_id, response_id, last_seq, expires_at, created_at';
const IS_OPEN = '(expires_at IS NULL OR expires_at > now())';

/** What has expired goes when somebody makes another one. */
export const FORGET_EXPIRED = `DELETE FROM shares WHERE account_id = $1 AND chat_id = $2 AND NOT ${IS_OPEN}`;

export const INSERT = `
  INSERT INTO shares (account_id, share_id, chat_id, token_hash, response_id, last_seq, expires_at, created_at)
  VALUES ($1, $2, $3, $4, $5, $6, $7, now()) RETURNING ${COLUMNS}`;

export const LIST: Statement = {
  name: 'share.list',
  text: `SELECT ${COLUMNS} FROM shares WHERE account_id = $1 AND chat_id = $2 AND ${IS_OPEN} ORDER BY share_id DESC`,
};

/** With the kept answers that hold its token. No row: there is no such share. */
export const REMOVE = `
  WITH removed AS (DELETE FROM shares WHERE account_id = $1 AND share_id = $2 RETURNING share_id),
  answers AS (
    DELETE FROM idempotency_keys k USING removed
    WHERE k.account_id = $1 AND k.scope LIKE 'POST %/share' AND k.answer LIKE '{"share_id":"' || removed.share_id || '"%'
  )
  SELECT share_id FROM removed`;

/** What a link shows, for whoever has it: $1 account and $2 hash are read from its token. */
export interface OpenRow extends ShareRow {
  name: string | null;
}

export const OPEN: Statement = {
  name: 'share.open',
  text: `
    SELECT s.share_id, s.chat_id, s.response_id, s.last_seq, s.expires_at, s.created_at, coalesce(c.name, v.name) AS name
    FROM shares s
    JOIN chats c ON c.account_id = s.account_id AND c.chat_id = s.chat_id AND c.deleted_at IS NULL
    JOIN conversations v ON v.account_id = c.account_id AND v.chat_id = c.root_chat_id
    WHERE s.account_id = $1 AND s.token_hash = $2 AND (s.expires_at IS NULL OR s.expires_at > now())`,
};
