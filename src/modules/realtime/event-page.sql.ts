import type { Statement } from '../../database/database.js';
import type { EventType } from '../../events/event.entity.js';
import { CHAT_VIEW } from '../chat/chat.view.js';

/** One event, as far as its row says it. */
export interface EventRow extends Record<string, unknown> {
  seq: number;
  type: EventType;
  /** The chat that changed; of a pair, the one that it was posted to. */
  chat_id: string;
  response_id: string | null;
  /** Position of the pair on its path. */
  pair_seq: number | null;
  /**
   * A living chat whose path has the pair: its owner or, if that is deleted, a branch that
   * inherited it; null when nobody sees it any more.
   */
  seen_by: string | null;
  /** `seq` of the last of the events that were asked for: this page may end before it. */
  page_end: number;
}

/**
 * $1 account, $2 root, $3 the last `seq` known, $4 how many, $5 how many bytes of words. There is
 * at least one row if there is an event at all. A branch is made from the owner of its fork point,
 * so all chats below one that inherited a pair inherited it too.
 */
export const EVENTS_AFTER: Statement = {
  name: 'realtime.events-after',
  text: `
    WITH page AS (
      SELECT seq, type, chat_id, response_id FROM events
      WHERE account_id = $1 AND root_chat_id = $2 AND seq > $3 ORDER BY seq LIMIT $4
    ),
    sized AS (
      SELECT e.*, m.chat_id AS owner_id, m.seq AS pair_seq,
        sum(coalesce(m.bytes, 0)) OVER (ORDER BY e.seq) - coalesce(m.bytes, 0) AS bytes_before,
        max(e.seq) OVER () AS page_end
      FROM page e LEFT JOIN messages m ON m.account_id = $1 AND m.response_id = e.response_id
    )
    SELECT e.seq, e.type, e.chat_id, e.response_id, e.pair_seq, e.page_end,
      CASE WHEN e.owner_id IS NOT NULL THEN coalesce(
        (SELECT c.chat_id FROM chats c WHERE c.account_id = $1 AND c.chat_id = e.owner_id AND c.deleted_at IS NULL),
        (WITH RECURSIVE heirs AS (
          SELECT c.chat_id, c.deleted_at FROM chats c
          WHERE c.account_id = $1 AND c.parent_chat_id = e.owner_id AND c.fork_seq >= e.pair_seq
          UNION ALL
          SELECT c.chat_id, c.deleted_at FROM heirs h JOIN chats c ON c.account_id = $1 AND c.parent_chat_id = h.chat_id
        )
        SELECT chat_id FROM heirs WHERE deleted_at IS NULL LIMIT 1)) END AS seen_by
    FROM sized e WHERE e.bytes_before < $5 ORDER BY e.seq`,
};

/** The living ones among the chats $2. */
export const CHATS: Statement = {
  name: 'realtime.chats',
  text: `${CHAT_VIEW} WHERE c.account_id = $1 AND c.chat_id = ANY ($2::uuid[]) AND c.deleted_at IS NULL`,
};

/** The conversation of a living chat $2, and its newest event. */
export const CONVERSATION: Statement = {
  name: 'realtime.conversation',
  text: `
    SELECT c.root_chat_id, v.event_seq
    FROM chats c JOIN conversations v ON v.account_id = c.account_id AND v.chat_id = c.root_chat_id
    WHERE c.account_id = $1 AND c.chat_id = $2 AND c.deleted_at IS NULL`,
};
