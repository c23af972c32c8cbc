import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * Which calls of tools the response of a pair makes, so that their results are known to be of such
 * without reading words. Null of most pairs, also of those that a server of the version before
 * writes: it makes no calls.
 */
export class MessageCalls1764000000110 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`ALTER TABLE messages ADD COLUMN call_ids text[]`);
    await runner.query(
      `CREATE INDEX messages_calls ON messages (account_id, chat_id, seq) WHERE call_ids IS NOT NULL`,
    );
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`DROP INDEX messages_calls`);
    await runner.query(`ALTER TABLE messages DROP COLUMN call_ids`);
  }
}
