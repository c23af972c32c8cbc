// What is done to a database, and what fsck must say of it.
import { randomUUID } from 'node:crypto';
import mongoose from 'mongoose';
import { bodyOf, sha256Of } from '../../src/content/body.js';
import { REDACTED_BODY } from '../../src/content/places.js';
import { type Mode } from '../support/app.js';

/** A damage, the invariant that must be found violated by it, and whether a repair mends it. */
export interface Damage {
  name: string;
  invariant: string;
  mended: boolean;
  /** What lies beside what it harms is mended all the same. */
  mendsBeside?: boolean;
  /** What else it violates. */
  too?: string[];
  only?: Mode;
  sql?: string;
  mongo?: (buckets: mongoose.mongo.Collection<any>, root: string) => Promise<unknown>;
}

export const WORD = 'zanzibar';
/** The first pair, as it was rewritten in a time that PostgreSQL does not remember. */
const LATER = { question: 'q1', response: 'of another time', metadata: null };
const HOURS_AGO = new Date(Date.now() - 7_200_000);

/** Foreign keys are not looked at in this session. */
const UNCHECKED = 'SET session_replication_role = replica';
const WEBHOOKS = 'INSERT INTO webhook_accounts VALUES ($account, now())';

/** $account owns one conversation: $root, and $branch forked from its second pair. */
export const DAMAGES: Damage[] = [
  {
    name: 'a pair is gone from the middle of a chat, and keeps the words of it',
    invariant: 'I5',
    too: ['I1', 'I4', 'I6'],
    mended: false,
    only: 'postgres',
    sql: `DELETE FROM messages WHERE chat_id = $root AND seq = 2`,
  },
  {
    name: 'a pair is gone from the middle of a chat',
    invariant: 'I5',
    too: ['I1', 'I6'],
    mended: false,
    only: 'mongo',
    sql: `DELETE FROM messages WHERE chat_id = $root AND seq = 2`,
  },
  {
    name: 'last_seq is behind',
    invariant: 'I5',
    mended: true,
    sql: `UPDATE chats SET last_seq = last_seq - 1 WHERE chat_id = $branch`,
  },
  {
    name: 'the head is another pair',
    invariant: 'I5',
    mended: true,
    sql: `UPDATE chats SET last_response_id = NULL WHERE chat_id = $root`,
  },
  {
    name: 'a fork point is another pair',
    invariant: 'I6',
    mended: false,
    sql: `UPDATE chats SET fork_response_id = $uuid WHERE chat_id = $branch`,
  },
  {
    name: 'a jump pointer leads elsewhere',
    invariant: 'I6',
    mended: true,
    sql: `UPDATE chats SET jump_chat_id = chat_id, depth = 7 WHERE chat_id = $branch`,
  },
  {
    name: 'nobody is active',
    invariant: 'I7',
    mended: true,
    sql: `UPDATE chats SET active = false WHERE root_chat_id = $root`,
  },
  {
    name: 'two chats are active',
    invariant: 'I7',
    mended: true,
    sql: `DROP INDEX IF EXISTS chats_one_active; UPDATE chats SET active = true WHERE root_chat_id = $root`,
  },
  {
    // As of a server before the foreign key, which does not look at rows that were there.
    name: 'an old conversation has no root',
    invariant: 'I7',
    mended: false,
    sql: `SET session_replication_role = replica; INSERT INTO conversations (account_id, chat_id) VALUES ($account, $uuid)`,
  },
  {
    name: 'event_seq ran ahead',
    invariant: 'I8',
    mended: true,
    sql: `UPDATE conversations SET event_seq = event_seq + 5 WHERE chat_id = $root`,
  },
  {
    name: 'an event is gone',
    invariant: 'I8',
    mended: false,
    sql: `DELETE FROM events WHERE root_chat_id = $root AND seq = 2`,
  },
  {
    name: 'an announced pair is another',
    invariant: 'I1',
    mended: false,
    sql: `UPDATE events SET response_id = $uuid WHERE root_chat_id = $root AND seq = 2`,
  },
  {
    name: 'a pair waits for nobody',
    invariant: 'I10',
    mended: true,
    sql: `UPDATE messages SET status = 'streaming' WHERE chat_id = $root AND seq = 1`,
  },
  {
    name: 'a chat is busy with nothing',
    invariant: 'I10',
    mended: true,
    sql: `UPDATE chats SET generation_id = $uuid WHERE chat_id = $root`,
  },
  {
    name: 'a stored answer is cut off',
    invariant: 'I9',
    mended: false,
    sql: `UPDATE idempotency_keys SET answer = left(answer, 50) WHERE account_id = $account`,
  },
  {
    name: 'a pair is the answer of two keys',
    invariant: 'I2',
    mended: false,
    sql: `INSERT INTO idempotency_keys SELECT account_id, scope, key || 'b', fingerprint, status, answer, created_at FROM idempotency_keys
      WHERE account_id = $account AND scope LIKE '%/messages'`,
  },
  {
    name: 'a redacted pair has words',
    invariant: 'I18',
    mended: false,
    mendsBeside: true,
    sql: `UPDATE messages SET status = 'redacted', author = '${WORD}' WHERE chat_id = $root AND seq = 1`,
  },
  {
    name: 'a quote of a redacted pair is left',
    invariant: 'I18',
    mended: true,
    only: 'postgres',
    sql: `UPDATE messages SET status = 'redacted', bytes = octet_length('${REDACTED_BODY}'), sha256 = sha256('${REDACTED_BODY}') WHERE chat_id = $root AND seq = 1;
      UPDATE chat_contents SET body = '${REDACTED_BODY}' WHERE chat_id = $root AND seq = 1;
      INSERT INTO summary_highlights SELECT account_id, chat_id, 1, jsonb_build_array(jsonb_build_object('response_id', response_id, 'quote', '${WORD}')), 'm'
      FROM messages WHERE chat_id = $root AND seq = 1`,
  },
  {
    name: 'words are gone',
    invariant: 'I3',
    mended: false,
    only: 'postgres',
    sql: `DELETE FROM chat_contents WHERE chat_id = $root AND seq = 1`,
  },
  {
    name: 'words are other words',
    invariant: 'I3',
    mended: false,
    only: 'postgres',
    sql: `UPDATE chat_contents SET body = replace(body, '${WORD}', 'somewhere') WHERE chat_id = $root AND seq = 3`,
  },
  {
    name: 'words are of the future',
    invariant: 'I16',
    mended: false,
    only: 'postgres',
    sql: `UPDATE chat_contents SET version = 2 WHERE chat_id = $root AND seq = 1`,
  },
  {
    name: 'words of nobody are kept',
    invariant: 'I4',
    mended: true,
    only: 'postgres',
    sql: `INSERT INTO chat_contents SELECT account_id, $uuid, 1, 1, body FROM chat_contents WHERE chat_id = $root AND seq = 1`,
  },
  {
    name: 'words are gone from MongoDB and the journal',
    invariant: 'I3',
    mended: false,
    only: 'mongo',
    sql: `DELETE FROM content_journal WHERE account_id = $account`,
    mongo: (buckets, root) =>
      buckets.updateOne({ chat_id: root }, { $pull: { qa_pairs: { seq: 1 } } } as object),
  },
  {
    name: 'words in MongoDB are of the future, and the journal has the right ones',
    invariant: 'I16',
    mended: true,
    only: 'mongo',
    mongo: (buckets, root) =>
      buckets.updateOne({ chat_id: root }, { $set: { 'qa_pairs.0.version': 9 } }),
  },
  {
    name: 'words in MongoDB are of the future, and they are the only ones',
    invariant: 'I16',
    mended: true,
    only: 'mongo',
    sql: `DELETE FROM content_journal WHERE account_id = $account`,
    mongo: (buckets, root) =>
      buckets.updateOne(
        { chat_id: root },
        {
          $set: {
            'qa_pairs.0.version': 9,
            'qa_pairs.0.response': LATER.response,
            'qa_pairs.0.sha256': sha256Of(bodyOf(LATER)).toString('hex'),
          },
        },
      ),
  },
  {
    name: 'the mirror of branches is empty',
    invariant: 'I14',
    mended: true,
    only: 'mongo',
    sql: `DELETE FROM content_journal WHERE account_id = $account`,
    mongo: (buckets, root) =>
      buckets.updateOne(
        { chat_id: root },
        { $set: { 'qa_pairs.1.branches': [], 'qa_pairs.1.branches_total': 0 } },
      ),
  },
  {
    name: 'a bucket names another account',
    invariant: 'I14',
    mended: true,
    only: 'mongo',
    mongo: (buckets, root) =>
      buckets.updateOne({ chat_id: root }, { $set: { account_id: randomUUID() } }),
  },
  ...[
    ['a client’s id is of no chat', `INSERT INTO client_chats VALUES ($account, 'trip', $uuid)`],
    ['notes are of no chat', `INSERT INTO conversation_notes VALUES ($account, $uuid, '{}')`],
    [
      'quotes are of no chat',
      `INSERT INTO summary_highlights VALUES ($account, $uuid, 1, '[]', 'offline')`,
    ],
    [
      'words are counted to no pair',
      `INSERT INTO summary_marks VALUES ($account, $root, 100, 1, 1, '{}', '{}')`,
    ],
    [
      'tokens are counted of no pair',
      `INSERT INTO message_tokens VALUES ($account, $root, 100, 1, 1)`,
    ],
    [
      'a number is of no chat',
      `INSERT INTO chat_number_counters VALUES ($account, 1); INSERT INTO chat_numbers VALUES ($account, 1, $uuid)`,
    ],
    ['a number is still to be given', `INSERT INTO chat_numbers VALUES ($account, 7, $root)`],
    [
      'a position is of no conversation',
      `${WEBHOOKS}; INSERT INTO webhook_positions VALUES ($account, $uuid, 1)`,
    ],
    [
      'a position is ahead',
      `${WEBHOOKS}; INSERT INTO webhook_positions VALUES ($account, $root, 999)`,
    ],
    [
      'a delivery is of no webhook',
      `INSERT INTO webhook_deliveries (account_id, webhook_id, delivery_id, type, payload, due_at, created_at)
       VALUES ($account, $uuid, $uuid, 'webhook.test', '{}', 'infinity', now())`,
    ],
  ].map(([name, sql]) => ({
    name: name!,
    invariant: 'I17',
    mended: true,
    sql: `${UNCHECKED}; ${sql}`,
  })),
  {
    name: 'a pair is found that does not exist',
    invariant: 'I19',
    mended: true,
    sql: `${UNCHECKED}; INSERT INTO message_search (account_id, response_id, root_chat_id, chat_id, seq, version, is_final, message_type, created_at, words)
      VALUES ($account, $uuid, $root, $root, 99, 1, true, 'text', now(), '')`,
  },
  {
    name: 'pairs are found by words that they never had',
    invariant: 'I19',
    mended: true,
    sql: `INSERT INTO message_search (account_id, response_id, root_chat_id, chat_id, seq, version, is_final, message_type, created_at, words)
      SELECT account_id, response_id, root_chat_id, chat_id, seq, 99, true, 'text', now(), '' FROM messages WHERE account_id = $account
      ON CONFLICT (account_id, response_id) DO UPDATE SET version = 99`,
  },
  {
    name: 'a webhook is of no account with webhooks',
    invariant: 'I17',
    mended: false,
    sql: `${UNCHECKED}; INSERT INTO webhooks (account_id, webhook_id, url, events, secret, created_at, updated_at)
      VALUES ($account, $uuid, 'https://example.com/', '{}', '', now(), now())`,
  },
  {
    name: 'words of nobody are in MongoDB',
    invariant: 'I4',
    mended: true,
    only: 'mongo',
    mongo: (buckets, root) =>
      buckets.updateOne({ chat_id: root }, {
        $push: {
          qa_pairs: {
            response_id: randomUUID(),
            seq: 99,
            version: 1,
            timestamp: HOURS_AGO,
            question: WORD,
          },
        },
      } as object),
  },
];
