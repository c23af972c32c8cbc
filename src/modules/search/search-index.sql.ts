import type { ContentStore } from '../../content/content-store.js';
import type { Statement } from '../../database/database.js';

/** More events than that at once are not read one by one: the account is looked through. */
export const EVENTS_MAX = 200;
/** Of a conversation that this instance has not looked at yet. */
const EVENTS_FIRST = 20;

export interface NewsRow extends Record<string, unknown> {
  account_id: string;
  root_chat_id: string;
  event_seq: number;
  response_ids: string[];
  /** There may be pairs of which no event tells. */
  has_more: boolean;
}

/**
 * The pairs of the newest events of some conversations ($1 accounts, $2 roots), beyond those that
 * were seen ($3; null where none was).
 */
export const NEWS: Statement = {
  name: 'search.news',
  text: `
    SELECT changed.account_id, changed.root_chat_id, v.event_seq, e.response_ids,
      coalesce(v.event_seq - changed.seen > ${EVENTS_MAX} OR e.has_made, false) AS has_more
    FROM unnest($1::uuid[], $2::uuid[], $3::int[]) AS changed (account_id, root_chat_id, seen)
    CROSS JOIN LATERAL (
      SELECT event_seq FROM conversations WHERE account_id = changed.account_id AND chat_id = changed.root_chat_id LIMIT 1
    ) v
    CROSS JOIN LATERAL (
      SELECT coalesce(array_agg(DISTINCT e.response_id) FILTER (WHERE e.response_id IS NOT NULL), '{}') AS response_ids,
        bool_or(e.type IN ('chat.created', 'branch.created') AND EXISTS (
          SELECT FROM chats c WHERE c.account_id = e.account_id AND c.chat_id = e.chat_id AND c.last_seq > c.fork_seq + 1)) AS has_made
      FROM events e
      WHERE e.account_id = changed.account_id AND e.root_chat_id = changed.root_chat_id
        AND e.seq > greatest(coalesce(changed.seen, v.event_seq - ${EVENTS_FIRST}), v.event_seq - ${EVENTS_MAX})
    ) e`,
};

/** Whether the row `s` of a pair `m` is missing, or of other words; a redacted pair has none. */
const IS_BEHIND = `s.version IS DISTINCT FROM m.version AND (m.status <> 'redacted' OR s.version IS NOT NULL)`;
const rowOf = (pair: string): string =>
  `LATERAL (SELECT version FROM message_search WHERE account_id = ${pair}.account_id AND response_id = ${pair}.response_id LIMIT 1) s`;

export interface BehindRow extends Record<string, unknown> {
  response_id: string;
}

/**
 * Which of the newest pairs of an account $1, of those made after the id `since`, cannot be found
 * yet or only by what they were before. Where nobody has walked through the account since
 * PostgreSQL has emptied these tables, the newest ones of any age. Those whose answer was under way
 * are looked at in any case.
 */
export const behindSince = (since: string): string => `
    SELECT m.response_id
    FROM (
      SELECT account_id, response_id, version, status FROM messages
      WHERE account_id = $1 AND response_id > (
        SELECT CASE WHEN EXISTS (SELECT FROM search_accounts WHERE account_id = $1) THEN ${since}::uuid ELSE '00000000-0000-0000-0000-000000000000' END)
      ORDER BY response_id DESC LIMIT 200
    ) m
    LEFT JOIN ${rowOf('m')} ON true
    WHERE ${IS_BEHIND}
    UNION ALL
    SELECT open.response_id
    FROM (
      SELECT account_id, response_id, version FROM message_search WHERE account_id = $1 AND NOT is_final
      ORDER BY response_id DESC LIMIT 100
    ) open
    CROSS JOIN LATERAL (
      SELECT version FROM messages WHERE account_id = open.account_id AND response_id = open.response_id LIMIT 1
    ) m
    WHERE m.version <> open.version`;

export interface PartRow extends Record<string, unknown> {
  /** The last pair that was looked at; null where there was none. */
  last: string | null;
  behind: string[];
}

/** The same of the next $3 pairs of an account behind $2. */
export const NEXT_PART: Statement = {
  name: 'search.next_part',
  text: `
    WITH m AS MATERIALIZED (
      SELECT account_id, response_id, version, status FROM messages
      WHERE account_id = $1 AND response_id > $2 ORDER BY response_id LIMIT $3
    )
    SELECT (SELECT response_id FROM m ORDER BY response_id DESC LIMIT 1) AS last,
      coalesce(array_agg(m.response_id) FILTER (WHERE ${IS_BEHIND}), '{}') AS behind
    FROM m LEFT JOIN ${rowOf('m')} ON true`,
};

/** Of the pairs whose answer was under way, those that are others now. */
export const OPEN_BEHIND: Statement = {
  name: 'search.open_behind',
  text: `
    SELECT s.response_id FROM message_search s
    CROSS JOIN LATERAL (
      SELECT version FROM messages WHERE account_id = s.account_id AND response_id = s.response_id LIMIT 1
    ) m
    WHERE s.account_id = $1 AND NOT s.is_final AND m.version <> s.version LIMIT 1000`,
};

export interface UnfoundRow extends Record<string, unknown> {
  account_id: string;
  response_id: string;
  root_chat_id: string;
  chat_id: string;
  fork_seq: number;
  seq: number;
  version: number;
  status: string;
  sha256: Buffer | null;
  body: string | null;
}

/** Of some pairs ($1 accounts, $2 pairs) those that are behind, with words that PostgreSQL has. */
export const readStatement = (table: ContentStore['table']): Statement => ({
  name: `search.read.${table}`,
  text: `
    SELECT m.account_id, m.response_id, m.root_chat_id, m.chat_id, c.fork_seq, m.seq, m.version, m.status, m.sha256,
      CASE WHEN w.version = m.version THEN w.body END AS body
    FROM unnest($1::uuid[], $2::uuid[]) AS wanted (account_id, response_id)
    CROSS JOIN LATERAL (
      SELECT * FROM messages WHERE account_id = wanted.account_id AND response_id = wanted.response_id LIMIT 1
    ) m
    CROSS JOIN LATERAL (SELECT fork_seq FROM chats WHERE account_id = m.account_id AND chat_id = m.chat_id LIMIT 1) c
    LEFT JOIN ${rowOf('m')} ON true
    LEFT JOIN LATERAL (
      SELECT version, body FROM ${table} WHERE account_id = m.account_id AND chat_id = m.chat_id AND seq = m.seq LIMIT 1
    ) w ON true
    WHERE ${IS_BEHIND}`,
});

/**
 * $1 accounts, $2 pairs, $3 versions, $4 their words. A pair that has another version now, or that
 * somebody is changing, is left as it is: whoever changes it has it read again. So what a redaction
 * has taken cannot come back, and nobody waits for anybody.
 *
 * PostgreSQL puts some 600 pairs at a time into the index, sorted in `work_mem`: in its 4 MB they
 * would be of an account one by one where many write. For this statement alone, as plans of others
 * follow it.
 */
export const WRITE: Statement = {
  name: 'search.write',
  text: `
    WITH held AS MATERIALIZED (
      SELECT m.account_id, m.response_id, m.root_chat_id, m.chat_id, m.seq, m.version, m.status, m.message_type, m.created_at, given.words
      FROM unnest($1::uuid[], $2::uuid[], $3::int[], $4::tsvector[]) AS given (account_id, response_id, version, words)
      CROSS JOIN (SELECT set_config('work_mem', '32MB', true)) memory
      JOIN messages m ON m.account_id = given.account_id AND m.response_id = given.response_id AND m.version = given.version
      WHERE m.status <> 'redacted'
      ORDER BY m.account_id, m.response_id FOR SHARE OF m SKIP LOCKED
    )
    INSERT INTO message_search AS s (account_id, response_id, root_chat_id, chat_id, seq, version, is_final, message_type, created_at, words)
    SELECT account_id, response_id, root_chat_id, chat_id, seq, version, status = 'complete', message_type, created_at, words
    FROM held ORDER BY account_id, response_id
    ON CONFLICT (account_id, response_id) DO UPDATE
    SET version = excluded.version, is_final = excluded.is_final, words = excluded.words WHERE s.version < excluded.version
    RETURNING response_id`,
};

/** What a redacted pair was found by. $1 accounts, $2 pairs. */
export const FORGET: Statement = {
  name: 'search.forget',
  text: `
    WITH doomed AS MATERIALIZED (
      SELECT s.account_id, s.response_id FROM unnest($1::uuid[], $2::uuid[]) AS wanted (account_id, response_id)
      JOIN message_search s ON s.account_id = wanted.account_id AND s.response_id = wanted.response_id
      ORDER BY s.account_id, s.response_id FOR UPDATE OF s SKIP LOCKED
    )
    DELETE FROM message_search s USING doomed WHERE s.account_id = doomed.account_id AND s.response_id = doomed.response_id`,
};

/**
 * Puts in order what waits in the index of words, of all accounts: each look into it reads all that
 * waits. Only who owns the index may; for others PostgreSQL does so, at 4 MB or by autovacuum.
 */
export const ORDER: Statement = {
  name: 'search.order',
  text: `
    SELECT gin_clean_pending_list(oid) FROM pg_class
    WHERE oid = to_regclass('message_search_blocks') AND pg_has_role(relowner, 'USAGE')`,
};

export interface WalkRow extends Record<string, unknown> {
  walked_to: string;
  row_id: string;
}

/**
 * How far an account $1 was walked through; no row where another walk begins at this moment. A row
 * without `row_id` is of a version that did not know that the tables may be emptied.
 */
export const WALKED_TO: Statement = {
  name: 'search.walked_to',
  text: `
    WITH first AS (
      INSERT INTO search_accounts AS a (account_id, walked_to, row_id) VALUES ($1, '00000000-0000-0000-0000-000000000000', gen_random_uuid())
      ON CONFLICT (account_id) DO UPDATE SET walked_to = excluded.walked_to, row_id = excluded.row_id WHERE a.row_id IS NULL
      RETURNING walked_to, row_id
    )
    SELECT walked_to, row_id FROM first
    UNION ALL SELECT walked_to, row_id FROM search_accounts WHERE account_id = $1 AND row_id IS NOT NULL`,
};

/**
 * All up to $2 were looked at since there is the row $3. Where PostgreSQL has emptied the tables
 * since then the row is another one, and says nothing of them.
 */
export const WALKED: Statement = {
  name: 'search.walked',
  text: `UPDATE search_accounts SET walked_to = $2 WHERE account_id = $1 AND row_id = $3 AND walked_to < $2`,
};

export interface AccountRow extends Record<string, unknown> {
  account_id: string;
  has_more: boolean;
}

/**
 * The next $2 accounts behind $1, and which of them have pairs that were not looked at. Asked for
 * its last pair, PostgreSQL takes the index; asked whether there is any, it looks through the pairs
 * of all accounts where it believes that most are of this one.
 */
export const NEXT_ACCOUNTS: Statement = {
  name: 'search.next_accounts',
  text: `
    SELECT a.account_id, coalesce(
      (SELECT m.response_id FROM messages m WHERE m.account_id = a.account_id ORDER BY m.response_id DESC LIMIT 1)
        > coalesce((SELECT p.walked_to FROM search_accounts p WHERE p.account_id = a.account_id AND p.row_id IS NOT NULL), '00000000-0000-0000-0000-000000000000'),
      false) AS has_more
    FROM accounts a WHERE a.account_id > $1 ORDER BY a.account_id LIMIT $2`,
};
