import type { Statement } from '../../database/database.js';
import type { AccountEventType } from '../../events/account-changes.js';

/** So many events of a conversation are numbered at a time. */
export const EVENTS_MAX = 100;
/** Of what was there before anybody followed the account, so many events get numbers. */
export const HISTORY_MAX = 10_000;

export interface FeedRow extends Record<string, unknown> {
  seq: number;
  begun: boolean;
  thinned_to: number;
}

export const FIND_FEED: Statement = {
  name: 'account_events.find_feed',
  text: `SELECT seq, begun, thinned_to FROM account_feeds WHERE account_id = $1`,
};

export const MAKE_FEED: Statement = {
  name: 'account_events.make_feed',
  text: `INSERT INTO account_feeds (account_id) VALUES ($1) ON CONFLICT DO NOTHING`,
};

/**
 * The next 5,000 conversations of an account before $2, newest first, of which those get no numbers
 * for what was in them before that have more than $3 events in all with the newer ones of these.
 * Answers the oldest of them, and how many events they have.
 */
export const SKIP_OLD: Statement = {
  name: 'account_events.skip_old',
  text: `
    WITH part AS MATERIALIZED (
      SELECT v.chat_id, v.event_seq, sum(v.event_seq) OVER (ORDER BY v.chat_id DESC) AS total FROM (
        SELECT chat_id, event_seq FROM conversations WHERE account_id = $1 AND chat_id < $2 ORDER BY chat_id DESC LIMIT 5000
      ) v
    ),
    skipped AS (
      INSERT INTO account_positions (account_id, root_chat_id, event_seq)
      SELECT $1, chat_id, event_seq FROM part WHERE total > $3 ON CONFLICT DO NOTHING
    )
    SELECT (array_agg(chat_id ORDER BY chat_id))[1] AS last, coalesce(max(total), 0)::float8 AS total FROM part`,
};

export const BEGUN: Statement = {
  name: 'account_events.begun',
  text: `UPDATE account_feeds SET begun = true WHERE account_id = $1 AND NOT begun`,
};

/**
 * The next 5,000 conversations of an account behind $2: the last of them, and which have events
 * without a number.
 */
export const FIND_BEHIND: Statement = {
  name: 'account_events.find_behind',
  text: `
    WITH part AS MATERIALIZED (
      SELECT v.chat_id, v.event_seq,
        (SELECT p.event_seq FROM account_positions p WHERE p.account_id = $1 AND p.root_chat_id = v.chat_id) AS position
      FROM conversations v WHERE v.account_id = $1 AND v.chat_id > $2 ORDER BY v.chat_id LIMIT 5000
    )
    SELECT (array_agg(chat_id ORDER BY chat_id DESC))[1] AS last,
      coalesce(array_agg(chat_id) FILTER (WHERE event_seq > coalesce(position, 0)), '{}') AS behind
    FROM part`,
};

/**
 * Whoever gives numbers goes first through this; a statement of its own, so that the next one sees
 * all before it.
 */
export const LOCK_FEED = `SELECT seq FROM account_feeds WHERE account_id = $1 FOR UPDATE`;

/**
 * Numbers what is new in the conversations $2, $3 being the newest number: in the order of their
 * clocks, but never against that of a conversation. Answers of which there were how many.
 */
export const NUMBER = `
  WITH found AS MATERIALIZED (
    SELECT e.* FROM unnest($2::uuid[]) AS changed (root_chat_id)
    LEFT JOIN account_positions p ON p.account_id = $1 AND p.root_chat_id = changed.root_chat_id
    CROSS JOIN LATERAL (
      SELECT root_chat_id, seq, type, chat_id, response_id, created_at FROM events
      WHERE account_id = $1 AND root_chat_id = changed.root_chat_id AND seq > coalesce(p.event_seq, 0) ORDER BY seq LIMIT ${EVENTS_MAX}
    ) e
  ),
  timed AS (SELECT *, max(created_at) OVER (PARTITION BY root_chat_id ORDER BY seq) AS at FROM found),
  numbered AS (
    INSERT INTO account_events (account_id, seq, type, root_chat_id, subject_id, response_id)
    SELECT $1, $3 + row_number() OVER (ORDER BY at, root_chat_id, timed.seq), type, root_chat_id, chat_id, response_id FROM timed
  ),
  moved AS (
    INSERT INTO account_positions AS p (account_id, root_chat_id, event_seq)
    SELECT $1, root_chat_id, max(seq) FROM found GROUP BY root_chat_id ORDER BY root_chat_id
    ON CONFLICT (account_id, root_chat_id) DO UPDATE SET event_seq = excluded.event_seq
  ),
  counted AS (
    UPDATE account_feeds SET seq = seq + (SELECT count(*) FROM found) WHERE account_id = $1 AND EXISTS (SELECT FROM found)
  )
  SELECT root_chat_id, count(*)::int AS events FROM found GROUP BY root_chat_id`;

export interface AccountEventRow extends Record<string, unknown> {
  seq: number;
  type: AccountEventType;
  root_chat_id: string | null;
  /** The chat, the file or the import. */
  subject_id: string;
  response_id: string | null;
  /** Of a pair that is still there. */
  status: string | null;
}

/** $1 account, $2 the last number known, $3 how many. */
export const EVENTS_AFTER: Statement = {
  name: 'account_events.after',
  text: `
    SELECT e.seq, e.type, e.root_chat_id, e.subject_id, e.response_id, m.status FROM (
      SELECT * FROM account_events WHERE account_id = $1 AND seq > $2 ORDER BY seq LIMIT $3
    ) e
    LEFT JOIN messages m ON m.account_id = $1 AND m.response_id = e.response_id
    ORDER BY e.seq`,
};
