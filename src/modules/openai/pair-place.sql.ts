import type { Statement } from '../../database/database.js';

/** Where a pair is to be seen. */
export interface PairPlace extends Record<string, unknown> {
  /** Its owner; where that is deleted, a living branch that inherited it. */
  chat_id: string;
  root_chat_id: string;
  seq: number;
  parent_response_id: string | null;
  /** When its answer was there; null where there is none yet. */
  ended_at: Date | null;
}

/** $1 account, $2 pair. No row: there is no such pair, or no living chat has it on its path. */
export const PLACE: Statement = {
  name: 'openai.place',
  text: `
    WITH RECURSIVE pair AS (
      SELECT m.chat_id, m.root_chat_id, m.seq, CASE WHEN m.status <> 'streaming' THEN coalesce(m.ended_at, m.created_at) END AS ended_at,
        CASE WHEN m.seq - 1 > c.fork_seq
        THEN (SELECT b.response_id FROM messages b WHERE b.account_id = $1 AND b.chat_id = m.chat_id AND b.seq = m.seq - 1)
        ELSE c.fork_response_id END AS parent_response_id
      FROM messages m JOIN chats c ON c.account_id = m.account_id AND c.chat_id = m.chat_id
      WHERE m.account_id = $1 AND m.response_id = $2 AND m.status <> 'redacted'
    ),
    reader AS (
      SELECT c.chat_id, c.deleted_at, 0 AS level FROM pair JOIN chats c ON c.account_id = $1 AND c.chat_id = pair.chat_id
      UNION ALL
      SELECT c.chat_id, c.deleted_at, r.level + 1 FROM reader r
      JOIN chats c ON c.account_id = $1 AND c.parent_chat_id = r.chat_id AND c.fork_seq >= (SELECT seq FROM pair)
      WHERE r.deleted_at IS NOT NULL
    )
    SELECT reader.chat_id, pair.root_chat_id, pair.seq, pair.parent_response_id, pair.ended_at
    FROM pair, reader WHERE reader.deleted_at IS NULL ORDER BY level, reader.chat_id LIMIT 1`,
};
