import type { ContentStore } from '../../content/content-store.js';
import { insertWords } from '../../content/words.sql.js';
import type { Statement } from '../../database/database.js';
import { AFTER_KEYS, type IdempotentRequest, keysPart } from '../../database/idempotency.js';
import type { AnswerSettings } from '../../llm/settings.js';
import { pairJsonAround, type Pair } from '../chat/pair.js';
import {
  type InputColumn,
  PAIR_INPUT,
  PAIR_NAMES,
  PAIR_VALUES,
  type PairInput,
} from '../chat/pair-input.js';

/** After this an instance that says nothing counts as dead. It says something every second. */
export const LEASE_SECONDS = 15;

/** A pair on its way into a chat. Its `seq` is given by PostgreSQL. */
export interface NewPair extends Omit<Pair, 'seq'>, Pick<PairInput, 'sha256' | 'callIds'> {
  accountId: string;
  /**
   * `last_response_id` that the chat must have (null: its path must be empty); undefined = the pair
   * goes behind whatever is there.
   */
  parent: string | null | undefined;
  /** Whether the chat must be the active branch at the moment of the append. */
  mustBeActive: boolean;
  idempotent: IdempotentRequest | null;
  /**
   * Who answers: null where nobody has to. Then the status is `streaming`, and the chat takes no
   * other pair until the answer has ended.
   */
  generation: NewAnswer | null;
}

/** An answer that begins with its question. */
export interface NewAnswer {
  generationId: string;
  /** The process that writes it. */
  instanceId: string;
  /** The model that is asked for by name; null for that of the chat. */
  model: string | null;
  settings?: AnswerSettings;
  /** The key whose answer is the pair as it is at the end. */
  idempotent: Pick<IdempotentRequest, 'scope' | 'key'> | null;
}

/** Where an append has put a pair. */
export interface AppendRow extends Record<string, unknown> {
  response_id: string;
  root_chat_id: string;
  fork_seq: number;
  seq: number;
  /**
   * The pair before it on its path, and what the chat says to its models; null but for a question
   * to a model.
   */
  parent_response_id: string | null;
  chat_model: string | null;
  system_prompt: string | null;
}

type Column = InputColumn<NewPair>;

/** Columns of the input; the statements number their parameters by this order. */
const INPUT: readonly Column[] = [
  ['account_id', 'uuid', (p) => p.accountId],
  ...PAIR_INPUT,
  ['has_parent', 'boolean', (p) => p.parent !== undefined],
  ['parent', 'uuid', (p) => p.parent ?? null],
  ['must_be_active', 'boolean', (p) => p.mustBeActive],
  ['scope', 'text', (p) => p.idempotent?.scope ?? null],
  ['key', 'text', (p) => p.idempotent?.key ?? null],
  ['fingerprint', 'bytea', (p) => p.idempotent?.fingerprint ?? null],
  ['answer_before', 'text', (p) => (p.idempotent ? pairJsonAround(p).before : null)],
  ['answer_after', 'text', (p) => (p.idempotent ? pairJsonAround(p).after : null)],
];

/** What the statement of a question with an answer to come takes besides. */
const GENERATING_INPUT: readonly Column[] = [
  ...INPUT,
  ['generation_id', 'uuid', (p) => p.generation!.generationId],
  ['instance_id', 'uuid', (p) => p.generation!.instanceId],
  ['asked_model', 'text', (p) => p.generation!.model],
  ['settle_scope', 'text', (p) => p.generation!.idempotent?.scope ?? null],
  ['settle_key', 'text', (p) => p.generation!.idempotent?.key ?? null],
];

const selectOf = (columns: readonly Column[]): string =>
  `SELECT ${columns.map(([name, type], i) => `$${i + 1}::${type} AS ${name}`).join(', ')}`;
const MANY_INPUTS = `
  SELECT * FROM unnest(${INPUT.map(([, type], i) => `$${i + 1}::${type}[]`).join(', ')}) AS input (${INPUT.map(([name]) => name).join(', ')})`;

const KEYS = keysPart('FROM input', ['account_id', 'scope', 'key']);

/**
 * The append: rights, order, pair, words, event and the answer for the key in one statement, so in
 * one transaction and one round trip.
 *
 * `chat` locks the chat's row and takes the next `seq`; it is the only place where pairs get their
 * order. Its conditions are on that row alone, so after a wait for the lock PostgreSQL checks them
 * on the newest version of it. No row of `chat`, nothing happens: an input that is missing from the
 * result was refused, and `PostService` finds out why. A key that is taken meanwhile breaks the
 * whole statement by its primary key; it is locked before anything else (`keysPart`). The inputs of
 * one statement must be of different conversations; several are locked in one order
 * (`IN_ORDER`).
 *
 * A chat whose answer is still being written has a `generation_id`, and refuses too. Of a question
 * that a model is to answer the same statement makes the answer's row: from then on somebody
 * answers, or the answer is known to be interrupted.
 */
const appendText = (
  input: string,
  table: ContentStore['table'],
  generating = false,
  how: Inputs = ALONE,
): string => `
  WITH input AS ${how.input} (${input}),${KEYS}${generating ? BEFORE_CTE : ''}${how.heldChats}
  chat AS (
    UPDATE chats c
    SET last_seq = c.last_seq + 1, last_response_id = i.response_id, revision = c.revision + 1, updated_at = i.created_at${
      generating ? ', generation_id = i.generation_id' : ''
    }
    FROM input i${generating ? ' JOIN before b USING (account_id, chat_id)' : ''}
    WHERE c.account_id = i.account_id AND c.chat_id = i.chat_id AND c.deleted_at IS NULL AND c.generation_id IS NULL
      AND (NOT i.has_parent OR c.last_response_id IS NOT DISTINCT FROM i.parent)
      AND (NOT i.must_be_active OR c.active)
      AND ${how.turn} AND (i.key IS NULL OR NOT EXISTS (
        SELECT FROM idempotency_keys k WHERE k.account_id = i.account_id AND k.scope = i.scope AND k.key = i.key))
    RETURNING c.root_chat_id, c.fork_seq, c.last_seq AS seq, ${generating ? CHAT_TOLD : NOTHING_TOLD}${how.passedOn}
  ),${how.conversations}
  message AS (
    INSERT INTO messages (account_id, root_chat_id, chat_id, seq, ${PAIR_NAMES})
    SELECT account_id, root_chat_id, chat_id, seq, ${PAIR_VALUES} FROM ${how.placed}
  ),
  words AS (${insertWords(table, 'account_id, chat_id, seq, 1, body', `FROM ${how.placed}`)}),
  event AS (
    INSERT INTO events (account_id, root_chat_id, seq, type, chat_id, response_id, created_at)
    SELECT account_id, root_chat_id, event_seq, 'message.created', chat_id, response_id, created_at
    FROM ${how.told}
  ),${generating ? GENERATION_CTE : ''}
  answer AS (
    INSERT INTO idempotency_keys (account_id, scope, key, fingerprint, status, answer, created_at)
    SELECT account_id, scope, key, fingerprint, 201, answer_before || seq || answer_after, created_at FROM ${how.placed} WHERE key IS NOT NULL
  )
  SELECT response_id, root_chat_id, fork_seq, seq, parent_response_id, chat_model, system_prompt FROM ${how.placed}`;

/** What differs between the statement of one input and that of several. */
interface Inputs {
  /** Whether the input is a table for PostgreSQL, or its parameters stand where they are used. */
  input: 'MATERIALIZED' | 'NOT MATERIALIZED';
  /** What locks chats before they are changed, and the condition by which it comes first. */
  heldChats: string;
  turn: string;
  /** What of the input goes on with the place that it got, and where both of them are. */
  passedOn: string;
  placed: string;
  /** The part that numbers events, and where all that is told of them stands. */
  conversations: string;
  told: string;
}

/**
 * One row of each table: nothing to bring into an order, nothing to join by, and no row of the
 * input to carry from part to part, which was a sixth of PostgreSQL's work for an append.
 */
const ALONE: Inputs = {
  input: 'NOT MATERIALIZED',
  heldChats: '',
  turn: AFTER_KEYS,
  passedOn: '',
  placed: 'chat, input',
  conversations: `
  conversation AS (
    UPDATE conversations v SET event_seq = v.event_seq + 1, last_message_at = i.created_at
    FROM chat, input i WHERE v.account_id = i.account_id AND v.chat_id = chat.root_chat_id
    RETURNING v.event_seq
  ),`,
  told: 'chat, conversation, input',
};

const parameter = (name: string): string =>
  `$${1 + INPUT.findIndex(([column]) => column === name)}`;

/**
 * Several conversations: their chats in the order of these, and then themselves, as those who
 * append to other branches of them have other chats. An update would take them as its join finds
 * them: by a scan of a small table as they lie there, which is no order at all.
 *
 * Parts are not joined with each other: PostgreSQL takes each for a few rows and compares all of
 * the one with all of the other. Nor are words where rows are locked or changed, as it keeps a copy
 * of all that such a row is joined with (`OFFSET 0` leaves them out). Both together were half of
 * its work for 40 pairs.
 */
const IN_ORDER: Inputs = {
  input: 'MATERIALIZED',
  heldChats: `
  held AS MATERIALIZED (
    SELECT FROM unnest(${parameter('account_id')}::uuid[], ${parameter('chat_id')}::uuid[]) AS i (account_id, chat_id)
    JOIN chats c ON c.account_id = i.account_id AND c.chat_id = i.chat_id
    WHERE ${AFTER_KEYS} ORDER BY c.root_chat_id FOR NO KEY UPDATE OF c
  ),`,
  turn: '(SELECT count(*) FROM held) >= 0',
  passedOn: ', i.*',
  placed: 'chat',
  conversations: `
  held_conversation AS MATERIALIZED (
    SELECT v.account_id, v.chat_id AS root_chat_id, placed.chat_id, placed.response_id, placed.created_at
    FROM (SELECT account_id, root_chat_id, chat_id, response_id, created_at FROM chat OFFSET 0) placed
    JOIN conversations v ON v.account_id = placed.account_id AND v.chat_id = placed.root_chat_id
    ORDER BY v.chat_id FOR NO KEY UPDATE OF v
  ),
  conversation AS (
    UPDATE conversations v SET event_seq = v.event_seq + 1, last_message_at = h.created_at
    FROM held_conversation h WHERE v.account_id = h.account_id AND v.chat_id = h.root_chat_id
    RETURNING v.account_id, v.chat_id AS root_chat_id, v.event_seq, h.chat_id, h.response_id, h.created_at
  ),`,
  told: 'conversation',
};

/**
 * The chat before it has the pair, locked as its update locks it: so its last pair is that before
 * the new one, also after a wait.
 */
const BEFORE_CTE = `
  before AS MATERIALIZED (
    SELECT c.account_id, c.chat_id, c.last_response_id FROM input i
    JOIN chats c ON c.account_id = i.account_id AND c.chat_id = i.chat_id
    WHERE ${AFTER_KEYS} FOR NO KEY UPDATE OF c
  ),`;

/** What the writer of the answer needs to know of the chat. */
const CHAT_TOLD =
  'b.last_response_id AS parent_response_id, c.model AS chat_model, c.system_prompt';
const NOTHING_TOLD =
  'NULL::uuid AS parent_response_id, NULL::text AS chat_model, NULL::text AS system_prompt';

const GENERATION_CTE = `
  generation AS (
    INSERT INTO generations (account_id, generation_id, root_chat_id, chat_id, response_id, instance_id, lease_until, model, scope, key, started_at)
    SELECT account_id, generation_id, root_chat_id, chat_id, response_id, instance_id, now() + interval '${LEASE_SECONDS} s', asked_model,
      settle_scope, settle_key, created_at FROM ${ALONE.placed}
  ),`;

export interface AppendStatements {
  one: Statement;
  many: Statement;
  /** For one question with an answer to come. */
  generating: Statement;
}

export const appendStatements = (table: ContentStore['table']): AppendStatements => ({
  one: { name: `append.one.${table}`, text: appendText(selectOf(INPUT), table) },
  many: {
    name: `append.many.${table}`,
    text: appendText(MANY_INPUTS, table, false, IN_ORDER),
  },
  generating: {
    name: `append.generating.${table}`,
    text: appendText(selectOf(GENERATING_INPUT), table, true),
  },
});

export const oneInput = (pair: NewPair): unknown[] => INPUT.map(([, , value]) => value(pair));

/** The statement of one pair, with its input. */
export const appendOf = (
  statements: AppendStatements,
  pair: NewPair,
): readonly [Statement, unknown[]] =>
  pair.generation
    ? [statements.generating, GENERATING_INPUT.map(([, , value]) => value(pair))]
    : [statements.one, oneInput(pair)];

export const manyInputs = (pairs: readonly NewPair[]): unknown[] =>
  INPUT.map(([, , value]) => pairs.map(value));
