import type { MigrationInterface, QueryRunner } from 'typeorm';

/** The numbers of chats that were made by `POST /first_message`. */
export class Facades1764000000010 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE chat_numbers (
        account_id uuid NOT NULL,
        number integer NOT NULL,
        chat_id uuid NOT NULL,
        CONSTRAINT chat_numbers_pkey PRIMARY KEY (account_id, number),
        CONSTRAINT chat_numbers_chat FOREIGN KEY (account_id, chat_id) REFERENCES chats (account_id, chat_id) ON DELETE CASCADE
      )`);
    await runner.query(
      `CREATE UNIQUE INDEX chat_numbers_of_chat ON chat_numbers (account_id, chat_id)`,
    );
    // A row of its own, and no sequence: a sequence leaves gaps where a transaction fails, and
    // would count for all accounts together.
    await runner.query(`
      CREATE TABLE chat_number_counters (
        account_id uuid NOT NULL CONSTRAINT chat_number_counters_pkey PRIMARY KEY,
        last integer NOT NULL
      ) WITH (fillfactor = 70)`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`DROP TABLE chat_number_counters, chat_numbers`);
  }
}
