import type { MigrationInterface, QueryRunner } from 'typeorm';

// Rows that every append updates leave room on their page, so that the update stays on it and
// touches no index (HOT).
const UP = [
  `
  CREATE TABLE conversations (
    account_id uuid NOT NULL,
    chat_id uuid NOT NULL,
    name text,
    deleted boolean NOT NULL DEFAULT false,
    pinned boolean NOT NULL DEFAULT false,
    archived boolean NOT NULL DEFAULT false,
    event_seq integer NOT NULL DEFAULT 0,
    revision integer NOT NULL DEFAULT 0,
    last_message_at timestamptz(3),
    CONSTRAINT conversations_pkey PRIMARY KEY (account_id, chat_id)
  ) WITH (fillfactor = 70)`,
  `
  CREATE TABLE chats (
    account_id uuid NOT NULL,
    chat_id uuid NOT NULL,
    root_chat_id uuid NOT NULL,
    parent_chat_id uuid,
    created_from_chat_id uuid,
    fork_seq integer NOT NULL DEFAULT 0,
    fork_response_id uuid,
    depth integer NOT NULL DEFAULT 0,
    jump_chat_id uuid NOT NULL,
    chat_type text NOT NULL DEFAULT 'standard',
    name text,
    active boolean NOT NULL DEFAULT false,
    last_seq integer NOT NULL DEFAULT 0,
    last_response_id uuid,
    revision integer NOT NULL DEFAULT 1,
    model text,
    system_prompt text,
    created_at timestamptz(3) NOT NULL,
    updated_at timestamptz(3) NOT NULL,
    deleted_at timestamptz,
    CONSTRAINT chats_pkey PRIMARY KEY (account_id, chat_id),
    CONSTRAINT chats_lineage CHECK ((parent_chat_id IS NULL) = (depth = 0) AND fork_seq >= 0 AND last_seq >= fork_seq),
    CONSTRAINT chats_type CHECK (chat_type IN ('standard', 'temporary'))
  ) WITH (fillfactor = 70)`,
  `CREATE INDEX chats_conversation ON chats (account_id, root_chat_id)`,
  `CREATE INDEX chats_children ON chats (account_id, parent_chat_id, fork_seq)`,
  `CREATE UNIQUE INDEX chats_one_active ON chats (account_id, root_chat_id) WHERE active AND deleted_at IS NULL`,
  `CREATE INDEX chats_temporary ON chats (account_id, chat_id) WHERE chat_type = 'temporary' AND parent_chat_id IS NULL`,
  `CREATE INDEX chats_deleted ON chats (deleted_at) WHERE deleted_at IS NOT NULL`,
  `
  CREATE TABLE messages (
    account_id uuid NOT NULL,
    response_id uuid NOT NULL,
    root_chat_id uuid NOT NULL,
    chat_id uuid NOT NULL,
    seq integer NOT NULL,
    version integer NOT NULL DEFAULT 1,
    bytes integer NOT NULL,
    sha256 bytea NOT NULL,
    message_type text NOT NULL DEFAULT 'text',
    status text NOT NULL DEFAULT 'complete',
    author text,
    model text,
    usage jsonb,
    error jsonb,
    created_at timestamptz(3) NOT NULL,
    CONSTRAINT messages_pkey PRIMARY KEY (account_id, response_id),
    CONSTRAINT messages_seq CHECK (seq > 0),
    CONSTRAINT messages_type CHECK (message_type IN ('text', 'link', 'code')),
    CONSTRAINT messages_status CHECK (status IN ('complete', 'pending', 'streaming', 'failed', 'cancelled', 'interrupted'))
  )`,
  `CREATE UNIQUE INDEX messages_path ON messages (account_id, chat_id, seq)`,
  `
  CREATE TABLE events (
    account_id uuid NOT NULL,
    root_chat_id uuid NOT NULL,
    seq integer NOT NULL,
    type text NOT NULL,
    chat_id uuid NOT NULL,
    response_id uuid,
    created_at timestamptz(3) NOT NULL,
    CONSTRAINT events_pkey PRIMARY KEY (account_id, root_chat_id, seq)
  )`,
  `
  CREATE TABLE idempotency_keys (
    account_id uuid NOT NULL,
    scope text NOT NULL,
    key text NOT NULL,
    fingerprint bytea NOT NULL,
    status integer NOT NULL,
    answer text NOT NULL,
    created_at timestamptz(3) NOT NULL,
    CONSTRAINT idempotency_keys_pkey PRIMARY KEY (account_id, scope, key)
  )`,
  `CREATE INDEX idempotency_keys_age ON idempotency_keys (created_at)`,
];

/**
 * The tree: what exists, whose it is and in which order; the outbox of changes and the answers of
 * idempotent posts.
 */
export class Conversations1764000000002 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    for (const statement of UP) await runner.query(statement);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`DROP TABLE idempotency_keys, events, messages, chats, conversations`);
  }
}
