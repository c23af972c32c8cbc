import type { MigrationInterface, QueryRunner } from 'typeorm';

const UP = [
  // A row with long words stays one row: a look at the newest pairs reads the words of each of
  // them. No words are compressed below that, which would be undone at each look.
  `
  CREATE TABLE message_search (
    account_id uuid NOT NULL,
    response_id uuid NOT NULL,
    root_chat_id uuid NOT NULL,
    chat_id uuid NOT NULL,
    seq integer NOT NULL,
    version integer NOT NULL,
    is_final boolean NOT NULL,
    message_type text NOT NULL,
    created_at timestamptz(3) NOT NULL,
    words tsvector NOT NULL,
    CONSTRAINT message_search_pkey PRIMARY KEY (account_id, response_id),
    CONSTRAINT message_search_pair FOREIGN KEY (account_id, response_id)
      REFERENCES messages (account_id, response_id) ON DELETE CASCADE
  ) WITH (toast_tuple_target = 8160)`,
  `CREATE INDEX message_search_newest ON message_search (account_id, created_at, response_id)`,
  `CREATE INDEX message_search_open ON message_search (account_id, response_id) WHERE NOT is_final`,
  // The account is in each of the words, so no extension is needed to have it in the index.
  `CREATE INDEX message_search_words ON message_search USING gin (words)`,
  `
  CREATE TABLE search_accounts (
    account_id uuid NOT NULL,
    walked_to uuid NOT NULL,
    CONSTRAINT search_accounts_pkey PRIMARY KEY (account_id)
  )`,
];

/**
 * What pairs are found by. It is empty at first: the server fills it in the background, account by
 * account, and goes on where it was cut off; until then old pairs are not found.
 */
export class MessageSearch1764000000128 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    for (const statement of UP) await runner.query(statement);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`DROP TABLE search_accounts, message_search`);
  }
}
