import type { MigrationInterface, QueryRunner } from 'typeorm';

/** What a sign-in came from, for the list of them. Those of before stay without. */
export class SignInDevices1764000000163 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`ALTER TABLE token_families ADD COLUMN user_agent text`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`ALTER TABLE token_families DROP COLUMN user_agent`);
  }
}
