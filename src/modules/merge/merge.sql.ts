import type { Statement } from '../../database/database.js';

/** A pair that was merged before, and where it stands. */
export interface MergedRow extends Record<string, unknown> {
  response_id: string;
  chat_id: string;
  seq: number;
  sources: string[];
}

/** $1 account, $2 root, $3 mode, $4 pairs of which any was merged. */
export const MERGED: Statement = {
  name: 'merge.merged',
  text: `
    SELECT g.response_id, g.chat_id, m.seq, g.sources
    FROM merges g JOIN messages m ON m.account_id = g.account_id AND m.response_id = g.response_id
    WHERE g.account_id = $1 AND g.root_chat_id = $2 AND g.mode = $3 AND g.sources && $4::uuid[]
    ORDER BY m.seq, g.response_id`,
};

/**
 * What was merged now, in columns: $4 new pairs, $6 their sources as text of arrays. One that comes
 * from what was redacted meanwhile is left out.
 */
export const NOTE = `
  INSERT INTO merges (account_id, root_chat_id, chat_id, response_id, mode, sources, is_copy)
  SELECT $1, $2, $3, made.response_id, $5, made.sources::uuid[], $7
  FROM unnest($4::uuid[], $6::text[]) AS made (response_id, sources)
  WHERE NOT EXISTS (
    SELECT FROM messages s WHERE s.account_id = $1 AND s.response_id = ANY (made.sources::uuid[]) AND s.status = 'redacted')
  RETURNING response_id`;
