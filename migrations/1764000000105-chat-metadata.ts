import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * What clients note of their chats, and what chats are found by: terms, in each of which is the
 * account (`src/common/metadata.ts`).
 */
export class ChatMetadata1764000000105 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(
      `ALTER TABLE chats ADD COLUMN metadata text, ADD COLUMN metadata_terms text[]`,
    );
    await runner.query(
      `CREATE INDEX chats_metadata ON chats USING gin (metadata_terms) WHERE metadata_terms IS NOT NULL`,
    );
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`ALTER TABLE chats DROP COLUMN metadata, DROP COLUMN metadata_terms`);
  }
}
