import type { Statement } from '../database/database.js';
import { BRANCHES_SHOWN } from './content-store.js';
import { COPIED_LIST } from './pair.columns.js';

/**
 * For changes that may be forgotten when PostgreSQL crashes, since they only say that work is done:
 * the commit does not wait for the disk. As a condition it is looked at while the row is changed,
 * in the transaction of that statement alone.
 */
const FORGETTABLE = `set_config('synchronous_commit', 'off', true) IS NOT NULL`;

/**
 * The direct writes that MongoDB acknowledged. A row that has new work since (another round or
 * version) stays unsent; a row that somebody holds is left to the relay rather than waited for, so
 * that no deadlock can come from here.
 */
export const MARK_STORED: Statement = {
  name: 'journal.mark_stored',
  text: `
    WITH sent AS MATERIALIZED (
      SELECT j.account_id, j.chat_id, j.seq
      FROM unnest($1::uuid[], $2::uuid[], $3::int[], $4::int[], $5::int[]) AS mark (account_id, chat_id, seq, version, round)
      JOIN content_journal j ON j.account_id = mark.account_id AND j.chat_id = mark.chat_id AND j.seq = mark.seq
        AND j.version = mark.version AND j.round = mark.round AND j.stored_at IS NULL
      FOR UPDATE OF j SKIP LOCKED
    )
    UPDATE content_journal j SET stored_at = now(), due_at = now() + $6::float8 * interval '1 s'
    FROM sent WHERE j.account_id = sent.account_id AND j.chat_id = sent.chat_id AND j.seq = sent.seq AND ${FORGETTABLE}`,
};

/**
 * Over all accounts, and never more rows than the limit asks about; lengths are read without
 * unpacking the bodies.
 */
export const BACKLOG: Statement = {
  name: 'journal.backlog',
  text: `
    SELECT count(*)::int AS rows, coalesce(sum(octet_length(body)), 0)::float8 AS bytes,
      coalesce(extract(epoch FROM now() - min(created_at)), 0)::float8 AS oldest_seconds
    FROM (SELECT body, created_at FROM content_journal WHERE stored_at IS NULL ORDER BY created_at LIMIT $1) unsent`,
};

/** 2 MiB of pages, which hold some thousand rows. */
const SAMPLE_PAGES = 256;
const SHARE = `least(1, ${SAMPLE_PAGES}.0 * current_setting('block_size')::int / greatest(1, pg_relation_size('content_journal')))`;

/**
 * How much the whole journal holds, for the price of some pages however large it is: exact while it
 * is small, else reckoned from pages taken at random. A count would read everything every second, a
 * counter would be one row that all appends change, and the size of the files says nothing after an
 * outage: it stays when the rows are gone. Lengths are read without unpacking the bodies, wherever
 * those are kept.
 */
export const HELD_ABOUT: Statement = {
  name: 'journal.held_about',
  text: `
    SELECT (count(*) / ${SHARE})::float8 AS rows, (coalesce(sum(octet_length(body)), 0) / ${SHARE})::float8 AS bytes
    FROM content_journal TABLESAMPLE SYSTEM (100 * ${SHARE})`,
};

/**
 * Takes due rows for a while: $1 at most, and no more than have $3 bytes of words together (the
 * first one in any case), so that a claim of long words fits into memory and into the time limits
 * of MongoDB. `lease` tells the holder from everybody who takes the row later. Bodies come with
 * unsent rows only.
 */
export const CLAIM: Statement = {
  name: 'relay.claim',
  text: `
    WITH due AS MATERIALIZED (
      SELECT account_id, chat_id, seq, due_at, coalesce(octet_length(body), 0) AS bytes
      FROM content_journal WHERE due_at <= now() ORDER BY due_at LIMIT $1 FOR UPDATE SKIP LOCKED
    ),
    counted AS (SELECT *, sum(bytes) OVER (ORDER BY due_at, account_id, chat_id, seq) - bytes AS bytes_before FROM due)
    UPDATE content_journal j SET due_at = now() + $2::float8 * interval '1 s'
    FROM counted
    WHERE j.account_id = counted.account_id AND j.chat_id = counted.chat_id AND j.seq = counted.seq AND counted.bytes_before < $3
      AND ${FORGETTABLE}
    RETURNING j.account_id AS "accountId", j.chat_id AS "chatId", j.seq, j.version, j.round, j.attempts, j.due_at::text AS lease, counted.bytes,
      j.body IS NOT NULL AS "hasBody", CASE WHEN j.stored_at IS NULL THEN j.body END AS body,
      j.stored_at IS NOT NULL AS stored, j.verified_at IS NOT NULL AS verified`,
};

/**
 * What PostgreSQL says of the pairs and their branches; a statement of its own, because it must be
 * newer than the claim. `LIMIT 1` keeps the look-ups from being made joins, which read all pairs of
 * a long chat for each row where PostgreSQL takes chats to be short.
 */
export const PAIRS: Statement = {
  name: 'relay.pairs',
  text: `
    SELECT m.account_id AS "accountId", m.root_chat_id AS "rootChatId", c.fork_seq AS "forkSeq", ${COPIED_LIST}, m.sha256,
      coalesce(forks.shown, '{}') AS branches, forks.total AS "branchesTotal"
    FROM unnest($1::uuid[], $2::uuid[], $3::int[]) AS claimed (account_id, chat_id, seq)
    CROSS JOIN LATERAL (
      SELECT * FROM messages WHERE account_id = claimed.account_id AND chat_id = claimed.chat_id AND seq = claimed.seq LIMIT 1
    ) m
    CROSS JOIN LATERAL (SELECT fork_seq FROM chats WHERE account_id = m.account_id AND chat_id = m.chat_id LIMIT 1) c
    CROSS JOIN LATERAL (
      SELECT (array_agg(f.chat_id ORDER BY f.chat_id))[1:${BRANCHES_SHOWN}] AS shown, count(*)::int AS total
      FROM chats f
      WHERE f.account_id = m.account_id AND f.parent_chat_id = m.chat_id AND f.fork_seq = m.seq
        AND f.fork_response_id = m.response_id AND f.deleted_at IS NULL
    ) forks`,
};

/**
 * Those rows of a claim ($1–$6) that are still held. The lease is gone when another relay took a
 * row meanwhile; round and version differ when it got new work. A row that somebody is changing now
 * is about to become one of these, so it is not waited for: no deadlock can come from here. All of
 * them stay as they are, for whoever comes next. All rows of a claim have one lease: `IS NOT
 * DISTINCT FROM` keeps PostgreSQL from looking for each of them by the index of `due_at`.
 */
const HELD = `
    WITH held AS MATERIALIZED (
      SELECT j.account_id, j.chat_id, j.seq
      FROM unnest($1::uuid[], $2::uuid[], $3::int[], $4::int[], $5::int[], $6::timestamptz[])
        AS claimed (account_id, chat_id, seq, round, version, lease)
      JOIN content_journal j ON j.account_id = claimed.account_id AND j.chat_id = claimed.chat_id AND j.seq = claimed.seq
        AND j.round = claimed.round AND j.version = claimed.version AND j.due_at IS NOT DISTINCT FROM claimed.lease
      FOR UPDATE OF j SKIP LOCKED
    )`;
const IS_HELD = `j.account_id = held.account_id AND j.chat_id = held.chat_id AND j.seq = held.seq`;

/**
 * MongoDB acknowledged the writes: the first read-back is due one retention ($7, seconds) later.
 */
export const SENT: Statement = {
  name: 'relay.sent',
  text: `${HELD}
    UPDATE content_journal j SET stored_at = now(), verified_at = NULL, attempts = 0, due_at = now() + $7::float8 * interval '1 s'
    FROM held WHERE ${IS_HELD} AND ${FORGETTABLE}`,
};

/** The first read-back found the right words. */
export const VERIFIED: Statement = {
  name: 'relay.verified',
  text: `${HELD}
    UPDATE content_journal j SET verified_at = now(), attempts = 0, due_at = now() + $7::float8 * interval '1 s'
    FROM held WHERE ${IS_HELD} AND ${FORGETTABLE}`,
};

/**
 * A read-back found something else. This one must be on the disk before anybody writes the words
 * again: were it forgotten, the row would vouch by its old read-back for a write that is brand-new.
 */
export const LOST: Statement = {
  name: 'relay.lost',
  text: `${HELD}
    UPDATE content_journal j
    SET stored_at = NULL, verified_at = NULL, attempts = 0, round = j.round + 1, due_at = now(), created_at = now()
    FROM held WHERE ${IS_HELD}`,
};

/** Both read-backs found the right words, or the pair is gone from PostgreSQL. */
export const FORGET: Statement = {
  name: 'relay.forget',
  text: `${HELD}
    DELETE FROM content_journal j USING held WHERE ${IS_HELD} AND ${FORGETTABLE}`,
};

/** Could not be done: they come back after 0.2 s, then after twice as long each time up to 10 s. */
export const FAILED: Statement = {
  name: 'relay.failed',
  text: `${HELD}
    UPDATE content_journal j
    SET attempts = j.attempts + 1, due_at = now() + least(10, 0.2 * 2 ^ least(j.attempts, 10)) * interval '1 s'
    FROM held WHERE ${IS_HELD} AND ${FORGETTABLE}`,
};

/** Were not tried: whoever comes next may have them at once. */
export const UNTOUCHED: Statement = {
  name: 'relay.untouched',
  text: `${HELD}
    UPDATE content_journal j SET due_at = now() FROM held WHERE ${IS_HELD} AND ${FORGETTABLE}`,
};

/**
 * Makes all unsent rows due. For tests and repair; a relay that holds one of them loses it, which
 * is harmless. It waits for rows, so it takes them in their order.
 */
export const HURRY: Statement = {
  name: 'relay.hurry',
  text: `
    WITH unsent AS (
      SELECT account_id, chat_id, seq FROM content_journal WHERE stored_at IS NULL AND due_at > now()
      ORDER BY account_id, chat_id, seq FOR UPDATE
    )
    UPDATE content_journal j SET due_at = now()
    FROM unsent WHERE j.account_id = unsent.account_id AND j.chat_id = unsent.chat_id AND j.seq = unsent.seq`,
};

export const COUNT_UNSENT: Statement = {
  name: 'relay.count_unsent',
  text: `SELECT count(*)::int AS rows FROM content_journal WHERE stored_at IS NULL`,
};
