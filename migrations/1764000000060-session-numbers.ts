import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * The numbers of `POST /sessions`: the sessions are in the memory of one process, their numbers are
 * of all.
 */
export class SessionNumbers1764000000060 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE session_number_counters (
        account_id uuid NOT NULL CONSTRAINT session_number_counters_pkey PRIMARY KEY,
        last integer NOT NULL
      ) WITH (fillfactor = 70)`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`DROP TABLE session_number_counters`);
  }
}
