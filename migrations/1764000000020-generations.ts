import type { MigrationInterface, QueryRunner } from 'typeorm';

const UP = [
  // Whose turn it is in a chat: an append looks at the chat's row anyway, so asking costs it
  // nothing.
  `ALTER TABLE chats ADD COLUMN generation_id uuid`,
  // One row for each answer of a model, renewed every second while it is written.
  `
  CREATE TABLE generations (
    account_id uuid NOT NULL,
    generation_id uuid NOT NULL,
    root_chat_id uuid NOT NULL,
    chat_id uuid NOT NULL,
    response_id uuid NOT NULL,
    status text NOT NULL DEFAULT 'running',
    instance_id uuid NOT NULL,
    lease_until timestamptz NOT NULL,
    model text,
    scope text,
    key text,
    started_at timestamptz(3) NOT NULL,
    ended_at timestamptz(3),
    CONSTRAINT generations_pkey PRIMARY KEY (account_id, generation_id),
    CONSTRAINT generations_status CHECK (status IN ('running', 'stopping', 'ended'))
  ) WITH (fillfactor = 50)`,
  `CREATE UNIQUE INDEX generations_one_running ON generations (account_id, chat_id) WHERE status <> 'ended'`,
  `CREATE INDEX generations_of_pair ON generations (account_id, response_id)`,
  `CREATE INDEX generations_ended ON generations (ended_at) WHERE ended_at IS NOT NULL`,
  `
  CREATE TABLE generation_chunks (
    account_id uuid NOT NULL,
    generation_id uuid NOT NULL,
    n integer NOT NULL,
    sizes integer[] NOT NULL,
    text text NOT NULL,
    CONSTRAINT generation_chunks_pkey PRIMARY KEY (account_id, generation_id, n),
    CONSTRAINT generation_chunks_generation FOREIGN KEY (account_id, generation_id)
      REFERENCES generations (account_id, generation_id) ON DELETE CASCADE
  )`,
  `
  CREATE TABLE usage_days (
    account_id uuid NOT NULL,
    day date NOT NULL,
    answers integer NOT NULL,
    input_tokens bigint NOT NULL,
    output_tokens bigint NOT NULL,
    CONSTRAINT usage_days_pkey PRIMARY KEY (account_id, day)
  ) WITH (fillfactor = 70)`,
];

/** Answers that are being written, what is there of them, and what they cost. */
export class Generations1764000000020 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    for (const statement of UP) await runner.query(statement);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`DROP TABLE usage_days, generation_chunks, generations`);
    await runner.query(`ALTER TABLE chats DROP COLUMN generation_id`);
  }
}
