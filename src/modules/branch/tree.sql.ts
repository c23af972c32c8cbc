import type { Statement } from '../../database/database.js';
import { BAND_DEPTHS, NESTING_MAX, type Read } from '../../tree/branch-tree.js';

/** A chat of a page, or one above it, with what the page says of the conversation. */
export interface TreeRow extends Read, Record<string, unknown> {
  name: string | null;
  forkResponseId: string | null;
  forkSeq: number;
  active: boolean;
  lastSeq: number;
  createdAt: Date;
  activeChatId: string;
  eventSeq: number;
  revision: number;
  /** Living chats of the conversation; null where they have to be counted. */
  total: number | null;
}

/** Behind the last chat there is none. */
export const DEPTH_MAX = 2_147_483_647;

const CHAT = `chat_id, parent_chat_id, deleted_at, depth, name, fork_response_id, fork_seq, active, last_seq, created_at`;
const ofAlias = (alias: string): string =>
  CHAT.split(', ')
    .map((column) => `${alias}.${column}`)
    .join(', ');

/**
 * A page of a tree in one statement. $1 account, $2 chat by which it is asked for, $3 root, $4 and
 * $5 depth and id of the last chat of the page before, $6 greatest depth, $7 how many chats, $8
 * whether it is to be nested.
 *
 * `found` is one range of `chats_tree`. `up` goes from there to the ancestors that are shown: all
 * within the band of the page (`bandOf`) and the nearest living one above it. `wanted` counts how
 * many living ones are still to be found; the last only gives its id. Shared ancestors are visited
 * once, deleted ones are passed over. `OFFSET 0` keeps the look-up of a parent one by its key: left
 * to itself PostgreSQL may read all chats at each step instead. No row: no such chat.
 */
export const TREE_PAGE: Statement = {
  name: 'branch.page',
  text: `
    WITH RECURSIVE conversation AS (
      SELECT a.chat_id AS active_chat_id, v.event_seq, v.revision, CASE WHEN v.chats_revision = v.revision THEN v.chats_total END AS total
      FROM chats c
      JOIN conversations v ON v.account_id = c.account_id AND v.chat_id = c.root_chat_id
      JOIN chats a ON a.account_id = c.account_id AND a.root_chat_id = c.root_chat_id AND a.active AND a.deleted_at IS NULL
      WHERE c.account_id = $1 AND c.chat_id = $2 AND c.root_chat_id = $3 AND c.deleted_at IS NULL
    ),
    found AS MATERIALIZED (
      SELECT ${ofAlias('c')} FROM chats c
      WHERE c.account_id = $1 AND c.root_chat_id = $3 AND c.deleted_at IS NULL AND (c.depth, c.chat_id) > ($4::int, $5::uuid) AND c.depth <= $6::int
      ORDER BY c.deleted_at, c.depth, c.chat_id LIMIT $7::int
    ),
    band AS (
      SELECT CASE WHEN NOT $8::boolean THEN ${DEPTH_MAX}::bigint WHEN first < ${NESTING_MAX} THEN 0
          ELSE first - (first - ${NESTING_MAX}) % ${BAND_DEPTHS} END AS from_depth
      FROM (SELECT min(depth) AS first FROM found)
    ),
    up AS (
      (SELECT ${ofAlias('found')}, CASE WHEN found.depth < from_depth THEN 1 WHEN found.depth < from_depth + ${NESTING_MAX} THEN 2 ELSE 0 END AS wanted
        FROM found, band
      UNION ALL
      SELECT ${ofAlias('r')}, 0 FROM chats r WHERE r.account_id = $1 AND r.chat_id = $3)
      UNION
      SELECT p.*, CASE WHEN p.deleted_at IS NOT NULL THEN up.wanted WHEN p.depth >= from_depth THEN 2 ELSE up.wanted - 1 END
      FROM up CROSS JOIN band CROSS JOIN LATERAL (
        SELECT ${CHAT} FROM chats c WHERE c.account_id = $1 AND c.chat_id = up.parent_chat_id OFFSET 0
      ) p
      WHERE up.wanted > 0
    )
    SELECT up.chat_id AS "chatId", parent_chat_id AS "parentChatId", deleted_at IS NOT NULL AS deleted, depth, name,
      fork_response_id AS "forkResponseId", fork_seq AS "forkSeq", active, last_seq AS "lastSeq", created_at AS "createdAt",
      wanted > 0 AS shown, active_chat_id AS "activeChatId", event_seq AS "eventSeq", revision, total
    FROM conversation CROSS JOIN up ORDER BY wanted`,
};

/**
 * Counts the living chats of a tree and keeps the number, as long as the tree is what it was when
 * the page was read ($3, its revision). That is once for a conversation: whoever changes its tree
 * from then on counts along (`events/changes.ts`).
 */
export const COUNT: Statement = {
  name: 'branch.count',
  text: `
    WITH counted AS (SELECT count(*)::int AS total FROM chats c WHERE c.account_id = $1 AND c.root_chat_id = $2 AND c.deleted_at IS NULL),
    kept AS (
      UPDATE conversations v SET chats_total = counted.total, chats_revision = v.revision FROM counted
      WHERE v.account_id = $1 AND v.chat_id = $2 AND v.revision = $3
    )
    SELECT total FROM counted`,
};
