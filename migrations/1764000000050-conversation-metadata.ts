import type { MigrationInterface, QueryRunner } from 'typeorm';

/** What clients of OpenAI's API note at a conversation. */
export class ConversationMetadata1764000000050 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE conversation_notes (
        account_id uuid NOT NULL,
        chat_id uuid NOT NULL,
        metadata jsonb NOT NULL,
        CONSTRAINT conversation_notes_pkey PRIMARY KEY (account_id, chat_id),
        CONSTRAINT conversation_notes_chat FOREIGN KEY (account_id, chat_id) REFERENCES chats (account_id, chat_id) ON DELETE CASCADE
      )`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`DROP TABLE conversation_notes`);
  }
}
