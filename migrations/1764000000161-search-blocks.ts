import type { MigrationInterface, QueryRunner } from 'typeorm';

/** As `search-blocks.ts` asks for them: blocks of 1, 8, 64 and 512 days. */
const BLOCKS = `(ARRAY[
  account_id::text || '/1/' || (((created_at AT TIME ZONE 'UTC')::date - DATE '1970-01-01') >> 0),
  account_id::text || '/8/' || (((created_at AT TIME ZONE 'UTC')::date - DATE '1970-01-01') >> 3),
  account_id::text || '/64/' || (((created_at AT TIME ZONE 'UTC')::date - DATE '1970-01-01') >> 6),
  account_id::text || '/512/' || (((created_at AT TIME ZONE 'UTC')::date - DATE '1970-01-01') >> 9)])`;

/**
 * Beside its words the index has the blocks of time of each pair, so that a search fetches no more
 * than the newest hits. A search by words alone, as the version before sends it, uses it too.
 * PostgreSQL fills it of the rows that are there, some 100 seconds for a million pairs; meanwhile
 * searches go on, and what is made findable behind an append comes later.
 */
export class SearchBlocks1764000000161 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(
      `CREATE INDEX message_search_blocks ON message_search USING gin (words, ${BLOCKS})`,
    );
    await runner.query(`DROP INDEX message_search_words`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`CREATE INDEX message_search_words ON message_search USING gin (words)`);
    await runner.query(`DROP INDEX message_search_blocks`);
  }
}
