import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * Which sides of an answer to a history its client has saved in a conversation since. Where a
 * history was found by ids there is no hash of it.
 */
export class SavedTurns1764000000143 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      ALTER TABLE history_places
        ALTER COLUMN hash DROP NOT NULL,
        ADD COLUMN is_question_saved boolean NOT NULL DEFAULT false,
        ADD COLUMN is_response_saved boolean NOT NULL DEFAULT false`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`DELETE FROM history_places WHERE hash IS NULL`);
    await runner.query(`
      ALTER TABLE history_places
        DROP COLUMN is_response_saved,
        DROP COLUMN is_question_saved,
        ALTER COLUMN hash SET NOT NULL`);
  }
}
