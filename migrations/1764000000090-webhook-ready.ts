import type { MigrationInterface, QueryRunner } from 'typeorm';

const UP = [
  // What waits is found by its time, what may go by its webhook: who looks for the one never walks
  // over the other.
  `ALTER TABLE webhook_deliveries ADD COLUMN ready boolean NOT NULL DEFAULT false`,
  `CREATE INDEX webhook_deliveries_waiting ON webhook_deliveries (due_at) WHERE settled_at IS NULL AND NOT ready`,
  `CREATE INDEX webhook_deliveries_ready ON webhook_deliveries (account_id, webhook_id, due_at) WHERE settled_at IS NULL AND ready`,
  `CREATE INDEX webhook_accounts_swept ON webhook_accounts (swept_at)`,
];

/** Deliveries that wait for their time, apart from those that may go. */
export class WebhookReady1764000000090 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    for (const statement of UP) await runner.query(statement);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(
      `DROP INDEX webhook_accounts_swept, webhook_deliveries_ready, webhook_deliveries_waiting`,
    );
    await runner.query(`ALTER TABLE webhook_deliveries DROP COLUMN ready`);
  }
}
