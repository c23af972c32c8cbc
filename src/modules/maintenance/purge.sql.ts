import { COUNTS, MAY_BE_ANSWERED, PLACES } from '../../content/places.js';
import type { Statement } from '../../database/database.js';
import type { Mortal } from '../../tree/purge.js';
import { expiredSql } from '../chat/expiry.sql.js';

/** A conversation in which something may be purged. */
export interface Tree {
  account_id: string;
  root_chat_id: string;
}

/** A chat of it that is deleted for good, in the order of their deletion. */
export interface Tomb extends Tree {
  chat_id: string;
  deleted_at: string;
}

/** Where the walk over tombs begins. */
export const FIRST_TOMB: Pick<Tomb, 'deleted_at' | 'account_id' | 'chat_id'> = {
  deleted_at: '-infinity',
  account_id: '00000000-0000-0000-0000-000000000000',
  chat_id: '00000000-0000-0000-0000-000000000000',
};

/** All deleted chats that are expired, oldest first, behind the one that $3, $4 and $5 name. */
export const NEXT_TOMBS: Statement = {
  name: 'maintenance.next_tombs',
  text: `
    SELECT c.account_id, c.root_chat_id, c.chat_id, c.deleted_at::text FROM chats c
    WHERE c.deleted_at IS NOT NULL AND ${expiredSql('$1', '$2')}
      AND (c.deleted_at, c.account_id, c.chat_id) > ($3::timestamptz, $4::uuid, $5::uuid)
    ORDER BY c.deleted_at, c.account_id, c.chat_id LIMIT $6`,
};

/** The whole tree, each chat after its parent. */
export const READ_TREE: Statement = {
  name: 'maintenance.read_tree',
  text: `
    SELECT c.chat_id AS "chatId", c.parent_chat_id AS "parentChatId", c.fork_seq AS "forkSeq", c.last_seq AS "lastSeq",
      coalesce(${expiredSql('$3', '$4')}, false) AS expired,
      extract(epoch FROM clock_timestamp() - c.deleted_at)::float8 * 1000 AS "deadMs",
      EXISTS (SELECT FROM generations g WHERE g.account_id = c.account_id AND g.chat_id = c.chat_id AND g.status <> 'ended') AS "isBusy"
    FROM chats c WHERE c.account_id = $1 AND c.root_chat_id = $2 ORDER BY c.depth, c.chat_id`,
};
export interface PurgeRow extends Mortal, Record<string, unknown> {
  /** How long ago it was deleted; null while it lives. */
  deadMs: number | null;
  /** An answer is still being written there. */
  isBusy: boolean;
}

/**
 * What is unsent must not be sent any more; a relay that holds such a row already is waited for.
 */
export const DROP_JOURNAL: Statement = {
  name: 'maintenance.drop_journal',
  text: `
    WITH doomed AS MATERIALIZED (
      SELECT account_id, chat_id, seq FROM content_journal WHERE account_id = $1 AND chat_id = $2 AND seq > $3 ORDER BY seq FOR UPDATE
    )
    DELETE FROM content_journal j USING doomed WHERE j.account_id = doomed.account_id AND j.chat_id = doomed.chat_id AND j.seq = doomed.seq`,
};

/** What goes with the pairs, wherever it is. */
const CUT_PLACES = [...COUNTS, ...PLACES]
  .map(({ table, cut }) => `${table}_cut AS (${cut}),`)
  .join('\n  ');

/**
 * Takes the newest $4 pairs of a chat at most, and none with `seq <= $3`; the chat's head moves
 * down with them, so that at every moment its pairs end where it says. Answers of keys that made
 * these pairs hold their words and go too, and so does what was counted and quoted of them. Files
 * that were taken out of them are left to `FilesJob`, which looks whether others name them.
 */
export const CUT_PAIRS = `
  WITH chat AS (
    SELECT account_id, chat_id, fork_seq, fork_response_id, greatest($3::int, last_seq - $4::int) AS top
    FROM chats WHERE account_id = $1 AND chat_id = $2 AND deleted_at IS NOT NULL FOR UPDATE
  ),
  cut AS (
    DELETE FROM messages m USING chat WHERE m.account_id = chat.account_id AND m.chat_id = chat.chat_id AND m.seq > chat.top
    RETURNING m.response_id
  ),
  ${CUT_PLACES}
  files_held AS MATERIALIZED (
    SELECT f.file_id, r.response_id FROM cut
    JOIN file_references r ON r.account_id = $1 AND r.response_id = cut.response_id
    JOIN files f ON f.account_id = $1 AND f.file_id = r.file_id ORDER BY f.file_id FOR NO KEY UPDATE OF f
  ),
  files_unnamed AS (
    DELETE FROM file_references r USING files_held h
    WHERE r.account_id = $1 AND r.response_id = h.response_id AND r.file_id = h.file_id
  ),
  files_loose AS (
    UPDATE files f SET loose_since = now() - interval '1 day' FROM files_held h
    WHERE f.account_id = $1 AND f.file_id = h.file_id AND f.taken
  ),
  head AS (
    UPDATE chats c SET last_seq = chat.top, last_response_id = coalesce(
      (SELECT m.response_id FROM messages m WHERE m.account_id = $1 AND m.chat_id = $2 AND m.seq = chat.top), chat.fork_response_id)
    FROM chat WHERE c.account_id = chat.account_id AND c.chat_id = chat.chat_id
  )
  SELECT count(*)::int AS pairs FROM cut`;

/** A chat without pairs and branches; and the answers that name it. */
export const REMOVE_CHAT = `
  WITH answers AS (
    DELETE FROM idempotency_keys WHERE ${MAY_BE_ANSWERED} AND account_id = $1 AND answer LIKE '%' || $2::text || '%'
  )
  DELETE FROM chats c
  WHERE c.account_id = $1 AND c.chat_id = $2::uuid AND c.deleted_at IS NOT NULL
    AND NOT EXISTS (SELECT FROM messages m WHERE m.account_id = $1 AND m.chat_id = c.chat_id)
    AND NOT EXISTS (SELECT FROM chats b WHERE b.account_id = $1 AND b.parent_chat_id = c.chat_id)`;

/** The newest $3 events at most; the conversation's number goes down with them. */
export const CUT_EVENTS: Statement = {
  name: 'maintenance.cut_events',
  text: `
    WITH conversation AS (
      UPDATE conversations SET event_seq = greatest(0, event_seq - $3::int) WHERE account_id = $1 AND chat_id = $2 RETURNING event_seq
    )
    DELETE FROM events e USING conversation WHERE e.account_id = $1 AND e.root_chat_id = $2 AND e.seq > conversation.event_seq RETURNING 1`,
};

/**
 * What webhooks know of a conversation. Deliveries that are still to be made stay until they are:
 * they have ids and no words.
 */
export const REMOVE_WEBHOOK_ROWS = `
  WITH settled AS MATERIALIZED (
    SELECT webhook_id, delivery_id FROM webhook_deliveries WHERE account_id = $1 AND root_chat_id = $2 AND settled_at IS NOT NULL
    ORDER BY webhook_id, delivery_id FOR UPDATE
  ),
  removed AS (
    DELETE FROM webhook_deliveries d USING settled
    WHERE d.account_id = $1 AND d.webhook_id = settled.webhook_id AND d.delivery_id = settled.delivery_id RETURNING 1
  )
  DELETE FROM webhook_positions WHERE account_id = $1 AND root_chat_id = $2 AND (SELECT count(*) FROM removed) >= 0`;
