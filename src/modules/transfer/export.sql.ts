import type { Statement } from '../../database/database.js';

/** A chat of a conversation, deleted ones too: living ones may read what they have. */
export interface ExportChat extends Record<string, unknown> {
  chat_id: string;
  parent_chat_id: string | null;
  fork_seq: number;
  fork_response_id: string | null;
  depth: number;
  chat_type: string;
  name: string | null;
  active: boolean;
  last_seq: number;
  last_response_id: string | null;
  model: string | null;
  system_prompt: string | null;
  /** JSON. */
  metadata: string | null;
  pinned: boolean;
  archived: boolean;
  created_at: Date;
  updated_at: Date;
  deleted: boolean;
  /** The first pair that it owns. */
  first_response_id: string | null;
}

/** All chats of the conversation of $2, each behind its parent. No row: no such living chat. */
export const EXPORT_CHATS: Statement = {
  name: 'transfer.export_chats',
  text: `
    SELECT c.chat_id, c.parent_chat_id, c.fork_seq, c.fork_response_id, c.depth, c.chat_type, c.name, c.active, c.last_seq, c.last_response_id,
      c.model, c.system_prompt, c.metadata, v.pinned, v.archived, c.created_at, c.updated_at, c.deleted_at IS NOT NULL AS deleted,
      first.response_id AS first_response_id
    FROM (SELECT root_chat_id FROM chats WHERE account_id = $1 AND chat_id = $2 AND deleted_at IS NULL) asked
    JOIN conversations v ON v.account_id = $1 AND v.chat_id = asked.root_chat_id
    JOIN chats c ON c.account_id = $1 AND c.root_chat_id = asked.root_chat_id
    LEFT JOIN LATERAL (
      SELECT response_id FROM messages WHERE account_id = $1 AND chat_id = c.chat_id AND seq = c.fork_seq + 1 LIMIT 1
    ) first ON true
    ORDER BY c.depth, c.chat_id`,
};

/** Conversations of an account, oldest first, behind the one that $2 names; no temporary ones. */
export const EXPORT_ROOTS: Statement = {
  name: 'transfer.export_roots',
  text: `
    SELECT c.chat_id FROM conversations v JOIN chats c ON c.account_id = v.account_id AND c.chat_id = v.chat_id
    WHERE v.account_id = $1 AND v.chat_id > $2 AND NOT v.deleted AND c.chat_type <> 'temporary'
    ORDER BY v.account_id, v.chat_id LIMIT $3`,
};
