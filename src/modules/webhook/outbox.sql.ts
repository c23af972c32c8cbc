import type { Statement } from '../../database/database.js';

/**
 * $1 accounts, $2 conversations (in step); of each 100 events at most. Only those of accounts with
 * webhooks, and only what is beyond their position.
 */
export const READ_EVENTS: Statement = {
  name: 'webhook.read_events',
  text: `
    SELECT e.account_id, e.root_chat_id, e.seq, e.type, e.chat_id, e.response_id, e.created_at,
      m.seq AS pair_seq, m.version AS pair_version, m.status AS pair_status, c.parent_chat_id, c.fork_seq, c.fork_response_id
    FROM unnest($1::uuid[], $2::uuid[]) AS changed (account_id, root_chat_id)
    JOIN webhook_accounts a ON a.account_id = changed.account_id
    LEFT JOIN webhook_positions p ON p.account_id = changed.account_id AND p.root_chat_id = changed.root_chat_id
    CROSS JOIN LATERAL (
      SELECT * FROM events e
      WHERE e.account_id = changed.account_id AND e.root_chat_id = changed.root_chat_id AND e.seq > coalesce(p.event_seq, 0)
      ORDER BY e.seq LIMIT 100
    ) e
    LEFT JOIN messages m ON m.account_id = e.account_id AND m.response_id = e.response_id
    LEFT JOIN chats c ON c.account_id = e.account_id AND c.chat_id = e.chat_id
    ORDER BY e.account_id, e.root_chat_id, e.seq`,
};

/** Who of these accounts wants to be told of what. */
export const READ_WEBHOOKS: Statement = {
  name: 'webhook.read_webhooks',
  text: `SELECT account_id, webhook_id, events FROM webhooks WHERE account_id = ANY ($1::uuid[]) AND enabled`,
};

/**
 * $1 to $3: positions (account, conversation, seq); $4 to $10: deliveries. A position only moves
 * forward and an event is delivered to a webhook once, so two instances that have read the same
 * events do no harm. Webhooks that are being deleted are waited for, and then left out. Locks are
 * taken in the order of docs/decisions/0017-lock-order.md: each step counts the one before, so it
 * begins when that has ended.
 */
export const WRITE_DELIVERIES: Statement = {
  name: 'webhook.write_deliveries',
  text: `
    WITH account AS MATERIALIZED (
      SELECT account_id FROM webhook_accounts WHERE account_id = ANY ($1::uuid[]) ORDER BY account_id FOR KEY SHARE
    ),
    made AS (
      INSERT INTO webhook_deliveries (account_id, webhook_id, delivery_id, root_chat_id, event_seq, type, payload, ready, due_at, created_at)
      SELECT d.*, true, now(), now()
      FROM unnest($4::uuid[], $5::uuid[], $6::uuid[], $7::uuid[], $8::int[], $9::text[], $10::text[])
        AS d (account_id, webhook_id, delivery_id, root_chat_id, event_seq, type, payload)
      JOIN webhooks w ON w.account_id = d.account_id AND w.webhook_id = d.webhook_id
      WHERE (SELECT count(*) FROM account) > 0
      ORDER BY d.account_id, d.root_chat_id, d.event_seq, d.webhook_id FOR KEY SHARE OF w
      ON CONFLICT (account_id, root_chat_id, event_seq, webhook_id) DO NOTHING
      RETURNING delivery_id
    ),
    moved AS (
      INSERT INTO webhook_positions AS p (account_id, root_chat_id, event_seq)
      SELECT m.* FROM unnest($1::uuid[], $2::uuid[], $3::int[]) AS m (account_id, root_chat_id, event_seq) JOIN account USING (account_id)
      WHERE (SELECT count(*) FROM made) >= 0
      ORDER BY m.account_id, m.root_chat_id
      ON CONFLICT (account_id, root_chat_id) DO UPDATE SET event_seq = greatest(p.event_seq, excluded.event_seq)
    )
    SELECT delivery_id FROM made`,
};

/** One account whose turn it is to be looked through. $1 seconds between two looks. */
export const CLAIM_SWEEP: Statement = {
  name: 'webhook.claim_sweep',
  text: `
    UPDATE webhook_accounts a SET swept_at = now()
    FROM (
      SELECT account_id FROM webhook_accounts WHERE swept_at <= now() - $1::float8 * interval '1 s'
      ORDER BY swept_at LIMIT 1 FOR UPDATE SKIP LOCKED
    ) due
    WHERE a.account_id = due.account_id RETURNING a.account_id`,
};

/**
 * The next 5,000 conversations of an account: the last of them, and which of them have events
 * beyond their position.
 */
export const FIND_BEHIND: Statement = {
  name: 'webhook.find_behind',
  text: `
    WITH part AS MATERIALIZED (
      SELECT v.chat_id, v.event_seq,
        (SELECT p.event_seq FROM webhook_positions p WHERE p.account_id = $1 AND p.root_chat_id = v.chat_id) AS position
      FROM conversations v WHERE v.account_id = $1 AND v.chat_id > $2 ORDER BY v.chat_id LIMIT 5000
    )
    SELECT (array_agg(chat_id ORDER BY chat_id DESC))[1] AS last,
      coalesce(array_agg(chat_id) FILTER (WHERE event_seq > coalesce(position, 0)), '{}') AS behind
    FROM part`,
};
