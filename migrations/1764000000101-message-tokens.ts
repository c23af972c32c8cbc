import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * How many tokens the words of pairs have. Nothing is lost with these rows: they are counted again.
 */
export class MessageTokens1764000000101 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE message_tokens (
        account_id uuid NOT NULL,
        chat_id uuid NOT NULL,
        seq integer NOT NULL,
        version integer NOT NULL,
        tokens integer NOT NULL,
        CONSTRAINT message_tokens_pkey PRIMARY KEY (account_id, chat_id, seq)
      )`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`DROP TABLE message_tokens`);
  }
}
