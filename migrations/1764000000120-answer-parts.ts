import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * Pieces of answers beside their text: thoughts, calls of tools and whole parts. Among the `sizes`
 * of a row each of them is a 0, which versions before this one read as an empty text.
 */
export class AnswerParts1764000000120 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`ALTER TABLE generation_chunks ADD COLUMN parts text`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`ALTER TABLE generation_chunks DROP COLUMN parts`);
  }
}
