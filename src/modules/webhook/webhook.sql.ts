import type { Statement } from '../../database/database.js';
import type { DeliveryStatus } from './webhook-delivery.entity.js';
import type { DeliveryType, WebhookEvent } from './webhook-events.js';
import type { DisabledReason } from './webhook.entity.js';

/** A webhook as its owner sees it: without its secrets. */
export interface WebhookRow extends Record<string, unknown> {
  webhook_id: string;
  url: string;
  events: WebhookEvent[];
  description: string | null;
  enabled: boolean;
  disabled_reason: DisabledReason | null;
  failing_since: Date | null;
  created_at: Date;
  updated_at: Date;
}

const COLUMNS =
  'webhook_id, url, events, description, enabled, disabled_reason, failing_since, created_at, updated_at';

export const FIND: Statement = {
  name: 'webhook.find',
  text: `SELECT ${COLUMNS} FROM webhooks WHERE account_id = $1 AND webhook_id = $2`,
};

export const LIST: Statement = {
  name: 'webhook.list',
  text: `SELECT ${COLUMNS} FROM webhooks WHERE account_id = $1 AND webhook_id < $2 ORDER BY account_id, webhook_id DESC LIMIT $3`,
};

/**
 * Makes or finds the row and locks it, in one step: it may be deleted with the last webhook at any
 * moment before.
 */
export const LOCK_ACCOUNT = `
  INSERT INTO webhook_accounts AS a (account_id, swept_at) VALUES ($1, now())
  ON CONFLICT (account_id) DO UPDATE SET swept_at = a.swept_at
  RETURNING xmax = 0 AS is_new`;

/**
 * With the first webhook of an account: all that happened before is not told of. $3 conversations
 * behind $2; answers the last of them. Whatever is committed later has a higher number, and a
 * conversation that is missed here is younger than the webhook.
 */
export const SKIP_PAST = `
  WITH part AS MATERIALIZED (
    SELECT chat_id, event_seq FROM conversations WHERE account_id = $1 AND chat_id > $2 ORDER BY chat_id LIMIT $3
  ),
  placed AS (
    INSERT INTO webhook_positions (account_id, root_chat_id, event_seq) SELECT $1, chat_id, event_seq FROM part
  )
  SELECT (array_agg(chat_id ORDER BY chat_id DESC))[1] AS last FROM part`;

export const INSERT = `
  INSERT INTO webhooks (account_id, webhook_id, url, events, description, secret, created_at, updated_at)
  VALUES ($1, $2, $3, $4, $5, $6, now(), now()) RETURNING ${COLUMNS}`;

/**
 * $3 url, $4 events, $5 whether $6 is the description, $7 enabled; null leaves things as they are.
 */
export const UPDATE: Statement = {
  name: 'webhook.update',
  text: `
    UPDATE webhooks SET url = coalesce($3::text, url), events = coalesce($4::text[], events),
      description = CASE WHEN $5::boolean THEN $6::text ELSE description END,
      enabled = coalesce($7::boolean, enabled),
      disabled_reason = CASE WHEN $7::boolean IS NULL THEN disabled_reason END,
      failing_since = CASE WHEN $7::boolean THEN NULL ELSE failing_since END,
      updated_at = now()
    WHERE account_id = $1 AND webhook_id = $2 RETURNING ${COLUMNS}`,
};

export const ROTATE = `
  UPDATE webhooks SET old_secret = secret, old_secret_until = now() + interval '24 h', secret = $3, updated_at = now()
  WHERE account_id = $1 AND webhook_id = $2 RETURNING ${COLUMNS}`;

/**
 * Whoever deletes holds the account before the webhook, and both before their deliveries: nothing
 * can be written for them meanwhile, as that begins with sharing these rows
 * (docs/decisions/0017-lock-order.md).
 */
export const HOLD_ACCOUNT = `SELECT FROM webhook_accounts WHERE account_id = $1 FOR UPDATE`;
export const HOLD_WEBHOOK = `SELECT FROM webhooks WHERE account_id = $1 AND webhook_id = $2 FOR UPDATE`;

/** $3 rows at most, in the order in which all take several of them. */
export const REMOVE_DELIVERIES: Statement = {
  name: 'webhook.remove_deliveries',
  text: `
    WITH part AS MATERIALIZED (
      SELECT delivery_id FROM webhook_deliveries WHERE account_id = $1 AND webhook_id = $2 ORDER BY delivery_id LIMIT $3 FOR UPDATE
    )
    DELETE FROM webhook_deliveries d USING part
    WHERE d.account_id = $1 AND d.webhook_id = $2 AND d.delivery_id = part.delivery_id RETURNING 1`,
};

/** $2 rows at most. */
export const REMOVE_POSITIONS = `
  WITH part AS (SELECT root_chat_id FROM webhook_positions WHERE account_id = $1 LIMIT $2),
  removed AS (
    DELETE FROM webhook_positions p USING part WHERE p.account_id = $1 AND p.root_chat_id = part.root_chat_id RETURNING 1
  )
  SELECT count(*)::int AS removed FROM removed`;

/** With the answers of keys, which hold its secret. */
export const REMOVE = `
  WITH answers AS (
    DELETE FROM idempotency_keys WHERE account_id = $1 AND scope LIKE 'POST %/webhooks%' AND answer LIKE '%' || $2::text || '%'
  )
  DELETE FROM webhooks WHERE account_id = $1 AND webhook_id = $2::uuid`;

/** A delivery as the owner of its webhook sees it. */
export interface DeliveryRow extends Record<string, unknown> {
  delivery_id: string;
  type: DeliveryType;
  root_chat_id: string | null;
  event_seq: number | null;
  status: DeliveryStatus;
  attempts: number;
  last_status: number | null;
  last_error: string | null;
  due_at: Date;
  created_at: Date;
  settled_at: Date | null;
}

const DELIVERY_COLUMNS =
  'delivery_id, type, root_chat_id, event_seq, status, attempts, last_status, last_error, due_at, created_at, settled_at';

export const LIST_DELIVERIES: Statement = {
  name: 'webhook.list_deliveries',
  text: `
    SELECT ${DELIVERY_COLUMNS} FROM webhook_deliveries
    WHERE account_id = $1 AND webhook_id = $2 AND delivery_id < $3 AND ($5::text IS NULL OR status = $5::text)
    ORDER BY account_id, webhook_id, delivery_id DESC LIMIT $4`,
};

export const INSERT_TEST = `
  INSERT INTO webhook_deliveries (account_id, webhook_id, delivery_id, type, payload, ready, due_at, created_at)
  SELECT account_id, webhook_id, $3, 'webhook.test', $4, true, now(), now() FROM webhooks WHERE account_id = $1 AND webhook_id = $2 AND enabled
  RETURNING ${DELIVERY_COLUMNS}`;
