import type { MigrationInterface, QueryRunner } from 'typeorm';

const UP = [
  `
  CREATE TABLE account_feeds (
    account_id uuid NOT NULL CONSTRAINT account_feeds_account REFERENCES accounts (account_id) ON DELETE CASCADE,
    seq integer NOT NULL DEFAULT 0,
    begun boolean NOT NULL DEFAULT false,
    CONSTRAINT account_feeds_pkey PRIMARY KEY (account_id)
  ) WITH (fillfactor = 70)`,
  `
  CREATE TABLE account_positions (
    account_id uuid NOT NULL,
    root_chat_id uuid NOT NULL,
    event_seq integer NOT NULL,
    CONSTRAINT account_positions_pkey PRIMARY KEY (account_id, root_chat_id),
    CONSTRAINT account_positions_conversation FOREIGN KEY (account_id, root_chat_id)
      REFERENCES conversations (account_id, chat_id) ON DELETE CASCADE
  ) WITH (fillfactor = 70)`,
  `
  CREATE TABLE account_events (
    account_id uuid NOT NULL,
    seq integer NOT NULL,
    type text NOT NULL,
    root_chat_id uuid,
    subject_id uuid NOT NULL,
    response_id uuid,
    CONSTRAINT account_events_pkey PRIMARY KEY (account_id, seq),
    CONSTRAINT account_events_feed FOREIGN KEY (account_id) REFERENCES account_feeds (account_id) ON DELETE CASCADE,
    CONSTRAINT account_events_conversation FOREIGN KEY (account_id, root_chat_id)
      REFERENCES conversations (account_id, chat_id) ON DELETE CASCADE
  )`,
  `CREATE INDEX account_events_of_conversation ON account_events (account_id, root_chat_id) WHERE root_chat_id IS NOT NULL`,
];

/** The events of an account, numbered behind their commits and only where somebody follows them. */
export class AccountEvents1764000000146 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    for (const statement of UP) await runner.query(statement);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`DROP TABLE account_events, account_positions, account_feeds`);
  }
}
