import type { ContentStore } from '../../content/content-store.js';
import { insertWords } from '../../content/words.sql.js';
import type { Statement } from '../../database/database.js';
import { countAlong } from '../../events/changes.js';
import {
  type InputColumn,
  PAIR_INPUT,
  PAIR_NAMES,
  PAIR_VALUES,
  type PairInput,
} from '../chat/pair-input.js';

/** A chat as it is written, without the account. */
export interface ChatRow {
  chatId: string;
  rootChatId: string;
  parentChatId: string | null;
  forkSeq: number;
  forkResponseId: string | null;
  depth: number;
  jumpChatId: string;
  chatType: string;
  name: string | null;
  active: boolean;
  lastSeq: number;
  lastResponseId: string | null;
  model: string | null;
  systemPrompt: string | null;
  metadata: string | null;
  /** JSON of a list. */
  metadataTerms: string | null;
  createdAt: Date;
  updatedAt: Date;
  deletedAt: Date | null;
}

/** A pair as it is written, without account and root. */
export interface NewPairRow extends PairInput {
  seq: number;
}

/** An event as it is written, without account, root and number. */
export interface NewEventRow {
  type: string;
  chatId: string;
  responseId: string | null;
}

type Columns<Row> = Record<keyof Row, readonly [name: string, type: string]>;

const CHAT: Columns<ChatRow> = {
  chatId: ['chat_id', 'uuid'],
  rootChatId: ['root_chat_id', 'uuid'],
  parentChatId: ['parent_chat_id', 'uuid'],
  forkSeq: ['fork_seq', 'int'],
  forkResponseId: ['fork_response_id', 'uuid'],
  depth: ['depth', 'int'],
  jumpChatId: ['jump_chat_id', 'uuid'],
  chatType: ['chat_type', 'text'],
  name: ['name', 'text'],
  active: ['active', 'boolean'],
  lastSeq: ['last_seq', 'int'],
  lastResponseId: ['last_response_id', 'uuid'],
  model: ['model', 'text'],
  systemPrompt: ['system_prompt', 'text'],
  metadata: ['metadata', 'text'],
  metadataTerms: ['metadata_terms', 'text'],
  createdAt: ['created_at', 'timestamptz'],
  updatedAt: ['updated_at', 'timestamptz'],
  deletedAt: ['deleted_at', 'timestamptz'],
};

const PAIR: readonly InputColumn<NewPairRow>[] = [
  ['seq', 'int', (pair) => pair.seq],
  ...PAIR_INPUT,
];

const EVENT: Columns<NewEventRow> = {
  type: ['type', 'text'],
  chatId: ['chat_id', 'uuid'],
  responseId: ['response_id', 'uuid'],
};

type NamedColumn = readonly [name: string, type: string, ...more: unknown[]];

const namesOf = (columns: readonly NamedColumn[]): string =>
  columns.map(([name]) => name).join(', ');
/** Rows as a table `given`; the first parameter of it is `$from`. */
const givenText = (columns: readonly NamedColumn[], from: number): string =>
  `unnest(${columns.map(([, type], n) => `$${from + n}::${type}[]`).join(', ')}) WITH ORDINALITY AS given (${namesOf(columns)}, place)`;

const valuesOf = <Row>(columns: Columns<Row>, rows: readonly Row[]): unknown[] =>
  (Object.keys(columns) as (keyof Row)[]).map((name) => rows.map((row) => row[name]));
export const chatValues = (rows: readonly ChatRow[]): unknown[] => valuesOf(CHAT, rows);
export const pairValues = (rows: readonly NewPairRow[]): unknown[] =>
  PAIR.map(([, , value]) => rows.map(value));
export const eventValues = (rows: readonly NewEventRow[]): unknown[] => valuesOf(EVENT, rows);

/** $1 account. */
export const INSERT_CHATS = `
  INSERT INTO chats (account_id, ${namesOf(Object.values(CHAT))})
  SELECT $1, ${namesOf(Object.values(CHAT)).replace('metadata_terms', `CASE WHEN metadata_terms IS NOT NULL THEN ARRAY(SELECT json_array_elements_text(metadata_terms::json)) END`)}
  FROM ${givenText(Object.values(CHAT), 2)} ORDER BY place`;

/**
 * Pairs with their words: for good, or on their way to MongoDB, to which they are sent at once; the
 * relay waits a while, so that it does not race that. $1 account, $2 root.
 */
export const insertPairs = (table: ContentStore['table']): string => `
  WITH given AS MATERIALIZED (SELECT * FROM ${givenText(PAIR, 3)}),
  words AS (${insertWords(table, '$1::uuid, chat_id, seq, 1, body', 'FROM given ORDER BY place', 30)})
  INSERT INTO messages (account_id, root_chat_id, chat_id, seq, ${PAIR_NAMES})
  SELECT $1, $2, chat_id, seq, ${PAIR_VALUES}
  FROM given ORDER BY place`;

/** $1 account, $2 root, $3 how many events there are already, $4 when. */
export const INSERT_EVENTS = `
  INSERT INTO events (account_id, root_chat_id, seq, type, chat_id, response_id, created_at)
  SELECT $1, $2, $3::int + place, type, chat_id, response_id, $4::timestamptz FROM ${givenText(Object.values(EVENT), 5)} ORDER BY place`;

/** $3 how many events come, $4 how many chats, $5 the time of the newest pair. */
export const GROW_CONVERSATION = `
  UPDATE conversations SET event_seq = event_seq + $3::int, revision = revision + 1, ${countAlong('$4::int')},
    last_message_at = greatest(last_message_at, $5::timestamptz)
  WHERE account_id = $1 AND chat_id = $2 RETURNING event_seq - $3::int AS before`;

/** A chat that is made longer. */
export const LENGTHEN = `
  UPDATE chats SET last_seq = $3, last_response_id = $4, revision = revision + 1, updated_at = greatest(updated_at, $5::timestamptz)
  WHERE account_id = $1 AND chat_id = $2`;

/** Makes or finds where a conversation is that came before, and locks it; `is_new` if it is. */
export const CLAIM_SOURCE = `
  INSERT INTO import_sources AS s (account_id, source, source_key, root_chat_id, digest)
  VALUES ($1, $2, $3, $4, $5)
  ON CONFLICT (account_id, source, source_key) DO UPDATE SET digest = s.digest
  RETURNING s.root_chat_id, s.digest, s.head_response_id`;

export const INSERT_KEYS = `
  INSERT INTO import_pairs (account_id, source, source_key, pair_key, response_id)
  SELECT $1, $2, $3, pair_key, response_id FROM unnest($4::bytea[], $5::uuid[]) AS given (pair_key, response_id)
  ON CONFLICT (account_id, source, source_key, pair_key) DO UPDATE SET response_id = excluded.response_id`;

/** Pairs name files, which no longer wait for somebody to do so. $2 pairs, $3 files. */
export const NAME_FILES = `
  WITH given AS MATERIALIZED (
    SELECT response_id, file_id FROM unnest($2::uuid[], $3::uuid[]) AS given (response_id, file_id)
  ),
  held AS MATERIALIZED (
    SELECT file_id FROM files WHERE account_id = $1 AND file_id IN (SELECT file_id FROM given) ORDER BY file_id FOR NO KEY UPDATE
  ),
  named AS (
    UPDATE files f SET loose_since = NULL FROM held WHERE f.account_id = $1 AND f.file_id = held.file_id RETURNING f.file_id
  )
  INSERT INTO file_references (account_id, response_id, file_id)
  SELECT $1, given.response_id, given.file_id FROM given JOIN named USING (file_id) ON CONFLICT DO NOTHING`;

/** Whether a conversation has come as it is now, and is still there. */
export const FIND_SOURCE: Statement = {
  name: 'transfer.find_source',
  text: `
    SELECT s.digest, v.deleted FROM import_sources s
    JOIN conversations v ON v.account_id = s.account_id AND v.chat_id = s.root_chat_id
    WHERE s.account_id = $1 AND s.source = $2 AND s.source_key = $3`,
};

/** Pairs that came before and are there. */
export const FIND_PAIRS = `
  SELECT encode(p.pair_key, 'hex') AS key, m.response_id, m.chat_id, m.seq
  FROM import_pairs p JOIN messages m ON m.account_id = p.account_id AND m.response_id = p.response_id
  WHERE p.account_id = $1 AND p.source = $2 AND p.source_key = $3 AND m.root_chat_id = $4`;

export const READ_CHATS = `
  SELECT chat_id AS "chatId", parent_chat_id AS "parentChatId", fork_seq AS "forkSeq", depth, jump_chat_id AS "jumpChatId",
    chat_type AS "chatType", model, system_prompt AS "systemPrompt", last_seq AS "lastSeq", last_response_id AS "lastResponseId", active,
    deleted_at IS NOT NULL AS "isDeleted", generation_id IS NOT NULL AS "isBusy"
  FROM chats WHERE account_id = $1 AND root_chat_id = $2 ORDER BY depth, chat_id FOR UPDATE`;
