import type { Statement } from '../../database/database.js';

/** A delivery that this instance holds until `lease`, with where it goes. */
export interface ClaimedDelivery extends Record<string, unknown> {
  account_id: string;
  webhook_id: string;
  delivery_id: string;
  payload: string;
  attempts: number;
  /** `due_at` of the claim, as PostgreSQL's text: who finds another one has lost the row. */
  lease: string;
  url: string;
  enabled: boolean;
  secret: string;
  /** The one before the last rotation, while it is good. */
  old_secret: string | null;
}

/**
 * Requests that an instance has under way at most; of these for one account, and of these to one
 * webhook.
 */
export const AT_ONCE = { all: 32, account: 8, webhook: 4 } as const;

/**
 * What has waited for its time: $1 deliveries at most. What was claimed by an instance that died is
 * among them.
 */
export const MAKE_READY: Statement = {
  name: 'webhook.make_ready',
  text: `
    WITH due AS (
      SELECT account_id, webhook_id, delivery_id FROM webhook_deliveries
      WHERE settled_at IS NULL AND NOT ready AND due_at <= now() ORDER BY due_at LIMIT $1 FOR UPDATE SKIP LOCKED
    )
    UPDATE webhook_deliveries d SET ready = true FROM due
    WHERE d.account_id = due.account_id AND d.webhook_id = due.webhook_id AND d.delivery_id = due.delivery_id
    RETURNING 1`,
};

/**
 * $1 deliveries at most; $2, $3, $4 webhooks that are busy here (account, webhook, with how many);
 * $5 seconds of the lease.
 *
 * `hook` hops over the index from one webhook with something ready to the next, so that a receiver
 * with a million of them hides nobody else's. Everybody's first one goes before anybody's second,
 * and what is under way counts: slow receivers hold the places of their own account, and what
 * another account has goes at once. The limit that stands there as a number tells the planner how
 * few rows there are to find.
 */
export const CLAIM: Statement = {
  name: 'webhook.claim',
  text: `
    WITH RECURSIVE hook AS (
      (SELECT account_id, webhook_id FROM webhook_deliveries WHERE settled_at IS NULL AND ready
       ORDER BY account_id, webhook_id, due_at LIMIT 1)
      UNION ALL
      SELECT next.* FROM hook CROSS JOIN LATERAL (
        SELECT d.account_id, d.webhook_id FROM webhook_deliveries d
        WHERE d.settled_at IS NULL AND d.ready AND (d.account_id, d.webhook_id) > (hook.account_id, hook.webhook_id)
        ORDER BY d.account_id, d.webhook_id, d.due_at LIMIT 1
      ) next
    ),
    busy AS (SELECT * FROM unnest($2::uuid[], $3::uuid[], $4::int[]) AS busy (account_id, webhook_id, running)),
    of_webhook AS (
      SELECT d.*, coalesce(busy.running, 0) + row_number() OVER (PARTITION BY d.account_id, d.webhook_id ORDER BY d.due_at) AS turn
      FROM hook LEFT JOIN busy ON busy.webhook_id = hook.webhook_id
      CROSS JOIN LATERAL (
        SELECT d.account_id, d.webhook_id, d.delivery_id, d.due_at FROM webhook_deliveries d
        WHERE d.account_id = hook.account_id AND d.webhook_id = hook.webhook_id AND d.settled_at IS NULL AND d.ready AND d.due_at <= now()
        ORDER BY d.due_at LIMIT greatest(0, ${AT_ONCE.webhook} - coalesce(busy.running, 0))
      ) d
    ),
    of_account AS (
      SELECT d.*, coalesce(busy.running, 0) + row_number() OVER (PARTITION BY d.account_id ORDER BY d.turn, d.due_at) AS account_turn
      FROM of_webhook d LEFT JOIN (SELECT account_id, sum(running) AS running FROM busy GROUP BY account_id) busy USING (account_id)
    ),
    due AS (
      SELECT d.*, row_number() OVER (ORDER BY d.account_turn, d.due_at) AS place FROM of_account d
      WHERE d.account_turn <= ${AT_ONCE.account} ORDER BY d.account_turn, d.due_at LIMIT ${AT_ONCE.all}
    ),
    free AS (
      SELECT d.account_id, d.webhook_id, d.delivery_id
      FROM due JOIN webhook_deliveries d
        ON d.account_id = due.account_id AND d.webhook_id = due.webhook_id AND d.delivery_id = due.delivery_id
      WHERE due.place <= $1 AND d.settled_at IS NULL AND d.ready AND d.due_at <= now()
      FOR UPDATE OF d SKIP LOCKED
    )
    UPDATE webhook_deliveries d SET ready = false, due_at = clock_timestamp() + $5::float8 * interval '1 s'
    FROM free JOIN webhooks w ON w.account_id = free.account_id AND w.webhook_id = free.webhook_id
    WHERE d.account_id = free.account_id AND d.webhook_id = free.webhook_id AND d.delivery_id = free.delivery_id
    RETURNING d.account_id, d.webhook_id, d.delivery_id, d.payload, d.attempts, d.due_at::text AS lease,
      w.url, w.enabled, w.secret, CASE WHEN w.old_secret_until > now() THEN w.old_secret END AS old_secret`,
};

/** $1 account, $2 webhook, $3 delivery, $4 lease: the row while it is still ours. */
const HELD = `account_id = $1 AND webhook_id = $2 AND delivery_id = $3 AND due_at = $4::timestamptz AND settled_at IS NULL`;

/**
 * $5 the status that was answered. The webhook's row, where it has to change, is locked before the
 * delivery: as by whoever deletes them.
 */
export const SETTLE_DELIVERED: Statement = {
  name: 'webhook.settle_delivered',
  text: `
    WITH failing AS MATERIALIZED (
      SELECT webhook_id FROM webhooks WHERE account_id = $1 AND webhook_id = $2 AND failing_since IS NOT NULL FOR NO KEY UPDATE
    ),
    delivered AS (
      UPDATE webhook_deliveries SET status = 'delivered', attempts = attempts + 1, last_status = $5::int, last_error = NULL, settled_at = now()
      WHERE ${HELD} AND (SELECT count(*) FROM failing) >= 0 RETURNING account_id
    )
    UPDATE webhooks w SET failing_since = NULL FROM failing, delivered WHERE w.account_id = $1 AND w.webhook_id = failing.webhook_id`,
};

/**
 * $5 status, $6 error; $7 seconds until the next attempt, null to give up; $8 whether the receiver
 * is gone for good; $9 days of failing after which a webhook is disabled. Answers `enabled` and
 * `disabled_reason` of the webhook now; no row when the delivery was not ours any more.
 */
export const SETTLE_FAILED: Statement = {
  name: 'webhook.settle_failed',
  text: `
    WITH webhook AS MATERIALIZED (
      SELECT webhook_id FROM webhooks WHERE account_id = $1 AND webhook_id = $2 FOR NO KEY UPDATE
    ),
    failed AS (
      UPDATE webhook_deliveries SET attempts = attempts + 1, last_status = $5::int, last_error = $6::text,
        status = CASE WHEN $7::float8 IS NULL THEN 'failed' ELSE 'pending' END,
        settled_at = CASE WHEN $7::float8 IS NULL THEN now() END,
        ready = false, due_at = now() + coalesce($7::float8, 0) * interval '1 s'
      WHERE ${HELD} AND (SELECT count(*) FROM webhook) > 0 RETURNING account_id, webhook_id
    )
    UPDATE webhooks w SET
      failing_since = coalesce(w.failing_since, now()),
      enabled = w.enabled AND NOT over.is_over,
      disabled_reason = CASE WHEN w.enabled AND $8::boolean THEN 'gone' WHEN w.enabled AND over.is_over THEN 'failing' ELSE w.disabled_reason END,
      updated_at = CASE WHEN w.enabled AND over.is_over THEN now() ELSE w.updated_at END
    FROM failed, LATERAL (
      SELECT $8::boolean OR coalesce(o.failing_since <= now() - $9::float8 * interval '1 day', false) AS is_over
      FROM webhooks o WHERE o.account_id = failed.account_id AND o.webhook_id = failed.webhook_id
    ) over
    WHERE w.account_id = failed.account_id AND w.webhook_id = failed.webhook_id
    RETURNING w.enabled, w.disabled_reason`,
};

/** An attempt that was broken off by the end of this instance counts for nothing. */
export const GIVE_BACK: Statement = {
  name: 'webhook.give_back',
  text: `UPDATE webhook_deliveries SET ready = true, due_at = now() WHERE ${HELD}`,
};

/**
 * Nothing more is sent to a disabled webhook. $3 rows at most, in the order in which all take
 * several of them.
 */
export const GIVE_UP: Statement = {
  name: 'webhook.give_up',
  text: `
    WITH open AS MATERIALIZED (
      SELECT d.account_id, d.webhook_id, d.delivery_id
      FROM webhook_deliveries d JOIN webhooks w ON w.account_id = d.account_id AND w.webhook_id = d.webhook_id AND NOT w.enabled
      WHERE d.account_id = $1 AND d.webhook_id = $2 AND d.settled_at IS NULL ORDER BY d.delivery_id LIMIT $3 FOR UPDATE OF d
    )
    UPDATE webhook_deliveries d SET status = 'failed', settled_at = now(), last_error = coalesce(d.last_error, 'webhook_disabled')
    FROM open WHERE d.account_id = open.account_id AND d.webhook_id = open.webhook_id AND d.delivery_id = open.delivery_id
    RETURNING 1`,
};
