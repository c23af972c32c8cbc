import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * Where each sign-in came from, as a tag: addresses that an account knows are not slowed by guesses
 * from others.
 */
export class SignInAddresses1764000000108 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`ALTER TABLE token_families ADD COLUMN address_tag bytea`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`ALTER TABLE token_families DROP COLUMN address_tag`);
  }
}
