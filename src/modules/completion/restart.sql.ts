import { LEASE_SECONDS } from '../message/append.sql.js';

/** What stands in the way of a new answer in the place of an old one. */
export interface PlaceState {
  root_chat_id: string;
  fork_seq: number;
  is_busy: boolean;
  parent_response_id: string | null;
  chat_model: string | null;
  system_prompt: string | null;
}

/** $1 account, $2 chat, $3 the `seq` of the pair. */
export const LOCK_PLACE = `
  SELECT root_chat_id, fork_seq, generation_id IS NOT NULL AS is_busy, model AS chat_model, system_prompt, CASE WHEN $3::int - 1 > fork_seq
    THEN (SELECT b.response_id FROM messages b WHERE b.account_id = $1 AND b.chat_id = c.chat_id AND b.seq = $3::int - 1)
    ELSE fork_response_id END AS parent_response_id
  FROM chats c WHERE account_id = $1 AND chat_id = $2 AND deleted_at IS NULL FOR UPDATE`;

/**
 * Whether a living chat inherited the pair at `seq` $3: also below a deleted one. A statement of its own, because it must see what was
 * committed before the chat's row was locked; afterwards no first branch can be made there.
 */
export const IS_INHERITED = `
  WITH RECURSIVE heirs AS (
    SELECT c.chat_id, c.deleted_at FROM chats c WHERE c.account_id = $1 AND c.parent_chat_id = $2 AND c.fork_seq >= $3::int
    UNION ALL
    SELECT c.chat_id, c.deleted_at FROM heirs h JOIN chats c ON c.account_id = $1 AND c.parent_chat_id = h.chat_id
  )
  SELECT EXISTS (SELECT FROM heirs WHERE deleted_at IS NULL) AS is_inherited`;

/** $1 account, $2 chat, $3 pair, $4 generation, $5 instance, $6 model, $7 scope, $8 key, $9 now, $10 the version that was seen. */
export const RESTART = `
  WITH pair AS (
    UPDATE messages SET status = 'streaming', usage = NULL, error = NULL
    WHERE account_id = $1 AND response_id = $3 AND version = $10::int AND status IN ('failed', 'interrupted', 'cancelled')
    RETURNING account_id, root_chat_id, chat_id, response_id
  ),
  chat AS (
    UPDATE chats c SET generation_id = $4, revision = c.revision + 1, updated_at = $9::timestamptz
    FROM pair WHERE c.account_id = $1 AND c.chat_id = $2
  ),
  conversation AS (
    UPDATE conversations v SET event_seq = v.event_seq + 1 FROM pair WHERE v.account_id = $1 AND v.chat_id = pair.root_chat_id
    RETURNING v.event_seq
  ),
  event AS (
    INSERT INTO events (account_id, root_chat_id, seq, type, chat_id, response_id, created_at)
    SELECT pair.account_id, pair.root_chat_id, event_seq, 'message.created', pair.chat_id, pair.response_id, $9::timestamptz FROM pair, conversation
  ),
  generation AS (
    INSERT INTO generations (account_id, generation_id, root_chat_id, chat_id, response_id, instance_id, lease_until, model, scope, key, started_at)
    SELECT account_id, $4::uuid, root_chat_id, chat_id, response_id, $5::uuid, now() + interval '${LEASE_SECONDS} s', $6::text, $7::text, $8::text,
      $9::timestamptz FROM pair
  )
  SELECT response_id FROM pair`;
