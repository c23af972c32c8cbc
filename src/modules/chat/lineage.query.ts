import type { Database, Statement } from '../../database/database.js';
import type { Line } from '../../tree/lineage.js';

/** A chat on the way from a chat up to its root. */
export interface Ancestor extends Line {
  parentChatId: string | null;
  deleted: boolean;
}

export const LINEAGE: Statement = {
  name: 'chat.lineage',
  text: `
    WITH RECURSIVE up AS (
      SELECT c.chat_id, c.parent_chat_id, c.fork_seq, c.last_seq, c.deleted_at, c.depth FROM chats c WHERE c.account_id = $1 AND c.chat_id = $2
      UNION ALL
      SELECT p.chat_id, p.parent_chat_id, p.fork_seq, p.last_seq, p.deleted_at, p.depth
      FROM up JOIN chats p ON p.account_id = $1 AND p.chat_id = up.parent_chat_id
    )
    SELECT chat_id AS "chatId", parent_chat_id AS "parentChatId", fork_seq AS "forkSeq", last_seq AS "lastSeq", deleted_at IS NOT NULL AS deleted
    FROM up ORDER BY depth`,
};

/**
 * The chats from the root to `chatId`, deleted ones too. Grows with the nesting: not for hot paths,
 * those follow jump pointers.
 */
export const lineageOf = (
  database: Database,
  accountId: string,
  chatId: string,
): Promise<Ancestor[]> =>
  database.query<Ancestor & Record<string, unknown>>(LINEAGE, [accountId, chatId]);
