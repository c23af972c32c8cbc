import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Looks at the statuses that are there, beside everybody's work. */
export class ValidStatuses1764000000117 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`ALTER TABLE messages VALIDATE CONSTRAINT messages_status`);
  }

  /** Nothing to take back: what is valid stays so. */
  async down(): Promise<void> {}
}
