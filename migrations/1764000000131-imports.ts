import type { MigrationInterface, QueryRunner } from 'typeorm';

const UP = [
  `
  CREATE TABLE imports (
    account_id uuid NOT NULL CONSTRAINT imports_account REFERENCES accounts (account_id) ON DELETE CASCADE,
    import_id uuid NOT NULL,
    status text NOT NULL,
    name text,
    bytes bigint NOT NULL DEFAULT 0,
    source text,
    bytes_read bigint NOT NULL DEFAULT 0,
    items_done integer NOT NULL DEFAULT 0,
    report text NOT NULL DEFAULT '{}',
    error text,
    attempts integer NOT NULL DEFAULT 0,
    cancel_asked boolean NOT NULL DEFAULT false,
    lease_id uuid,
    lease_until timestamptz NOT NULL,
    created_at timestamptz(3) NOT NULL,
    started_at timestamptz(3),
    ended_at timestamptz(3),
    CONSTRAINT imports_pkey PRIMARY KEY (account_id, import_id),
    CONSTRAINT imports_status CHECK (status IN ('receiving', 'waiting', 'running', 'done', 'failed', 'cancelled'))
  )`,
  // Only those that somebody has to do something about.
  `CREATE INDEX imports_open ON imports (lease_until) WHERE ended_at IS NULL`,
  `
  CREATE TABLE import_chunks (
    account_id uuid NOT NULL,
    import_id uuid NOT NULL,
    n integer NOT NULL,
    bytes bytea NOT NULL,
    CONSTRAINT import_chunks_pkey PRIMARY KEY (account_id, import_id, n),
    CONSTRAINT import_chunks_import FOREIGN KEY (account_id, import_id) REFERENCES imports (account_id, import_id) ON DELETE CASCADE
  )`,
  // Most of it is compressed already.
  `ALTER TABLE import_chunks ALTER COLUMN bytes SET STORAGE EXTERNAL`,
  // Names at the source are of any length: keys are made of them.
  `
  CREATE TABLE import_sources (
    account_id uuid NOT NULL CONSTRAINT import_sources_account REFERENCES accounts (account_id) ON DELETE CASCADE,
    source text NOT NULL,
    source_key bytea NOT NULL,
    root_chat_id uuid NOT NULL,
    digest bytea NOT NULL,
    head_response_id uuid,
    CONSTRAINT import_sources_pkey PRIMARY KEY (account_id, source, source_key)
  )`,
  `CREATE INDEX import_sources_root ON import_sources (account_id, root_chat_id)`,
  `
  CREATE TABLE import_pairs (
    account_id uuid NOT NULL,
    source text NOT NULL,
    source_key bytea NOT NULL,
    pair_key bytea NOT NULL,
    response_id uuid NOT NULL,
    CONSTRAINT import_pairs_pkey PRIMARY KEY (account_id, source, source_key, pair_key),
    CONSTRAINT import_pairs_source FOREIGN KEY (account_id, source, source_key)
      REFERENCES import_sources (account_id, source, source_key) ON DELETE CASCADE
  )`,
];

/** Conversations that are brought in: the files, how far they came, and what came from where. */
export class Imports1764000000131 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    for (const statement of UP) await runner.query(statement);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`DROP TABLE import_pairs, import_sources, import_chunks, imports`);
  }
}
