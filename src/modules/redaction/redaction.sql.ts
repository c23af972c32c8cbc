import type { ContentStore } from '../../content/content-store.js';
import { PAIR_LIST, WORDS_NAMES } from '../../content/pair.columns.js';
import { replaceWords } from '../../content/words.sql.js';
import { STRETCH_CTE } from '../chat/lineage.sql.js';
import type { BarePair } from '../chat/pair.js';

/** The pair that is to be redacted, as it is now, and where it stands; its owner may be deleted. */
export interface TargetRow extends BarePair {
  rootChatId: string;
  forkSeq: number;
}

/**
 * $1 account, $2 chat, $3 pair, $4 whether the chat may be deleted. No row: the pair is not on the
 * path of that chat.
 */
export const TARGET = `
  WITH RECURSIVE win AS (
    SELECT c.*, m.seq AS lo, m.seq AS hi FROM chats c
    JOIN messages m ON m.account_id = $1 AND m.response_id = $3 AND m.root_chat_id = c.root_chat_id AND m.seq <= c.last_seq
    WHERE c.account_id = $1 AND c.chat_id = $2 AND (c.deleted_at IS NULL OR $4::boolean)
  ),
  ${STRETCH_CTE}
  SELECT m.root_chat_id AS "rootChatId", s.fork_seq AS "forkSeq", ${PAIR_LIST}
  FROM stretch s JOIN messages m ON m.account_id = $1 AND m.response_id = $3 AND m.chat_id = s.chat_id AND m.seq BETWEEN s.lo AND s.hi`;

export interface CopyRow {
  chat_id: string;
  response_id: string;
}

/**
 * What was brought from the pair to other branches of its conversation, but for a person's own
 * words about it.
 */
export const COPIES = `
  SELECT g.chat_id, g.response_id FROM messages m
  JOIN merges g ON g.account_id = m.account_id AND g.root_chat_id = m.root_chat_id AND m.response_id = ANY (g.sources) AND g.is_copy
  JOIN messages copy ON copy.account_id = g.account_id AND copy.response_id = g.response_id AND copy.status <> 'redacted'
  WHERE m.account_id = $1 AND m.response_id = $2 ORDER BY g.response_id`;

/** The owner's row, behind the root's: no answer begins or ends there meanwhile. */
export const HOLD_OWNER = `SELECT FROM chats WHERE account_id = $1 AND chat_id = $2 FOR UPDATE`;

/** $3 length and $4 hash of the body. The relay of MongoDB compares version and hash. */
export const BLANK_PAIR = `
  UPDATE messages SET status = 'redacted', version = version + 1, ${WORDS_NAMES.map((name) => `${name} = NULL`).join(', ')}, call_ids = NULL, bytes = $3, sha256 = $4
  WHERE account_id = $1 AND response_id = $2`;

/** $1 account, $2 chat, $3 `seq`, $4 the version, $5 the body. */
export const blankWords = (table: ContentStore['table']): string =>
  replaceWords(table, '$1::uuid, $2::uuid, $3::int, $4::int, $5::text', '');

/** Answers of keys that are the pair's own JSON are so again, as it is now ($3). */
export const SETTLE_ANSWERS = `
  UPDATE idempotency_keys SET answer = $3
  WHERE account_id = $1 AND answer LIKE '{"response_id":"' || $2::text || '"%' AND created_at >= $4::timestamptz - interval '1 day'`;

export const NOTE_REDACTION = `
  INSERT INTO redactions (account_id, response_id, redacted_at) VALUES ($1, $2, now()) ON CONFLICT DO NOTHING`;
