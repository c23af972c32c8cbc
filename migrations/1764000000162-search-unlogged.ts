import type { MigrationInterface, QueryRunner } from 'typeorm';

const EMPTY = `TRUNCATE message_search, search_accounts`;

/**
 * What pairs are found by is made of them, and was many times as much log as they are. Tables
 * without a log are empty after a crash of PostgreSQL, both at once, as they are after this: the
 * server fills them again, accounts that are searched first. Rows are not taken along, or searches
 * and erasures would wait until all of them were written anew.
 */
export class SearchUnlogged1764000000162 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(EMPTY);
    await runner.query(`ALTER TABLE message_search SET UNLOGGED`);
    await runner.query(`ALTER TABLE search_accounts SET UNLOGGED`);
    // The version before writes none: how far it walked may be from before they were emptied.
    await runner.query(`ALTER TABLE search_accounts ADD COLUMN row_id uuid`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(EMPTY);
    await runner.query(`ALTER TABLE search_accounts DROP COLUMN row_id`);
    await runner.query(`ALTER TABLE search_accounts SET LOGGED`);
    await runner.query(`ALTER TABLE message_search SET LOGGED`);
  }
}
