import type { ContentStore } from '../../content/content-store.js';
import { BRANCHES_SHOWN } from '../../content/content-store.js';
import type { Statement } from '../../database/database.js';
import { PAIR_LIST } from '../../content/pair.columns.js';
import { replaceWords } from '../../content/words.sql.js';
import type { BarePair } from '../chat/pair.js';
import { LEASE_SECONDS } from '../message/append.sql.js';
import { spend } from '../usage/spend.sql.js';

/**
 * Renews the leases of this instance's answers ($1, $2) and writes their newest chunks ($3–$8), all
 * in one statement for all answers. An answer that is missing from the result was ended by somebody
 * else. What a crash of PostgreSQL loses here is a quarter of a second of text that is not stored
 * yet, so the commit does not wait for the disk.
 */
export const WRITE_CHUNKS: Statement = {
  name: 'answer.write_chunks',
  text: `
    WITH held AS MATERIALIZED (
      SELECT g.account_id, g.generation_id FROM unnest($1::uuid[], $2::uuid[]) AS own (account_id, generation_id)
      JOIN generations g USING (account_id, generation_id) WHERE g.status <> 'ended' ORDER BY g.generation_id FOR UPDATE OF g
    ),
    mine AS (
      UPDATE generations g
      SET lease_until = now() + interval '${LEASE_SECONDS} s'
      FROM held WHERE g.account_id = held.account_id AND g.generation_id = held.generation_id
        AND set_config('synchronous_commit', 'off', true) IS NOT NULL
      RETURNING g.account_id, g.generation_id, g.status
    ),
    chunk AS (
      INSERT INTO generation_chunks (account_id, generation_id, n, sizes, text, parts)
      SELECT account_id, generation_id, c.n, c.sizes::int[], c.text, c.parts
      FROM unnest($3::uuid[], $4::uuid[], $5::int[], $6::text[], $7::text[], $8::text[]) AS c (account_id, generation_id, n, sizes, text, parts)
      JOIN mine USING (account_id, generation_id)
      ON CONFLICT DO NOTHING
    )
    SELECT generation_id, status FROM mine`,
};

export interface GenerationRow extends Record<string, unknown> {
  account_id: string;
  generation_id: string;
  root_chat_id: string;
  chat_id: string;
  response_id: string;
  status: 'running' | 'stopping' | 'ended';
}

const COLUMNS = 'account_id, generation_id, root_chat_id, chat_id, response_id, status';

/** The newest answer to a question. */
export const OF_PAIR: Statement = {
  name: 'answer.of_pair',
  text: `SELECT ${COLUMNS} FROM generations WHERE account_id = $1 AND response_id = $2 ORDER BY generation_id DESC LIMIT 1`,
};

export const RUNNING_IN: Statement = {
  name: 'answer.running_in',
  text: `SELECT ${COLUMNS} FROM generations WHERE account_id = $1 AND chat_id = $2 AND status <> 'ended'`,
};

/** The newest one in the living chats of a whole conversation. */
export const RUNNING_IN_TREE: Statement = {
  name: 'answer.running_in_tree',
  text: `
    SELECT ${COLUMNS} FROM generations g
    WHERE account_id = $1 AND root_chat_id = $2 AND status <> 'ended'
      AND EXISTS (SELECT FROM chats c WHERE c.account_id = $1 AND c.chat_id = g.chat_id AND c.deleted_at IS NULL)
    ORDER BY generation_id DESC LIMIT 1`,
};

/** Over all accounts: answers whose instance is dead. */
export const ABANDONED: Statement = {
  name: 'answer.abandoned',
  text: `SELECT ${COLUMNS} FROM generations WHERE status <> 'ended' AND lease_until < now() ORDER BY account_id, chat_id LIMIT $1`,
};

/** Where a pair is, and the one before it on its path. */
export const PLACE_OF: Statement = {
  name: 'answer.place_of',
  text: `
    SELECT m.root_chat_id, m.chat_id, m.seq, m.model, CASE WHEN m.seq - 1 > c.fork_seq
      THEN (SELECT b.response_id FROM messages b WHERE b.account_id = $1 AND b.chat_id = m.chat_id AND b.seq = m.seq - 1)
      ELSE c.fork_response_id END AS parent_response_id
    FROM messages m JOIN chats c ON c.account_id = m.account_id AND c.chat_id = m.chat_id WHERE m.account_id = $1 AND m.response_id = $2`,
};

export interface PlaceRow extends Record<string, unknown> {
  root_chat_id: string;
  chat_id: string;
  seq: number;
  model: string | null;
  parent_response_id: string | null;
}

export const ASK_TO_STOP: Statement = {
  name: 'answer.ask_to_stop',
  text: `UPDATE generations SET status = 'stopping' WHERE account_id = $1 AND response_id = $2 AND status = 'running'`,
};

/**
 * The chunks of the answer `g` with pieces behind the number `told`, in order. A chunk is as long
 * as its pieces are many, so the one before may have some.
 */
const chunksBehind = (told: string): string => `
  SELECT c.n, c.sizes, c.text, c.parts FROM generation_chunks c
  WHERE c.account_id = g.account_id AND c.generation_id = g.generation_id AND c.n + cardinality(c.sizes) > ${told} + 1 ORDER BY c.n`;

/**
 * Of answers `g` that another instance than $`at` wrote: the chunks behind those that were told, by
 * generation ($`at + 1`, $`at + 2`).
 */
const chunksOf = (answers: string, at: number): string => `
  SELECT g.account_id, g.root_chat_id, g.chat_id, g.response_id, g.generation_id, c.n, c.sizes, c.text, c.parts
  FROM ${answers}
  LEFT JOIN unnest($${at + 1}::uuid[], $${at + 2}::int[]) AS told (generation_id, n) ON told.generation_id = g.generation_id
  CROSS JOIN LATERAL (${chunksBehind('coalesce(told.n, 0)')}) c
  WHERE g.instance_id <> $${at} ORDER BY g.generation_id, c.n`;

/** Of the answers that other instances ($3) write in some conversations ($1, $2). */
export const CHUNKS_OF_WATCHED: Statement = {
  name: 'answer.chunks_of_watched',
  text: chunksOf(
    `unnest($1::uuid[], $2::uuid[]) AS watched (account_id, root_chat_id)
    JOIN generations g ON g.account_id = watched.account_id AND g.root_chat_id = watched.root_chat_id AND g.status <> 'ended'`,
    3,
  ),
};

/** Of the newest answers to some questions ($5) that have ended. */
export const CHUNKS_OF_ENDED: Statement = {
  name: 'answer.chunks_of_ended',
  text: chunksOf(
    `unnest($5::uuid[]) AS pair (response_id)
    CROSS JOIN LATERAL (
      SELECT * FROM generations WHERE account_id = $1 AND response_id = pair.response_id AND status = 'ended' ORDER BY generation_id DESC LIMIT 1
    ) g`,
    2,
  ),
};

/**
 * The newest answer to the question $2, and some chunks of the answer $3 with pieces behind $4:
 * they may be none.
 */
export const CHUNKS_OF_PAIR: Statement = {
  name: 'answer.chunks_of_pair',
  text: `
    SELECT newest.generation_id, newest.status, c.n, c.sizes, c.text, c.parts
    FROM (SELECT $1::uuid AS account_id, $3::uuid AS generation_id) g
    CROSS JOIN LATERAL (${OF_PAIR.text}) newest
    LEFT JOIN LATERAL (${chunksBehind('$4::int')} LIMIT 16) c ON true ORDER BY c.n`,
};

/** Chunks are for those who follow; a while after the end there are none. */
export const FORGET_ENDED: Statement = {
  name: 'answer.forget_ended',
  text: `
    WITH old AS MATERIALIZED (
      SELECT account_id, generation_id FROM generations WHERE ended_at < now() - interval '1 h' ORDER BY ended_at LIMIT $1
      FOR UPDATE SKIP LOCKED
    )
    DELETE FROM generations g USING old WHERE g.account_id = old.account_id AND g.generation_id = old.generation_id RETURNING 1`,
};

/** The question that an answer belongs to, with its words as far as PostgreSQL has them. */
export interface QuestionRow extends BarePair, Record<string, unknown> {
  rootChatId: string;
  forkSeq: number;
  body: string | null;
}

/** Also of a deleted chat: it may come back. */
export const questionStatement = (table: ContentStore['table']): Statement => ({
  name: `answer.question.${table}`,
  text: `
    SELECT m.root_chat_id AS "rootChatId", c.fork_seq AS "forkSeq", ${PAIR_LIST}, CASE WHEN w.version = m.version THEN w.body END AS body
    FROM messages m
    JOIN chats c ON c.account_id = m.account_id AND c.chat_id = m.chat_id
    LEFT JOIN ${table} w ON w.account_id = m.account_id AND w.chat_id = m.chat_id AND w.seq = m.seq
    WHERE m.account_id = $1 AND m.response_id = $2`,
});

// The statements of an end, in the order in which they are run in its transaction.

/** An answer that has just been ended, and the chat that it is in. */
export interface EndRow {
  /** The key whose answer is the pair at the end. */
  scope: string | null;
  key: string | null;
  /** The model that was asked for by name. */
  model: string | null;
  name: string | null;
  is_living_root: boolean;
}

/**
 * Locks the chat first, as everybody does. No row: somebody else ended it, or the chat is gone. $4:
 * only if its instance is dead.
 */
export const END = `
  WITH chat AS MATERIALIZED (
    SELECT name, chat_id = root_chat_id AND deleted_at IS NULL AS is_living_root FROM chats WHERE account_id = $1 AND chat_id = $2 FOR UPDATE
  ),
  ended AS (
    UPDATE generations g SET status = 'ended', ended_at = clock_timestamp() FROM chat
    WHERE g.account_id = $1 AND g.generation_id = $3 AND g.status <> 'ended' AND (NOT $4::boolean OR g.lease_until < now())
    RETURNING g.scope, g.key, g.model, chat.name, chat.is_living_root
  )
  SELECT * FROM ended`;

export const CHUNKS = `
  SELECT n, sizes, text, parts FROM generation_chunks WHERE account_id = $1 AND generation_id = $2 ORDER BY n`;

/**
 * $1 account, $2 generation (null where none wrote it), $3 chat, $4 pair, $5 status, $6 body, $7
 * its length, $8 its hash, $9 model, $10 usage, $11 error, $12 event, $13 a name for the chat or
 * null, $14 now, $15 and $16 the tokens that it took, $17 the calls that it makes, or null. A pair
 * that is inherited by others is part of what they answer too, so then all chats of the tree
 * get a new revision. The words come after the conversation, in the order of locks. No row: the
 * pair is gone.
 */
export const storeEnd = (table: ContentStore['table']): string => `
  WITH pair AS (
    UPDATE messages SET status = $5::text, version = version + 1, bytes = $7::int, sha256 = $8::bytea, model = $9::text, usage = $10::jsonb, error = $11::jsonb,
      ended_at = $14::timestamptz,
      call_ids = $17::text[]
    WHERE account_id = $1 AND response_id = $4 RETURNING account_id, root_chat_id, chat_id, response_id, seq, version
  ),
  chat AS (
    UPDATE chats c SET generation_id = NULL, revision = c.revision + 1, name = coalesce($13::text, c.name),
      named_by = CASE WHEN $13::text IS NULL THEN c.named_by ELSE $4::uuid END, updated_at = $14::timestamptz
    FROM pair WHERE c.account_id = $1 AND c.chat_id = $3 AND c.generation_id IS NOT DISTINCT FROM $2::uuid
  ),
  conversation AS (
    UPDATE conversations v
    SET event_seq = v.event_seq + CASE WHEN $13::text IS NULL THEN 1 ELSE 2 END, name = coalesce($13::text, v.name),
      revision = v.revision + (EXISTS (
        SELECT FROM chats b WHERE b.account_id = $1 AND b.parent_chat_id = pair.chat_id AND b.fork_seq >= pair.seq))::int
    FROM pair WHERE v.account_id = $1 AND v.chat_id = pair.root_chat_id RETURNING v.event_seq
  ),
  words AS (${replaceWords(table, 'account_id, chat_id, seq, version, $6::text', 'FROM pair CROSS JOIN conversation')}),
  event AS (
    INSERT INTO events (account_id, root_chat_id, seq, type, chat_id, response_id, created_at)
    SELECT $1::uuid, pair.root_chat_id, event_seq - CASE WHEN $13::text IS NULL THEN 0 ELSE 1 END, $12::text, pair.chat_id, pair.response_id, $14::timestamptz
    FROM pair, conversation
    UNION ALL
    SELECT $1::uuid, pair.root_chat_id, event_seq, 'chat.updated', pair.chat_id, NULL::uuid, $14::timestamptz
    FROM pair, conversation WHERE $13::text IS NOT NULL
  ),
  spent AS (${spend('$15::int', '$16::int', 'FROM conversation WHERE $15::int IS NOT NULL')})
  SELECT pair.version, words.round FROM pair, words`;

/**
 * After the words: a fork that is made meanwhile asks the journal for its mirror, and is then
 * either seen here or does so later.
 */
export const BRANCHES = `
  SELECT coalesce((array_agg(f.chat_id ORDER BY f.chat_id))[1:${BRANCHES_SHOWN}], '{}') AS shown, count(*)::int AS total
  FROM chats f WHERE f.account_id = $1 AND f.parent_chat_id = $2 AND f.fork_seq = $3 AND f.fork_response_id = $4 AND f.deleted_at IS NULL`;

export const SETTLE_KEY = `UPDATE idempotency_keys SET answer = $4 WHERE account_id = $1 AND scope = $2 AND key = $3`;

// The statements of another try in the place of an answer that did not come to its end.

/** What stands in the way of a new answer in the place of an old one. */
export interface PlaceState {
  root_chat_id: string;
  fork_seq: number;
  is_busy: boolean;
  parent_response_id: string | null;
  chat_model: string | null;
  system_prompt: string | null;
}

/** $1 account, $2 chat, $3 the `seq` of the pair. */
export const LOCK_PLACE = `
  SELECT root_chat_id, fork_seq, generation_id IS NOT NULL AS is_busy, model AS chat_model, system_prompt, CASE WHEN $3::int - 1 > fork_seq
    THEN (SELECT b.response_id FROM messages b WHERE b.account_id = $1 AND b.chat_id = c.chat_id AND b.seq = $3::int - 1)
    ELSE fork_response_id END AS parent_response_id
  FROM chats c WHERE account_id = $1 AND chat_id = $2 AND deleted_at IS NULL FOR UPDATE`;

/**
 * Whether a living chat inherited the pair at `seq` $3: also below a deleted one. A statement of
 * its own, because it must see what was committed before the chat's row was locked; afterwards no
 * first branch can be made there.
 */
export const IS_INHERITED = `
  WITH RECURSIVE heirs AS (
    SELECT c.chat_id, c.deleted_at FROM chats c WHERE c.account_id = $1 AND c.parent_chat_id = $2 AND c.fork_seq >= $3::int
    UNION ALL
    SELECT c.chat_id, c.deleted_at FROM heirs h JOIN chats c ON c.account_id = $1 AND c.parent_chat_id = h.chat_id
  )
  SELECT EXISTS (SELECT FROM heirs WHERE deleted_at IS NULL) AS is_inherited`;

/**
 * $1 account, $2 chat, $3 pair, $4 generation, $5 instance, $6 model, $7 scope, $8 key, $9 now, $10
 * the version that was seen.
 */
export const RESTART = `
  WITH pair AS (
    UPDATE messages SET status = 'streaming', model = $6::text, usage = NULL, error = NULL, ended_at = NULL
    WHERE account_id = $1 AND response_id = $3 AND version = $10::int AND status IN ('failed', 'interrupted', 'cancelled')
    RETURNING account_id, root_chat_id, chat_id, response_id
  ),
  chat AS (
    UPDATE chats c SET generation_id = $4, revision = c.revision + 1, updated_at = $9::timestamptz
    FROM pair WHERE c.account_id = $1 AND c.chat_id = $2
  ),
  conversation AS (
    UPDATE conversations v SET event_seq = v.event_seq + 1 FROM pair WHERE v.account_id = $1 AND v.chat_id = pair.root_chat_id
    RETURNING v.event_seq
  ),
  event AS (
    INSERT INTO events (account_id, root_chat_id, seq, type, chat_id, response_id, created_at)
    SELECT pair.account_id, pair.root_chat_id, event_seq, 'message.created', pair.chat_id, pair.response_id, $9::timestamptz FROM pair, conversation
  ),
  generation AS (
    INSERT INTO generations (account_id, generation_id, root_chat_id, chat_id, response_id, instance_id, lease_until, model, scope, key, started_at)
    SELECT account_id, $4::uuid, root_chat_id, chat_id, response_id, $5::uuid, now() + interval '${LEASE_SECONDS} s', $6::text, $7::text, $8::text,
      $9::timestamptz FROM pair
  )
  SELECT response_id FROM pair`;
