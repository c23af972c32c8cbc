import { BRANCHES_SHOWN } from '../../content/content-store.js';

/** Where a pair is; both walks over pairs go in this order. */
export interface PairKey {
  account_id: string;
  chat_id: string;
  seq: number;
}

export const PAIRS_WINDOW = `
  SELECT account_id, chat_id, seq FROM messages
  WHERE $1::uuid IS NULL OR (account_id, chat_id, seq) > ($1::uuid, $2::uuid, $3::int) ORDER BY account_id, chat_id, seq LIMIT 1000`;

const WANTED = `
  unnest($1::uuid[], $2::uuid[], $3::int[]) AS wanted (account_id, chat_id, seq)
  JOIN messages m ON m.account_id = wanted.account_id AND m.chat_id = wanted.chat_id AND m.seq = wanted.seq
  LEFT JOIN chats c ON c.account_id = m.account_id AND c.chat_id = m.chat_id`;

/**
 * Whether the body of `w` is what PostgreSQL knows by length and hash; compared there, so that no
 * words travel.
 */
const SAME_WORDS = `(octet_length(w.body) = m.bytes AND sha256(convert_to(w.body, 'UTF8')) = m.sha256)`;

/** A pair with the state of its words in PostgreSQL. */
export interface PlainPair extends PairKey {
  response_id: string;
  has_chat: boolean;
  version: number;
  stored_version: number | null;
  same_words: boolean | null;
}

export const PLAIN_PAIRS = `
  SELECT m.account_id, m.chat_id, m.seq, m.response_id, m.version, c.chat_id IS NOT NULL AS has_chat,
    w.version AS stored_version, ${SAME_WORDS} AS same_words
  FROM ${WANTED}
  LEFT JOIN chat_contents w ON w.account_id = m.account_id AND w.chat_id = m.chat_id AND w.seq = m.seq`;

/** A pair with what MongoDB should have of it, and the state of its row in the journal. */
export interface MirroredPair extends PairKey {
  response_id: string;
  root_chat_id: string;
  /** Null where the chat is missing; then the bucket cannot be known. */
  fork_seq: number | null;
  version: number;
  bytes: number;
  sha256: Buffer;
  message_type: string;
  created_at: Date;
  /** An answer is being written for it. */
  streaming: boolean;
  /** The journal has work for this pair, so MongoDB may lag behind. */
  pending: boolean;
  /** The journal has the right words. */
  journaled: boolean;
  /** The journal believes that MongoDB has the words. */
  sent: boolean;
  branches: string[];
  branches_total: number;
}

export const MIRRORED_PAIRS = `
  SELECT m.account_id, m.chat_id, m.seq, m.response_id, m.root_chat_id, c.fork_seq, m.version, m.bytes, m.sha256, m.message_type, m.created_at,
    m.status = 'streaming' AS streaming, w.account_id IS NOT NULL AS pending, coalesce(w.version = m.version AND ${SAME_WORDS}, false) AS journaled,
    w.stored_at IS NOT NULL AS sent, coalesce(forks.shown, '{}') AS branches, forks.total AS branches_total
  FROM ${WANTED}
  LEFT JOIN content_journal w ON w.account_id = m.account_id AND w.chat_id = m.chat_id AND w.seq = m.seq
  CROSS JOIN LATERAL (
    SELECT (array_agg(f.chat_id ORDER BY f.chat_id))[1:${BRANCHES_SHOWN}] AS shown, count(*)::int AS total
    FROM chats f
    WHERE f.account_id = m.account_id AND f.parent_chat_id = m.chat_id AND f.fork_seq = m.seq
      AND f.fork_response_id = m.response_id AND f.deleted_at IS NULL
  ) forks`;

/** Sends the words of the journal once more, if they are still there. */
export const SEND_AGAIN = `
  UPDATE content_journal SET stored_at = NULL, verified_at = NULL, attempts = 0, round = round + 1, due_at = now()
  WHERE account_id = $1 AND chat_id = $2 AND seq = $3 AND version = $4 AND body IS NOT NULL
  RETURNING seq`;
