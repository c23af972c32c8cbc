import type { MigrationInterface, QueryRunner } from 'typeorm';

const UP = [
  `ALTER TABLE conversations ADD COLUMN listed_as uuid, ADD COLUMN made_of bytea`,
  // Touched by no append: what it is made of never changes.
  `CREATE INDEX conversations_listed ON conversations (account_id, (coalesce(listed_as, chat_id)))`,
];

/** Ids that clients choose for their chats: they say nothing of when a chat was made. */
export class ChosenChatIds1764000000148 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    for (const statement of UP) await runner.query(statement);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`DROP INDEX conversations_listed`);
    await runner.query(`ALTER TABLE conversations DROP COLUMN listed_as, DROP COLUMN made_of`);
  }
}
