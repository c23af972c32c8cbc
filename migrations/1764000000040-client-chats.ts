import type { MigrationInterface, QueryRunner } from 'typeorm';

/** The ids that AI SDK clients made up for their chats. */
export class ClientChats1764000000040 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE client_chats (
        account_id uuid NOT NULL,
        client_chat_id text NOT NULL,
        chat_id uuid NOT NULL,
        CONSTRAINT client_chats_pkey PRIMARY KEY (account_id, client_chat_id),
        CONSTRAINT client_chats_chat FOREIGN KEY (account_id, chat_id) REFERENCES chats (account_id, chat_id) ON DELETE CASCADE
      )`);
    await runner.query(`CREATE INDEX client_chats_of_chat ON client_chats (account_id, chat_id)`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`DROP TABLE client_chats`);
  }
}
