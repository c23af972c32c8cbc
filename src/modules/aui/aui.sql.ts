import type { Statement } from '../../database/database.js';

/** A pair of a conversation, and the one before it on its path. */
export interface TreePair extends Record<string, unknown> {
  response_id: string;
  chat_id: string;
  fork_seq: number;
  seq: number;
  version: number;
  sha256: Buffer;
  status: string;
  created_at: Date;
  depth: number;
  /** Null: it is the first; or that belongs to a chat that is deleted. */
  parent: {
    response_id: string;
    chat_id: string;
    fork_seq: number;
    seq: number;
    version: number;
    /** In hex. */
    sha256: string;
  } | null;
}

/** The largest `integer` of PostgreSQL. */
export const INT_MAX = 2_147_483_647;

/**
 * Chats with pairs that are looked at for one page of 200 pairs: one of them may be read already.
 */
const CHATS_MAX = 201;

/**
 * Pairs of all living branches of a conversation, the last ones first: those of a chat together,
 * and a chat before all it may hang under. $1 account, $2 root, $3 and $4 the depth and id of the
 * chat to go on in, $5 before which pair of it, $6 how many.
 */
export const TREE_PAIRS: Statement = {
  name: 'aui.tree',
  text: `
    SELECT m.response_id, c.chat_id, c.fork_seq, m.seq, m.version, m.sha256, m.status, m.created_at, c.depth, to_jsonb(p) AS parent
    FROM (
      SELECT * FROM chats
      WHERE account_id = $1 AND root_chat_id = $2 AND deleted_at IS NULL AND last_seq > fork_seq AND (depth, chat_id) <= ($3::int, $4::uuid)
      ORDER BY depth DESC, chat_id DESC LIMIT ${CHATS_MAX}
    ) c
    CROSS JOIN LATERAL (
      SELECT * FROM messages
      WHERE account_id = $1 AND chat_id = c.chat_id AND seq < CASE WHEN c.chat_id = $4 THEN $5::int ELSE ${INT_MAX} END
      ORDER BY seq DESC LIMIT $6
    ) m
    LEFT JOIN LATERAL (
      SELECT b.response_id, b.chat_id, o.fork_seq, b.seq, b.version, encode(b.sha256, 'hex') AS sha256
      FROM chats o JOIN messages b ON b.account_id = $1 AND b.chat_id = o.chat_id AND b.seq = m.seq - 1
      WHERE o.account_id = $1 AND o.chat_id = CASE WHEN m.seq - 1 > c.fork_seq THEN c.chat_id ELSE c.parent_chat_id END AND o.deleted_at IS NULL
      LIMIT 1
    ) p ON true
    ORDER BY c.depth DESC, c.chat_id DESC, m.seq DESC LIMIT $6`,
};

/** The place of a pair in that order. $1 account, $2 root, $3 the pair. */
export const TREE_PLACE: Statement = {
  name: 'aui.place',
  text: `
    SELECT c.depth, c.chat_id, m.seq FROM messages m JOIN chats c ON c.account_id = m.account_id AND c.chat_id = m.chat_id
    WHERE m.account_id = $1 AND m.root_chat_id = $2 AND m.response_id = $3`,
};

/**
 * Whether something follows a pair: in its chat, or in a branch of it that has words of its own. $1
 * account, $2 its chat, $3 its place.
 */
export const IS_FOLLOWED: Statement = {
  name: 'aui.followed',
  text: `
    SELECT EXISTS (SELECT 1 FROM messages WHERE account_id = $1 AND chat_id = $2 AND seq = $3::int + 1)
      OR EXISTS (
        SELECT 1 FROM chats
        WHERE account_id = $1 AND parent_chat_id = $2 AND fork_seq = $3 AND deleted_at IS NULL AND last_seq > fork_seq
      ) AS is_followed`,
};

/** Which of the pairs $3 are of chats that are not deleted. $1 account, $2 their root. */
export const LIVING_PAIRS: Statement = {
  name: 'aui.living',
  text: `
    SELECT m.response_id FROM messages m JOIN chats c ON c.account_id = m.account_id AND c.chat_id = m.chat_id
    WHERE m.account_id = $1 AND m.root_chat_id = $2 AND m.response_id = ANY ($3::uuid[]) AND c.deleted_at IS NULL`,
};
