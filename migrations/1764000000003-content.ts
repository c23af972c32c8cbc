import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * The words: in `chat_contents` where there is no MongoDB, else on their way to it in
 * `content_journal`.
 */
export class Content1764000000003 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE chat_contents (
        account_id uuid NOT NULL,
        chat_id uuid NOT NULL,
        seq integer NOT NULL,
        version integer NOT NULL,
        body text NOT NULL,
        CONSTRAINT chat_contents_pkey PRIMARY KEY (account_id, chat_id, seq)
      )`);
    // A queue: each row is changed some four times and deleted within minutes. Cleaned by a fifth
    // of its size, as other tables are, its indexes would begin with ever more dead entries, which
    // every claim of the relay has to step over.
    await runner.query(`
      CREATE TABLE content_journal (
        account_id uuid NOT NULL,
        chat_id uuid NOT NULL,
        seq integer NOT NULL,
        version integer NOT NULL,
        body text,
        round integer NOT NULL DEFAULT 0,
        attempts integer NOT NULL DEFAULT 0,
        due_at timestamptz NOT NULL,
        stored_at timestamptz,
        verified_at timestamptz,
        created_at timestamptz NOT NULL,
        CONSTRAINT content_journal_pkey PRIMARY KEY (account_id, chat_id, seq)
      ) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000, autovacuum_vacuum_cost_delay = 0)`);
    await runner.query(`CREATE INDEX content_journal_due ON content_journal (due_at)`);
    await runner.query(
      `CREATE INDEX content_journal_unsent ON content_journal (created_at) WHERE stored_at IS NULL`,
    );
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`DROP TABLE content_journal, chat_contents`);
  }
}
