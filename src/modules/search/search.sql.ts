import type { ContentStore } from '../../content/content-store.js';
import type { Statement } from '../../database/database.js';
import { HEIRS, STRETCH_CTE } from '../chat/lineage.sql.js';
import { BLOCKS_SQL } from './search-blocks.js';
import { behindSince } from './search-index.sql.js';

/** A pair that has what was looked for, and can be read: where it is, and the words that it has. */
export interface MatchRow extends Record<string, unknown> {
  response_id: string;
  created_at: Date;
  root_chat_id: string;
  chat_id: string;
  /** Of the owner. */
  fork_seq: number;
  parent_chat_id: string | null;
  seq: number;
  version: number;
  sha256: Buffer;
  /**
   * How well it has the words of $11, near each other and in few words; null where nobody asks for
   * that. A whole number: what is compared again at the next page must be exact.
   */
  rank: number | null;
}

/** For the rank: words that nobody ranks by are not carried through orders and stores. */
const RANK_WORDS = `CASE WHEN $11::tsquery IS NOT NULL THEN words END AS words`;
const RANK = `(ts_rank_cd('{0.1, 0.2, 0.8, 1}', s.words, $11::tsquery, 1) * 1000000)::int AS rank`;
const MATCH = `s.response_id, s.created_at, s.root_chat_id, s.chat_id, own.fork_seq, own.parent_chat_id, s.seq, s.version, m.sha256, ${RANK}`;

/**
 * Whether the pair `s` can still be read, and by the words that it was found by: what PostgreSQL
 * says at this moment, whatever the index knows. $10: after how many seconds a temporary
 * conversation that nobody used has ended.
 */
const TRUTH = `
    CROSS JOIN LATERAL (SELECT version, status, sha256 FROM messages WHERE account_id = $1 AND response_id = s.response_id LIMIT 1) m
    CROSS JOIN LATERAL (SELECT fork_seq, parent_chat_id, deleted_at, chat_type FROM chats WHERE account_id = $1 AND chat_id = s.chat_id LIMIT 1) own
    WHERE m.version = s.version AND m.status <> 'redacted'
      AND (own.deleted_at IS NULL OR EXISTS (${HEIRS} SELECT FROM heirs WHERE deleted_at IS NULL))
      AND (own.chat_type <> 'temporary' OR EXISTS (
        SELECT FROM chats o WHERE o.account_id = $1 AND o.root_chat_id = s.root_chat_id AND o.deleted_at IS NULL
          AND o.updated_at > now() - $10::float8 * interval '1 s'))`;

/**
 * A search in all of the account, and one in what a branch $8 sees, have texts of their own:
 * PostgreSQL gets everything in a plan ready, whether it is run or not, and what finds the
 * stretches of a branch took a quarter of a search that asked for none.
 */
const IN_ACCOUNT = `$8::uuid IS NULL`;
const IN_BRANCH = `EXISTS (SELECT FROM stretch t WHERE t.chat_id = s.chat_id AND s.seq BETWEEN t.lo AND t.hi)`;
const STRETCHES = `
    win AS (
      SELECT c.chat_id, c.fork_seq, c.parent_chat_id, c.jump_chat_id, 1 AS lo, c.last_seq AS hi
      FROM chats c WHERE c.account_id = $1 AND c.chat_id = $8
    ),
    ${STRETCH_CTE}`;

/** What besides the words is asked for: $6 the kind of pair; $7 the conversation; or null. */
const askedOf = (isSeen: string): string =>
  `($6::text IS NULL OR s.message_type = $6) AND ($7::uuid IS NULL OR s.root_chat_id = $7) AND ${isSeen}`;
/** Older than the pair of the time $3 and the id $4, and not from before $5 (null: any). */
const OLDER = `(s.created_at, s.response_id) < ($3::timestamptz, $4::uuid) AND s.created_at >= coalesce($5::timestamptz, '-infinity')`;
const NEWEST_FIRST = `ORDER BY s.created_at DESC, s.response_id DESC`;

/** A match; or behind all of them a row without one, which says how far the look came. */
export interface LookRow extends MatchRow {
  /** Pairs of which the index does not know, or not by their words of now. */
  behind: string[];
  /** The newest pair that was looked at, and the oldest one of all that are asked for, if any. */
  newest: Date | null;
  oldest: Date | null;
  /** The last one that was looked at; null where there are no more than these. */
  last_at: Date | null;
  last_id: string | null;
}

const lookText = (stretches: string, isSeen: string): string => `
    WITH RECURSIVE ${stretches}
    near AS MATERIALIZED (
      SELECT s.response_id, s.created_at, s.root_chat_id, s.chat_id, s.seq, s.version, ${RANK_WORDS}, s.words @@ $2::tsquery AND ${askedOf(isSeen)} AS is_match
      FROM message_search s WHERE s.account_id = $1 AND ${OLDER} ${NEWEST_FIRST} LIMIT $12::int
    )
    (SELECT ${MATCH}, NULL AS behind, NULL AS newest, NULL AS oldest, NULL AS last_at, NULL AS last_id FROM near s ${TRUTH} AND s.is_match LIMIT $9)
    UNION ALL
    SELECT NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, ARRAY (${behindSince('$13')}), (SELECT created_at FROM near LIMIT 1),
      (SELECT created_at FROM message_search s WHERE s.account_id = $1 AND ${OLDER} ORDER BY s.created_at, s.response_id LIMIT 1), last.created_at, last.response_id
    FROM (SELECT) one LEFT JOIN (SELECT created_at, response_id FROM near OFFSET $12::int - 1 LIMIT 1) last ON true`;

/**
 * The newest matches among the newest $12 pairs, which are looked at one after the other: quick for
 * words that many of them have, where the index of words would name half of the account. Behind
 * them a row says how far that came, and which pairs newer than the id $13 nobody made findable
 * yet. All in one statement: what is written meanwhile makes no gap.
 *
 * $1 account, $2 the query, $9 so many matches, $11 what they are ranked by; the others are said
 * above.
 */
export const LOOK: Statement = { name: 'search.look', text: lookText('', IN_ACCOUNT) };
export const LOOK_IN_BRANCH: Statement = {
  name: 'search.look_in_branch',
  text: lookText(`${STRETCHES},`, IN_BRANCH),
};

const findText = (stretches: string, isSeen: string, within: string): string => `
    ${stretches}
    SELECT ${MATCH} FROM (
      SELECT s.* FROM (
        SELECT account_id, response_id, root_chat_id, chat_id, seq, version, message_type, created_at, ${RANK_WORDS}
        FROM message_search WHERE words @@ $2::tsquery ${within} OFFSET 0
      ) s
      WHERE s.account_id = $1 AND ${OLDER} AND ${askedOf(isSeen)} ${NEWEST_FIRST}) s ${TRUTH}
    LIMIT $9`;
const IN_BLOCKS = `AND ${BLOCKS_SQL} && $12::text[]`;

/**
 * The same by the index of words, in the blocks of time $12 (`search-blocks.ts`): so it fetches no
 * more than the newest hits. The words come first and by themselves (`OFFSET 0`): the account is in
 * each of them, and by any other index PostgreSQL would read all its pairs. Rows keep their order,
 * as what is behind `LATERAL` is asked for each of them.
 */
export const FIND: Statement = { name: 'search.find', text: findText('', IN_ACCOUNT, IN_BLOCKS) };
export const FIND_IN_BRANCH: Statement = {
  name: 'search.find_in_branch',
  text: findText(`WITH RECURSIVE ${STRETCHES}`, IN_BRANCH, IN_BLOCKS),
};

/**
 * The same in all of the account, where it has few: to find the blocks takes the index as long as
 * to find the words.
 */
export const FIND_REST: Statement = {
  name: 'search.find_rest',
  text: findText('', IN_ACCOUNT, ''),
};
export const FIND_REST_IN_BRANCH: Statement = {
  name: 'search.find_rest_in_branch',
  text: findText(`WITH RECURSIVE ${STRETCHES}`, IN_BRANCH, ''),
};

/** Branches that a hit names at most. */
export const BRANCHES_MAX = 100;

export interface HitRow extends Record<string, unknown> {
  /** Which of those that were asked for, from 1. */
  n: number;
  name: string | null;
  /** From the root to the owner. */
  path: string[];
  visible_in: string[];
  /** Of the version that was asked for; null where it is elsewhere. */
  body: string | null;
}

/** The chats above the owner of the pair `s`, which is no root. */
const LINE = `
      WITH RECURSIVE line AS (
        SELECT s.chat_id AS above, s.parent_chat_id AS next, 0 AS up
        UNION ALL
        SELECT line.next, c.parent_chat_id, line.up + 1 FROM line
        CROSS JOIN LATERAL (SELECT parent_chat_id FROM chats WHERE account_id = $1 AND chat_id = line.next LIMIT 1) c
      )`;

/**
 * What is shown of some pairs, in their order: $2 their owners, $3 the parents of those, $4 the
 * roots, $5 where they are and $6 of which version. Nearly all are in chats without branches: what
 * finds these is not run for them. Those that have newer words meanwhile are left out.
 */
export const hitsStatement = (table: ContentStore['table']): Statement => ({
  name: `search.hits.${table}`,
  text: `
    SELECT s.n::int, v.name,
      CASE WHEN s.parent_chat_id IS NULL THEN ARRAY[s.chat_id] ELSE ARRAY (${LINE} SELECT above FROM line ORDER BY up DESC) END AS path,
      CASE WHEN EXISTS (SELECT FROM chats c WHERE c.account_id = $1 AND c.parent_chat_id = s.chat_id AND c.fork_seq >= s.seq)
        THEN (SELECT ARRAY (${HEIRS} SELECT chat_id FROM heirs WHERE deleted_at IS NULL LIMIT ${BRANCHES_MAX}) FROM chats own WHERE own.account_id = $1 AND own.chat_id = s.chat_id)
        ELSE ARRAY[s.chat_id] END AS visible_in,
      CASE WHEN w.version = s.version THEN w.body END AS body
    FROM unnest($2::uuid[], $3::uuid[], $4::uuid[], $5::int[], $6::int[]) WITH ORDINALITY AS s (chat_id, parent_chat_id, root_chat_id, seq, version, n)
    CROSS JOIN LATERAL (SELECT name FROM conversations WHERE account_id = $1 AND chat_id = s.root_chat_id LIMIT 1) v
    LEFT JOIN LATERAL (
      SELECT version, body FROM ${table} WHERE account_id = $1 AND chat_id = s.chat_id AND seq = s.seq LIMIT 1
    ) w ON true
    WHERE coalesce(w.version, 0) <= s.version
    ORDER BY s.n`,
});

/** Where a living chat is. */
export const FIND_PLACE: Statement = {
  name: 'search.place',
  text: `SELECT root_chat_id FROM chats WHERE account_id = $1 AND chat_id = $2 AND deleted_at IS NULL`,
};
