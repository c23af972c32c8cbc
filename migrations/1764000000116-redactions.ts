import type { MigrationInterface, QueryRunner } from 'typeorm';

const STATUSES = ['complete', 'pending', 'streaming', 'failed', 'cancelled', 'interrupted'];
const inList = (statuses: readonly string[]): string =>
  statuses.map((status) => `'${status}'`).join(', ');

/** Not looked at here: what was allowed still is, and the table may be large. */
const allow = (statuses: readonly string[]): string => `
  ALTER TABLE messages DROP CONSTRAINT messages_status,
    ADD CONSTRAINT messages_status CHECK (status IN (${inList(statuses)})) NOT VALID`;

const UP = [
  allow([...STATUSES, 'redacted']),
  // The pair by whose words a chat is called; null where a person named it.
  `ALTER TABLE chats ADD COLUMN named_by uuid`,
  // What was redacted lately: its places are looked through again, for copies that came late.
  `
  CREATE TABLE redactions (
    account_id uuid NOT NULL,
    response_id uuid NOT NULL,
    redacted_at timestamptz NOT NULL,
    CONSTRAINT redactions_pkey PRIMARY KEY (account_id, response_id)
  )`,
  `CREATE INDEX redactions_age ON redactions (redacted_at)`,
];

/** Pairs whose words a person has erased. */
export class Redactions1764000000116 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    for (const statement of UP) await runner.query(statement);
  }

  /** A version that knows no redacted pairs shows them as cancelled ones without words. */
  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`UPDATE messages SET status = 'cancelled' WHERE status = 'redacted'`);
    await runner.query(allow(STATUSES));
    await runner.query(`ALTER TABLE chats DROP COLUMN named_by`);
    await runner.query(`DROP TABLE redactions`);
  }
}
