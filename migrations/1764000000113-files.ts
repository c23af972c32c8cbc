import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * Files: what an account keeps (`files`), their bytes, each once for an account (`file_blobs`),
 * which pairs name them (`file_references`), what is still to be taken out of the stores
 * (`file_leftovers`), and the bytes themselves where PostgreSQL has them (`file_chunks`).
 */
export class Files1764000000113 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE file_accounts (
        account_id uuid NOT NULL CONSTRAINT file_accounts_pkey PRIMARY KEY,
        bytes bigint NOT NULL
      )`);
    await runner.query(`
      CREATE TABLE file_blobs (
        account_id uuid NOT NULL,
        sha256 bytea NOT NULL,
        blob_id uuid NOT NULL,
        store text NOT NULL,
        bytes bigint NOT NULL,
        media_type text NOT NULL,
        CONSTRAINT file_blobs_pkey PRIMARY KEY (account_id, sha256)
      )`);
    await runner.query(`CREATE UNIQUE INDEX file_blobs_blob ON file_blobs (account_id, blob_id)`);
    await runner.query(`
      CREATE TABLE files (
        account_id uuid NOT NULL,
        file_id uuid NOT NULL,
        sha256 bytea NOT NULL,
        name text,
        purpose text,
        taken boolean NOT NULL DEFAULT false,
        loose_since timestamptz(3),
        created_at timestamptz(3) NOT NULL,
        CONSTRAINT files_pkey PRIMARY KEY (account_id, file_id),
        CONSTRAINT files_blob FOREIGN KEY (account_id, sha256) REFERENCES file_blobs (account_id, sha256)
      )`);
    await runner.query(`CREATE INDEX files_of_blob ON files (account_id, sha256)`);
    await runner.query(
      `CREATE INDEX files_loose ON files (loose_since) WHERE loose_since IS NOT NULL`,
    );
    await runner.query(`
      CREATE TABLE file_references (
        account_id uuid NOT NULL,
        response_id uuid NOT NULL,
        file_id uuid NOT NULL,
        CONSTRAINT file_references_pkey PRIMARY KEY (account_id, response_id, file_id),
        CONSTRAINT file_references_file FOREIGN KEY (account_id, file_id) REFERENCES files (account_id, file_id)
      )`);
    await runner.query(
      `CREATE INDEX file_references_of_file ON file_references (account_id, file_id)`,
    );
    await runner.query(`
      CREATE TABLE file_leftovers (
        account_id uuid NOT NULL,
        blob_id uuid NOT NULL,
        store text NOT NULL,
        due_at timestamptz(3) NOT NULL,
        CONSTRAINT file_leftovers_pkey PRIMARY KEY (account_id, blob_id)
      )`);
    await runner.query(`CREATE INDEX file_leftovers_due ON file_leftovers (due_at)`);
    await runner.query(`
      CREATE TABLE file_chunks (
        account_id uuid NOT NULL,
        blob_id uuid NOT NULL,
        n integer NOT NULL,
        data bytea NOT NULL,
        CONSTRAINT file_chunks_pkey PRIMARY KEY (account_id, blob_id, n)
      )`);
    // Most files are packed already: to pack them again takes time and saves nothing.
    await runner.query(`ALTER TABLE file_chunks ALTER COLUMN data SET STORAGE EXTERNAL`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(
      `DROP TABLE file_chunks, file_leftovers, file_references, files, file_blobs, file_accounts`,
    );
  }
}
