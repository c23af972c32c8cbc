import type { MigrationInterface, QueryRunner } from 'typeorm';

/** What the console hands out: one token a person, known by its hash alone. */
export class ConsoleTokens1764000000164 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE invitations (
        account_id uuid NOT NULL,
        token_hash bytea NOT NULL,
        created_at timestamptz(3) NOT NULL,
        expires_at timestamptz(3) NOT NULL,
        CONSTRAINT invitations_pkey PRIMARY KEY (account_id)
      )`);
    await runner.query(`
      CREATE TABLE password_resets (
        account_id uuid NOT NULL,
        token_hash bytea NOT NULL,
        created_at timestamptz(3) NOT NULL,
        expires_at timestamptz(3) NOT NULL,
        CONSTRAINT password_resets_pkey PRIMARY KEY (account_id),
        CONSTRAINT password_resets_account FOREIGN KEY (account_id) REFERENCES accounts (account_id) ON DELETE CASCADE
      )`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`DROP TABLE password_resets`);
    await runner.query(`DROP TABLE invitations`);
  }
}
