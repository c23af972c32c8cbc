import type { MigrationInterface, QueryRunner } from 'typeorm';

const UP = [
  // Living chats of a tree in the order of its pages; it also finds what the index that it replaces
  // found.
  `CREATE INDEX chats_tree ON chats (account_id, root_chat_id, deleted_at, depth, chat_id)`,
  `DROP INDEX chats_conversation`,
  // Not filled: a number that nobody kept is counted when it is first asked for.
  `ALTER TABLE conversations ADD COLUMN chats_total integer, ADD COLUMN chats_revision integer`,
];

/** Trees of any size are read in pages, and know how many chats they have. */
export class TreePages1764000000104 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    for (const statement of UP) await runner.query(statement);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(
      `ALTER TABLE conversations DROP COLUMN chats_total, DROP COLUMN chats_revision`,
    );
    await runner.query(`CREATE INDEX chats_conversation ON chats (account_id, root_chat_id)`);
    await runner.query(`DROP INDEX chats_tree`);
  }
}
