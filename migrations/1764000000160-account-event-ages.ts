import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * When an event of an account got its number, and up to which one they may have gone by their age.
 * Rows that are there count from now: no row is written, and a version before this one goes on.
 */
export class AccountEventAges1764000000160 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(
      `ALTER TABLE account_events ADD COLUMN created_at timestamptz(3) NOT NULL DEFAULT now()`,
    );
    await runner.query(
      `ALTER TABLE account_feeds ADD COLUMN thinned_to integer NOT NULL DEFAULT 0`,
    );
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`ALTER TABLE account_feeds DROP COLUMN thinned_to`);
    await runner.query(`ALTER TABLE account_events DROP COLUMN created_at`);
  }
}
