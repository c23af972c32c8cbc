import type { ContentStore } from '../../content/content-store.js';
import type { Statement } from '../../database/database.js';
import { HEIRS } from '../chat/lineage.sql.js';
import type { MessageStatus } from '../chat/message.entity.js';
import type { WordsRow } from '../chat/path.service.js';

/** A pair that somebody sees. */
export interface AccountPairRow extends WordsRow, Record<string, unknown> {
  /** Its owner or, if that is deleted, a branch that inherited it. */
  seen_in: string;
  status: MessageStatus;
  author: string | null;
  model: string | null;
  created_at: Date;
}

/**
 * The pairs of an account from $2 on, in the order of their ids, which is that of their making:
 * $3 at most.
 */
export const accountPairs = (table: ContentStore['table']): Statement => ({
  name: `first_message.pairs_of_account.${table}`,
  text: `
    SELECT s.response_id, s.root_chat_id, s.chat_id, own.fork_seq, s.seq, s.version, s.status, s.author, s.model, s.created_at, s.sha256,
      seen.chat_id AS seen_in, CASE WHEN w.version = s.version THEN w.body END AS body
    FROM messages s
    CROSS JOIN LATERAL (SELECT fork_seq, deleted_at FROM chats WHERE account_id = $1 AND chat_id = s.chat_id LIMIT 1) own
    CROSS JOIN LATERAL (
      SELECT s.chat_id WHERE own.deleted_at IS NULL
      UNION ALL
      (SELECT below.chat_id FROM (${HEIRS} SELECT chat_id FROM heirs WHERE deleted_at IS NULL LIMIT 1) below WHERE own.deleted_at IS NOT NULL)
    ) seen
    LEFT JOIN LATERAL (
      SELECT version, body FROM ${table} WHERE account_id = $1 AND chat_id = s.chat_id AND seq = s.seq LIMIT 1
    ) w ON true
    WHERE s.account_id = $1 AND s.response_id >= $2 AND s.status <> 'redacted'
    ORDER BY s.response_id LIMIT $3`,
});
