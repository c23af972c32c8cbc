import type { MigrationInterface, QueryRunner } from 'typeorm';

/** The highlights that a model chose, so that it is asked once for each state of a chat. */
export class SummaryHighlights1764000000032 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE summary_highlights (
        account_id uuid NOT NULL,
        chat_id uuid NOT NULL,
        revision integer NOT NULL,
        highlights jsonb NOT NULL,
        generated_by text NOT NULL,
        CONSTRAINT summary_highlights_pkey PRIMARY KEY (account_id, chat_id)
      )`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`DROP TABLE summary_highlights`);
  }
}
