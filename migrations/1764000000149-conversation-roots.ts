import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * A conversation has a root chat. Looked at when a transaction ends: some make the conversation
 * first, and the purge takes the chat first. An append pays nothing for it, as it changes no key on
 * either side. Not of rows that are there: those are held by fsck (I7).
 */
export class ConversationRoots1764000000149 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      ALTER TABLE conversations ADD CONSTRAINT conversations_root FOREIGN KEY (account_id, chat_id)
      REFERENCES chats (account_id, chat_id) DEFERRABLE INITIALLY DEFERRED NOT VALID`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`ALTER TABLE conversations DROP CONSTRAINT conversations_root`);
  }
}
