import type { Statement } from '../../database/database.js';

/** Where a pair stands among the continuations of its place, in the order of their making. */
export interface SiblingPlace extends Record<string, unknown> {
  /** Of the pair that was asked for, from 1. */
  place: number;
  /** From 1. */
  index: number;
  total: number;
  previous_response_id: string | null;
  next_response_id: string | null;
}

/**
 * Where the pairs of a page stand: $2 the chats that own them, $3 their `seq`, $4 their ids. The
 * continuations of a place are the pair of the chat that owns the pair before it, and those of the
 * branches made there: see `pairStatement` of `chat/path.sql.ts`. `LIMIT 1` makes each a look-up
 * by key.
 */
export const STANDINGS: Statement = {
  name: 'message.standings',
  text: `
    SELECT at.place::int, count(*) FILTER (WHERE one.response_id <= at.response_id)::int AS index, count(*)::int AS total,
      (array_agg(one.response_id ORDER BY one.response_id DESC) FILTER (WHERE one.response_id < at.response_id))[1] AS previous_response_id,
      (array_agg(one.response_id ORDER BY one.response_id) FILTER (WHERE one.response_id > at.response_id))[1] AS next_response_id
    FROM unnest($2::uuid[], $3::int[], $4::uuid[]) WITH ORDINALITY AS at (chat_id, seq, response_id, place)
    CROSS JOIN LATERAL (
      SELECT CASE WHEN at.seq - 1 > fork_seq THEN chat_id ELSE coalesce(parent_chat_id, chat_id) END AS chat_id
      FROM chats WHERE account_id = $1 AND chat_id = at.chat_id LIMIT 1
    ) before
    CROSS JOIN LATERAL (
      SELECT before.chat_id
      UNION ALL
      SELECT chat_id FROM chats WHERE account_id = $1 AND parent_chat_id = before.chat_id AND fork_seq = at.seq - 1
    ) candidate
    CROSS JOIN LATERAL (SELECT deleted_at FROM chats WHERE account_id = $1 AND chat_id = candidate.chat_id LIMIT 1) c
    CROSS JOIN LATERAL (
      SELECT response_id FROM messages WHERE account_id = $1 AND chat_id = candidate.chat_id AND seq = at.seq LIMIT 1
    ) one
    WHERE c.deleted_at IS NULL OR one.response_id = at.response_id
    GROUP BY at.place, at.response_id`,
};
