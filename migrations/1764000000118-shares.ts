import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Links by which people without an account read a branch. */
export class Shares1764000000118 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE shares (
        account_id uuid NOT NULL,
        share_id uuid NOT NULL,
        chat_id uuid NOT NULL,
        token_hash bytea NOT NULL,
        response_id uuid,
        last_seq integer,
        expires_at timestamptz(3),
        created_at timestamptz(3) NOT NULL,
        CONSTRAINT shares_pkey PRIMARY KEY (account_id, share_id),
        CONSTRAINT shares_chat FOREIGN KEY (account_id, chat_id) REFERENCES chats (account_id, chat_id) ON DELETE CASCADE
      )`);
    await runner.query(`CREATE UNIQUE INDEX shares_token ON shares (account_id, token_hash)`);
    await runner.query(`CREATE INDEX shares_of_chat ON shares (account_id, chat_id)`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`DROP TABLE shares`);
  }
}
