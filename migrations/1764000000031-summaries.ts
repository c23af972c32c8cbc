import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * How far the words of paths have been counted. Nothing is lost with these rows: they are counted
 * again.
 */
export class Summaries1764000000031 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE summary_marks (
        account_id uuid NOT NULL,
        chat_id uuid NOT NULL,
        seq integer NOT NULL,
        words bigint NOT NULL,
        responses integer NOT NULL,
        open_ids uuid[] NOT NULL,
        open_versions integer[] NOT NULL,
        CONSTRAINT summary_marks_pkey PRIMARY KEY (account_id, chat_id, seq)
      )`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`DROP TABLE summary_marks`);
  }
}
