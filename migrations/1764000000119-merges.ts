import type { MigrationInterface, QueryRunner } from 'typeorm';

const UP = [
  // What was brought from one branch to another: once for each of them.
  `
  CREATE TABLE merges (
    account_id uuid NOT NULL,
    response_id uuid NOT NULL,
    root_chat_id uuid NOT NULL,
    chat_id uuid NOT NULL,
    mode text NOT NULL,
    sources uuid[] NOT NULL,
    is_copy boolean NOT NULL,
    CONSTRAINT merges_pkey PRIMARY KEY (account_id, response_id),
    CONSTRAINT merges_mode CHECK (mode IN ('summary', 'pairs')),
    CONSTRAINT merges_pair FOREIGN KEY (account_id, response_id) REFERENCES messages (account_id, response_id) ON DELETE CASCADE
  )`,
  `CREATE UNIQUE INDEX merges_once ON merges (account_id, chat_id, mode, sources)`,
  `CREATE INDEX merges_of_tree ON merges (account_id, root_chat_id)`,
  // The pair of another conversation from which a conversation was started.
  `ALTER TABLE conversations ADD COLUMN started_by uuid`,
  `CREATE INDEX conversations_started ON conversations (account_id, started_by, chat_id) WHERE started_by IS NOT NULL`,
];

/** What a branch found goes back to the main line; a conversation may be started by a pair. */
export class Merges1764000000119 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    for (const statement of UP) await runner.query(statement);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`DROP INDEX conversations_started`);
    await runner.query(`ALTER TABLE conversations DROP COLUMN started_by`);
    await runner.query(`DROP TABLE merges`);
  }
}
