import type { ContentStore } from '../../content/content-store.js';
import type { Statement } from '../../database/database.js';
import { HEIRS, STRETCH_CTE } from '../chat/lineage.sql.js';
import { BLOCKS_SQL } from './search-blocks.js';

/** A pair that has what was looked for, and can be read. */
export interface MatchRow extends Record<string, unknown> {
  response_id: string;
  created_at: Date;
}

/**
 * Whether the pair `s` can still be read, and by the words that it was found by: what PostgreSQL
 * says at this moment, whatever the index knows. $10: after how many seconds a temporary
 * conversation that nobody used has ended.
 */
const TRUTH = `
    CROSS JOIN LATERAL (SELECT version, status FROM messages WHERE account_id = $1 AND response_id = s.response_id LIMIT 1) m
    CROSS JOIN LATERAL (SELECT deleted_at, chat_type FROM chats WHERE account_id = $1 AND chat_id = s.chat_id LIMIT 1) own
    WHERE m.version = s.version AND m.status <> 'redacted'
      AND (own.deleted_at IS NULL OR EXISTS (${HEIRS} SELECT FROM heirs WHERE deleted_at IS NULL))
      AND (own.chat_type <> 'temporary' OR EXISTS (
        SELECT FROM chats o WHERE o.account_id = $1 AND o.root_chat_id = s.root_chat_id AND o.deleted_at IS NULL
          AND o.updated_at > now() - $10::float8 * interval '1 s'))`;

/**
 * What besides the words is asked for. $5 not before; $6 the kind of pair; $7 the conversation; $8
 * the branch that must see it. Null where nothing is asked for.
 */
const ASKED = `($6::text IS NULL OR s.message_type = $6) AND ($7::uuid IS NULL OR s.root_chat_id = $7)
        AND ($8::uuid IS NULL OR EXISTS (SELECT FROM stretch t WHERE t.chat_id = s.chat_id AND s.seq BETWEEN t.lo AND t.hi))`;
const BEFORE = `(s.created_at, s.response_id) < ($3::timestamptz, $4::uuid)`;
const OLDER = `${BEFORE} AND s.created_at >= coalesce($5::timestamptz, '-infinity')`;
const NEWEST_FIRST = `ORDER BY s.created_at DESC, s.response_id DESC`;

const matchText = (candidates: string): string => `
    WITH RECURSIVE win AS (
      SELECT c.chat_id, c.fork_seq, c.parent_chat_id, c.jump_chat_id, 1 AS lo, c.last_seq AS hi
      FROM chats c WHERE c.account_id = $1 AND c.chat_id = $8
    ),
    ${STRETCH_CTE}
    SELECT s.response_id, s.created_at FROM ${candidates} s ${TRUTH}`;

export interface ReachRow extends Record<string, unknown> {
  /** The newest pair, and the oldest one of all that are asked for; null where there is none. */
  newest: Date | null;
  oldest: Date | null;
  /** The last one of so many; null where there are fewer. */
  last_at: Date | null;
  last_id: string | null;
}

/** How far a look at $5 pairs of an account comes that are older than $2 and $3, from $4 on. */
export const REACH: Statement = {
  name: 'search.reach',
  text: `
    WITH own AS NOT MATERIALIZED (
      SELECT created_at, response_id FROM message_search s
      WHERE account_id = $1 AND (created_at, response_id) < ($2::timestamptz, $3::uuid) AND created_at >= coalesce($4::timestamptz, '-infinity')
    ),
    last AS (SELECT created_at, response_id FROM own ORDER BY created_at DESC, response_id DESC OFFSET $5::int - 1 LIMIT 1)
    SELECT (SELECT created_at FROM own ORDER BY created_at DESC, response_id DESC LIMIT 1) AS newest,
      (SELECT created_at FROM own ORDER BY created_at, response_id LIMIT 1) AS oldest,
      (SELECT created_at FROM last) AS last_at, (SELECT response_id FROM last) AS last_id`,
};

/**
 * The newest matches, by looking at the pairs of the account down to that of the time $11 and the
 * id $12 (null: at all) one after the other: quick for words that many of them have, where the
 * index of words would name half of the account.
 *
 * $1 account, $2 the query, $3 and $4 the time and id of a pair: of older ones, $9 how many; the
 * others are said above. `OFFSET` keeps PostgreSQL from taking the subquery apart. No second lower
 * bound stands beside the one: PostgreSQL 18 would read to the end of the account by it.
 */
export const SCAN: Statement = {
  name: 'search.scan',
  text: `${matchText(`(
      SELECT s.* FROM (
        SELECT * FROM message_search s
        WHERE s.account_id = $1 AND ${BEFORE} AND (s.created_at, s.response_id) >=
          (coalesce($11::timestamptz, $5::timestamptz, '-infinity'), coalesce($12::uuid, '00000000-0000-0000-0000-000000000000'))
        ${NEWEST_FIRST} OFFSET 0
      ) s
      WHERE s.words @@ $2::tsquery AND ${ASKED} ${NEWEST_FIRST})`)}
    ${NEWEST_FIRST} LIMIT $9`,
};

/**
 * The same by the index of words, one stretch of time after the other ($11: the blocks of each, the
 * newest first, see `search-blocks.ts`): so it fetches no more than the newest hits. The words come
 * first and by themselves (`OFFSET 0`): the account is in each of them, and by any other index
 * PostgreSQL would read all its pairs.
 *
 * Nothing orders the whole, or all stretches would be looked through: rows come in their order, as
 * what is behind `LATERAL` is asked for each of them.
 */
export const FIND: Statement = {
  name: 'search.find',
  text: `${matchText(`unnest($11::text[]) AS look (blocks) CROSS JOIN LATERAL (
      SELECT s.* FROM (
        SELECT account_id, response_id, root_chat_id, chat_id, seq, version, message_type, created_at
        FROM message_search WHERE words @@ $2::tsquery AND ${BLOCKS_SQL} && string_to_array(look.blocks, ' ') OFFSET 0
      ) s
      WHERE s.account_id = $1 AND ${OLDER} AND ${ASKED} ${NEWEST_FIRST})`)}
    LIMIT $9`,
};

export interface RankRow extends Record<string, unknown> {
  response_id: string;
  /** A whole number: what is compared again at the next page must be exact. */
  rank: number;
}

/** How well some pairs $2 have what was looked for, $3: its words near each other, in few words. */
export const RANK: Statement = {
  name: 'search.rank',
  text: `
    SELECT s.response_id, (ts_rank_cd('{0.1, 0.2, 0.8, 1}', s.words, $3::tsquery, 1) * 1000000)::int AS rank
    FROM unnest($2::uuid[]) AS wanted (response_id)
    CROSS JOIN LATERAL (
      SELECT response_id, words FROM message_search WHERE account_id = $1 AND response_id = wanted.response_id LIMIT 1
    ) s`,
};

/** Branches that a hit names at most. */
export const BRANCHES_MAX = 100;

export interface HitRow extends Record<string, unknown> {
  response_id: string;
  chat_id: string;
  root_chat_id: string;
  fork_seq: number;
  seq: number;
  version: number;
  created_at: Date;
  name: string | null;
  /** From the root to the owner. */
  path: string[];
  visible_in: string[];
  sha256: Buffer;
  body: string | null;
}

/** What is shown of some pairs $2, in their order. */
export const hitsStatement = (table: ContentStore['table']): Statement => ({
  name: `search.hits.${table}`,
  text: `
    WITH RECURSIVE hit AS MATERIALIZED (
      SELECT wanted.n, m.* FROM unnest($2::uuid[]) WITH ORDINALITY AS wanted (response_id, n)
      CROSS JOIN LATERAL (
        SELECT response_id, root_chat_id, chat_id, seq, version, created_at, sha256 FROM messages
        WHERE account_id = $1 AND response_id = wanted.response_id AND status <> 'redacted' LIMIT 1
      ) m
    ),
    line AS (
      SELECT DISTINCT chat_id AS owner, chat_id AS above, 0 AS up FROM hit
      UNION ALL
      SELECT line.owner, c.parent_chat_id, line.up + 1 FROM line
      CROSS JOIN LATERAL (SELECT parent_chat_id FROM chats WHERE account_id = $1 AND chat_id = line.above LIMIT 1) c
      WHERE c.parent_chat_id IS NOT NULL
    )
    SELECT s.response_id, s.chat_id, s.root_chat_id, own.fork_seq, s.seq, s.version, s.created_at, v.name,
      (SELECT array_agg(line.above ORDER BY line.up DESC) FROM line WHERE line.owner = s.chat_id) AS path,
      ARRAY (${HEIRS} SELECT chat_id FROM heirs WHERE deleted_at IS NULL LIMIT ${BRANCHES_MAX}) AS visible_in,
      s.sha256, CASE WHEN w.version = s.version THEN w.body END AS body
    FROM hit s
    CROSS JOIN LATERAL (SELECT fork_seq, deleted_at FROM chats WHERE account_id = $1 AND chat_id = s.chat_id LIMIT 1) own
    CROSS JOIN LATERAL (SELECT name FROM conversations WHERE account_id = $1 AND chat_id = s.root_chat_id LIMIT 1) v
    LEFT JOIN LATERAL (
      SELECT version, body FROM ${table} WHERE account_id = $1 AND chat_id = s.chat_id AND seq = s.seq LIMIT 1
    ) w ON true
    ORDER BY s.n`,
});

/** Where a living chat is. */
export const FIND_PLACE: Statement = {
  name: 'search.place',
  text: `SELECT root_chat_id FROM chats WHERE account_id = $1 AND chat_id = $2 AND deleted_at IS NULL`,
};
