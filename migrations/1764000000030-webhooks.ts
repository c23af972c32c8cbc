import type { MigrationInterface, QueryRunner } from 'typeorm';

const UP = [
  // There while the account has a webhook. Whoever makes or deletes one locks it.
  `
  CREATE TABLE webhook_accounts (
    account_id uuid NOT NULL CONSTRAINT webhook_accounts_account REFERENCES accounts (account_id) ON DELETE CASCADE,
    swept_at timestamptz NOT NULL,
    CONSTRAINT webhook_accounts_pkey PRIMARY KEY (account_id)
  )`,
  `
  CREATE TABLE webhooks (
    account_id uuid NOT NULL CONSTRAINT webhooks_account REFERENCES webhook_accounts (account_id) ON DELETE CASCADE,
    webhook_id uuid NOT NULL,
    url text NOT NULL,
    events text[] NOT NULL,
    description text,
    enabled boolean NOT NULL DEFAULT true,
    disabled_reason text,
    secret text NOT NULL,
    old_secret text,
    old_secret_until timestamptz(3),
    failing_since timestamptz(3),
    created_at timestamptz(3) NOT NULL,
    updated_at timestamptz(3) NOT NULL,
    CONSTRAINT webhooks_pkey PRIMARY KEY (account_id, webhook_id),
    CONSTRAINT webhooks_disabled CHECK (disabled_reason IN ('gone', 'failing'))
  )`,
  // No foreign key to conversations: its triggers would be asked with every append. The purge takes
  // these rows.
  `
  CREATE TABLE webhook_positions (
    account_id uuid NOT NULL CONSTRAINT webhook_positions_account REFERENCES webhook_accounts (account_id) ON DELETE CASCADE,
    root_chat_id uuid NOT NULL,
    event_seq integer NOT NULL,
    CONSTRAINT webhook_positions_pkey PRIMARY KEY (account_id, root_chat_id)
  ) WITH (fillfactor = 70)`,
  `
  CREATE TABLE webhook_deliveries (
    account_id uuid NOT NULL,
    webhook_id uuid NOT NULL,
    delivery_id uuid NOT NULL,
    root_chat_id uuid,
    event_seq integer,
    type text NOT NULL,
    payload text NOT NULL,
    status text NOT NULL DEFAULT 'pending',
    attempts integer NOT NULL DEFAULT 0,
    last_status integer,
    last_error text,
    due_at timestamptz NOT NULL,
    created_at timestamptz(3) NOT NULL,
    settled_at timestamptz(3),
    CONSTRAINT webhook_deliveries_pkey PRIMARY KEY (account_id, webhook_id, delivery_id),
    CONSTRAINT webhook_deliveries_webhook FOREIGN KEY (account_id, webhook_id)
      REFERENCES webhooks (account_id, webhook_id) ON DELETE CASCADE,
    CONSTRAINT webhook_deliveries_status CHECK (status IN ('pending', 'delivered', 'failed')),
    CONSTRAINT webhook_deliveries_settled CHECK ((status = 'pending') = (settled_at IS NULL))
  )`,
  // One delivery of an event to a webhook, however many instances read the event. Tests have none:
  // nulls are distinct.
  `CREATE UNIQUE INDEX webhook_deliveries_once ON webhook_deliveries (account_id, root_chat_id, event_seq, webhook_id)`,
  `CREATE INDEX webhook_deliveries_due ON webhook_deliveries (account_id, webhook_id, due_at) WHERE settled_at IS NULL`,
  `CREATE INDEX webhook_deliveries_settled_at ON webhook_deliveries (settled_at) WHERE settled_at IS NOT NULL`,
];

/**
 * Outgoing webhooks: who wants to be told, how far each conversation was read for them, and what is
 * on its way.
 */
export class Webhooks1764000000030 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    for (const statement of UP) await runner.query(statement);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(
      `DROP TABLE webhook_deliveries, webhook_positions, webhooks, webhook_accounts`,
    );
  }
}
