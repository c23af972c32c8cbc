import type { Statement } from '../../database/database.js';
import { STRETCH_CTE } from '../chat/lineage.sql.js';

/** What was counted from the first pair of a path to the one with `seq`. */
export interface Mark extends Record<string, unknown> {
  seq: number;
  words: number;
  responses: number;
  questions: number;
  open_ids: string[];
  open_versions: number[];
}

/**
 * The last mark on the path of $2, not behind $3, that still holds: none of its open pairs was
 * written anew since.
 */
export const LAST_MARK: Statement = {
  name: 'summary.last_mark',
  text: `
    WITH RECURSIVE win AS (SELECT c.*, 1 AS lo, $3::int AS hi FROM chats c WHERE c.account_id = $1 AND c.chat_id = $2),
    ${STRETCH_CTE}
    SELECT mark.* FROM stretch s CROSS JOIN LATERAL (
      SELECT k.seq, k.words::float8 AS words, k.responses, k.questions, k.open_ids, k.open_versions FROM summary_marks k
      WHERE k.account_id = $1 AND k.chat_id = s.chat_id AND k.seq BETWEEN s.lo AND s.hi AND k.questions IS NOT NULL
        AND NOT EXISTS (
          SELECT FROM unnest(k.open_ids, k.open_versions) AS open (response_id, version)
          LEFT JOIN messages m ON m.account_id = $1 AND m.response_id = open.response_id
          WHERE m.version IS DISTINCT FROM open.version)
      ORDER BY k.seq DESC LIMIT 1
    ) mark
    ORDER BY mark.seq DESC LIMIT 1`,
};

/** A mark at a pair that exists: a purge that runs beside this finds it, or the pair is gone. */
export const WRITE_MARK: Statement = {
  name: 'summary.write_mark',
  text: `
    INSERT INTO summary_marks (account_id, chat_id, seq, words, responses, open_ids, open_versions, questions)
    SELECT m.account_id, m.chat_id, m.seq, $4, $5, $6, $7, $8 FROM messages m WHERE m.account_id = $1 AND m.chat_id = $2 AND m.seq = $3
    FOR KEY SHARE
    ON CONFLICT (account_id, chat_id, seq) DO UPDATE
    SET words = excluded.words, responses = excluded.responses, open_ids = excluded.open_ids, open_versions = excluded.open_versions, questions = excluded.questions`,
};
