import { Injectable } from '@nestjs/common';
import { Database, type Statement } from '../../database/database.js';
import { inBatches, type Job } from './job.js';

const BATCH = 1000;

const FORGET_KEYS: Statement = {
  name: 'maintenance.forget_keys',
  text: `
    WITH old AS MATERIALIZED (
      SELECT account_id, scope, key FROM idempotency_keys WHERE created_at < now() - interval '24 h' ORDER BY created_at LIMIT $1
      FOR UPDATE SKIP LOCKED
    )
    DELETE FROM idempotency_keys k USING old
    WHERE k.account_id = old.account_id AND k.scope = old.scope AND k.key = old.key
    RETURNING 1`,
};

/**
 * Answers of idempotent requests are kept for a day. They hold words, so they are not left lying
 * about.
 */
@Injectable()
export class IdempotencyKeysJob implements Job {
  readonly name = 'idempotency keys';
  readonly everySeconds = 600;

  constructor(private readonly database: Database) {}

  run(signal: AbortSignal): Promise<number> {
    return inBatches(
      BATCH,
      signal,
      async () => (await this.database.query(FORGET_KEYS, [BATCH])).length,
    );
  }
}

const NEXT_ACCOUNTS: Statement = {
  name: 'maintenance.next_accounts',
  text: `SELECT account_id FROM accounts WHERE $1::uuid IS NULL OR account_id > $1::uuid ORDER BY account_id LIMIT $2`,
};

/** By account, as the index is; the tokens of a family go with it. */
const FORGET_FAMILIES: Statement = {
  name: 'maintenance.forget_families',
  text: `
    DELETE FROM token_families WHERE (account_id, family_id) IN (
      SELECT account_id, family_id FROM token_families
      WHERE account_id = ANY ($1::uuid[]) AND expires_at < now() - interval '1 day' FOR UPDATE SKIP LOCKED)
    RETURNING 1`,
};

const FORGET_API_KEYS: Statement = {
  name: 'maintenance.forget_api_keys',
  text: `
    DELETE FROM api_keys WHERE (account_id, api_key_id) IN (
      SELECT account_id, api_key_id FROM api_keys
      WHERE account_id = ANY ($1::uuid[]) AND expires_at < now() - interval '30 days' FOR UPDATE SKIP LOCKED)
    RETURNING 1`,
};

const FORGET_TICKETS: Statement = {
  name: 'maintenance.forget_tickets',
  text: `
    DELETE FROM event_tickets WHERE (account_id, ticket_hash) IN (
      SELECT account_id, ticket_hash FROM event_tickets
      WHERE account_id = ANY ($1::uuid[]) AND expires_at < now() FOR UPDATE SKIP LOCKED)
    RETURNING 1`,
};

const FORGET_RESETS: Statement = {
  name: 'maintenance.forget_resets',
  text: `
    DELETE FROM password_resets WHERE account_id IN (
      SELECT account_id FROM password_resets
      WHERE account_id = ANY ($1::uuid[]) AND expires_at < now() FOR UPDATE SKIP LOCKED)
    RETURNING 1`,
};

/** Few, and of no account yet. */
const FORGET_INVITATIONS: Statement = {
  name: 'maintenance.forget_invitations',
  text: `
    DELETE FROM invitations WHERE account_id IN (
      SELECT account_id FROM invitations WHERE expires_at < now() FOR UPDATE SKIP LOCKED)
    RETURNING 1`,
};

/**
 * Sign-ins that ended a day ago, and API keys that ended a month ago (until then their owner may
 * want to see which one it was); tickets, password resets and invitations that nobody used.
 */
@Injectable()
export class SignInsJob implements Job {
  readonly name = 'sign-ins and API keys';
  readonly everySeconds = 6 * 3600;

  constructor(private readonly database: Database) {}

  async run(signal: AbortSignal): Promise<number> {
    let removed = (await this.database.query(FORGET_INVITATIONS, [])).length;
    for (let after: string | null = null; !signal.aborted;) {
      const accounts: { account_id: string }[] = await this.database.query(NEXT_ACCOUNTS, [
        after,
        BATCH,
      ]);
      const ids = accounts.map((row) => row.account_id);
      if (ids.length === 0) break;
      removed += (await this.database.query(FORGET_FAMILIES, [ids])).length;
      removed += (await this.database.query(FORGET_API_KEYS, [ids])).length;
      removed += (await this.database.query(FORGET_TICKETS, [ids])).length;
      removed += (await this.database.query(FORGET_RESETS, [ids])).length;
      after = ids.at(-1)!;
    }
    return removed;
  }
}

const FORGET_DELIVERIES: Statement = {
  name: 'maintenance.forget_deliveries',
  text: `
    WITH old AS MATERIALIZED (
      SELECT account_id, webhook_id, delivery_id FROM webhook_deliveries
      WHERE settled_at < now() - interval '7 days' ORDER BY settled_at LIMIT $1 FOR UPDATE SKIP LOCKED
    )
    DELETE FROM webhook_deliveries d USING old
    WHERE d.account_id = old.account_id AND d.webhook_id = old.webhook_id AND d.delivery_id = old.delivery_id
    RETURNING 1`,
};

/** Deliveries of webhooks that were made, or given up, a week ago. */
@Injectable()
export class DeliveriesJob implements Job {
  readonly name = 'webhook deliveries';
  readonly everySeconds = 600;

  constructor(private readonly database: Database) {}

  run(signal: AbortSignal): Promise<number> {
    return inBatches(
      BATCH,
      signal,
      async () => (await this.database.query(FORGET_DELIVERIES, [BATCH])).length,
    );
  }
}
