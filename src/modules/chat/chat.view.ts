import type { Statement } from '../../database/database.js';
import type { ChatType } from './chat.entity.js';

/** A living chat with what it shares with its conversation. `revision` is the one that clients see. */
export interface ChatView {
  account_id: string;
  chat_id: string;
  root_chat_id: string;
  parent_chat_id: string | null;
  fork_response_id: string | null;
  fork_seq: number;
  depth: number;
  chat_type: ChatType;
  name: string | null;
  active: boolean;
  last_seq: number;
  last_response_id: string | null;
  /** The answer that is being written at its end. */
  generation_id: string | null;
  pinned: boolean;
  archived: boolean;
  model: string | null;
  system_prompt: string | null;
  revision: number;
  created_at: Date;
  updated_at: Date;
}

export const CHAT_VIEW = `
  SELECT c.account_id, c.chat_id, c.root_chat_id, c.parent_chat_id, c.fork_response_id, c.fork_seq, c.depth, c.chat_type, c.name, c.active,
    c.last_seq, c.last_response_id, c.generation_id, c.model, c.system_prompt, c.revision + v.revision AS revision, c.created_at, c.updated_at, v.pinned, v.archived
  FROM chats c JOIN conversations v ON v.account_id = c.account_id AND v.chat_id = c.root_chat_id`;

export const FIND_CHAT: Statement = {
  name: 'chat.find',
  text: `${CHAT_VIEW} WHERE c.account_id = $1 AND c.chat_id = $2 AND c.deleted_at IS NULL`,
};

export const FIND_ACTIVE: Statement = {
  name: 'chat.active',
  text: `
    SELECT a.chat_id FROM chats c
    JOIN chats a ON a.account_id = c.account_id AND a.root_chat_id = c.root_chat_id AND a.active AND a.deleted_at IS NULL
    WHERE c.account_id = $1 AND c.chat_id = $2 AND c.deleted_at IS NULL`,
};
