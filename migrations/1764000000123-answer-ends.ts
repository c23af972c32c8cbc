import type { MigrationInterface, QueryRunner } from 'typeorm';

/** When an answer came to its end. Nobody knows it of those that ended before this column. */
export class AnswerEnds1764000000123 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`ALTER TABLE messages ADD COLUMN ended_at timestamptz(3)`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`ALTER TABLE messages DROP COLUMN ended_at`);
  }
}
