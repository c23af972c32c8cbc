import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * How many questions a mark counts; null where the version before wrote it, which took each pair
 * for one: such a mark is counted anew.
 */
export class SummaryQuestions1764000000140 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`ALTER TABLE summary_marks ADD COLUMN questions integer`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`ALTER TABLE summary_marks DROP COLUMN questions`);
  }
}
