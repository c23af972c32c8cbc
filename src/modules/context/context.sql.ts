import type { ContentStore } from '../../content/content-store.js';
import type { Statement } from '../../database/database.js';
import { MESSAGE_TOKENS } from '../../llm/context-window.js';
import type { MessageStatus } from '../chat/message.entity.js';
import type { WordsRow } from '../chat/path.service.js';

/** Pairs that are looked at together on the way back. */
const BLOCK_PAIRS = 64;
/**
 * No text has fewer tokens than this share of its bytes: nobody has to read further back for a
 * window.
 */
const BYTES_PER_TOKEN_MAX = 16;

/** A pair before a question, or (the last one) the question itself. */
export interface ContextRow extends WordsRow {
  /** Empty where the words are in `body`, or nowhere. */
  response_id: string;
  /** Of the chat: a client may give the id of one that was purged to another one. */
  chat_created_at: string;
  /** Null where nobody has counted this version. */
  tokens: number | null;
  status: MessageStatus;
  model: string | null;
  author: string | null;
  error_code: string | null;
}

/** What there is to be said of a pair that is not whole, or not only two texts of nobody's. */
type Beside = [
  status: MessageStatus,
  model: string | null,
  author: string | null,
  error_code: string | null,
  response_id: string,
  sha256: string | null,
];

/**
 * A block of a context as it comes over the wire: each column is a list of its pairs, as in a page
 * (`path.sql.ts`), in whatever order. Null where the block has none.
 */
export interface ContextBlock extends Record<string, unknown> {
  root_chat_id: string;
  chat_id: string;
  chat_created_at: string;
  fork_seq: number;
  /** `FACTS`, a line for each pair. */
  facts: string | null;
  /** `seq` and version of the words that are here, a line for each pair. */
  words: string | null;
  /** Their bodies, a line for each: JSON has no line breaks. */
  bodies: string | null;
  /** By their `seq`, of the pairs of which more is to be said; null where there are none. */
  more: Record<string, Beside> | null;
}

const FACTS = `concat_ws(' ', m.seq, m.version, CASE WHEN t.version = m.version THEN t.tokens END)`;

/** The rows of the pairs of a context, oldest first. @param blocks in any order */
export const contextRowsOf = (blocks: readonly ContextBlock[]): ContextRow[] =>
  blocks.flatMap(rowsOf).sort((a, b) => a.seq - b.seq);

function rowsOf({ facts, words, bodies, more, ...place }: ContextBlock): ContextRow[] {
  if (facts === null) return [];
  const texts = bodies?.split('\n');
  const bodyOf = new Map(words?.split('\n').map((word, at) => [word, texts![at]!]));
  return facts.split('\n').map((line) => {
    const [seq, version, tokens] = line.split(' ') as [string, string, string?];
    const [
      status = 'complete',
      model = null,
      author = null,
      errorCode = null,
      id = '',
      sha256 = null,
    ] = more?.[seq] ?? [];
    return {
      root_chat_id: place.root_chat_id,
      response_id: id,
      chat_id: place.chat_id,
      chat_created_at: place.chat_created_at,
      fork_seq: place.fork_seq,
      seq: Number(seq),
      version: Number(version),
      status,
      tokens: tokens === undefined ? null : Number(tokens),
      model,
      author,
      error_code: errorCode,
      sha256: sha256 === null ? null : Buffer.from(sha256, 'hex'),
      body: bodyOf.get(`${seq} ${version}`) || null,
    };
  });
}

/** Of a pair and its count, where there is one: the tokens that it takes, or the fewest. */
const COST = `CASE WHEN m.seq = $3 THEN 0 WHEN t.version = m.version THEN t.tokens + ${MESSAGE_TOKENS} ELSE m.bytes / ${BYTES_PER_TOKEN_MAX} END`;

/** Of pairs that are more than two texts of nobody's, and of all whose words are elsewhere. */
const hasMore = (table: ContentStore['table']): string =>
  table === 'content_journal'
    ? 'true'
    : `m.status <> 'complete' OR num_nonnulls(m.model, m.author, m.error) > 0`;

/**
 * The block `w` of a path (of one owner), the newest pairs of it that `w.room` has room for: two
 * scans of one range each, merged. A full join is one of PostgreSQL's joins that never looks a row
 * up. Their words are no part of it: each step that they went through would copy them.
 */
const blockOf = (table: ContentStore['table']): string => `
      SELECT coalesce(max(spent), 0) AS cost, min(seq) AS oldest, string_agg(facts, E'\\n') AS facts,
        json_object_agg(seq, more) FILTER (WHERE more IS NOT NULL) AS more
      FROM (
        SELECT m.seq, ${FACTS} AS facts, ${COST} AS cost, sum(${COST}) OVER (ORDER BY m.seq DESC ROWS UNBOUNDED PRECEDING) AS spent,
          CASE WHEN ${hasMore(table)} THEN
            json_build_array(m.status, m.model, m.author, m.error ->> 'code', m.response_id, encode(m.sha256, 'hex'))
          END AS more
        FROM (SELECT * FROM messages WHERE account_id = $1 AND chat_id = w.chat_id AND seq BETWEEN w.lo AND w.hi) m
        FULL JOIN (
          SELECT seq, version, tokens FROM message_tokens WHERE account_id = $1 AND chat_id = w.chat_id AND seq BETWEEN w.lo AND w.hi
        ) t ON t.seq = m.seq
        WHERE coalesce(m.seq, 0) > 0
      ) told
      WHERE spent - cost < w.room OR seq = $3`;

/**
 * The words of the pairs of a block `w` that PostgreSQL has, in one range: behind those that are
 * known, where these reach back as far as the block.
 */
const wordsOf = (table: ContentStore['table']): string => `
      SELECT string_agg(concat_ws(' ', seq, version), E'\\n') AS words, string_agg(coalesce(body, ''), E'\\n') AS bodies
      FROM ${table} WHERE account_id = $1 AND chat_id = w.chat_id
        AND seq BETWEEN CASE WHEN w.oldest >= $5::int THEN greatest(w.oldest, $6::int + 1) ELSE w.oldest END AND w.hi`;

/** Of a block of the walk: where it is, and what is left of the room. */
const BLOCK = `w.chat_id, w.created_at, w.root_chat_id, w.parent_chat_id, w.fork_seq, w.lo, w.hi, w.room - block.cost, block.oldest, block.facts, block.more`;

/**
 * A question ($1 account, $2 the chat that owns it, $3 its `seq`) and the pairs before it on its
 * path, from the newest back until they fill the room of a window ($4 tokens), with the words that
 * PostgreSQL has but those that the reader knows ($5 to $6, by `seq`); a row for each block
 * (`contextRowsOf`). What is read is bounded by the window and not by the chat: blocks of 64 pairs,
 * each of one owner, until their tokens are more than there is room for. A pair that nobody has
 * counted is taken to have the fewest tokens that its bytes can be, so some pairs may come that
 * have no room. A parent owns the pair that a branch hangs at, so no step is in vain. Nothing in
 * the first block: the pair is gone.
 */
export const contextStatement = (table: ContentStore['table']): Statement => ({
  name: `answer.context.${table}`,
  text: `
    WITH RECURSIVE walk (chat_id, created_at, root_chat_id, parent_chat_id, fork_seq, lo, hi, room, oldest, facts, more) AS (
      SELECT ${BLOCK}
      FROM (
        SELECT *, greatest(fork_seq + 1, $3::int - ${BLOCK_PAIRS}) AS lo, $3::int AS hi, $4::bigint AS room
        FROM chats WHERE account_id = $1 AND chat_id = $2
      ) w
      CROSS JOIN LATERAL (${blockOf(table)}) block
      UNION ALL
      SELECT ${BLOCK}
      FROM (
        SELECT n.*, greatest(n.fork_seq + 1, last.lo - ${BLOCK_PAIRS}) AS lo, last.lo - 1 AS hi, last.room
        FROM walk last
        CROSS JOIN LATERAL (
          SELECT * FROM chats
          WHERE account_id = $1 AND chat_id = CASE WHEN last.lo > last.fork_seq + 1 THEN last.chat_id ELSE last.parent_chat_id END LIMIT 1
        ) n
        WHERE last.lo > 1 AND last.room > 0
      ) w
      CROSS JOIN LATERAL (${blockOf(table)}) block
    )
    SELECT w.root_chat_id, w.chat_id, w.created_at::text AS chat_created_at, w.fork_seq, w.facts, w.more, said.words, said.bodies
    FROM walk w CROSS JOIN LATERAL (${wordsOf(table)}) said`,
});

/**
 * Keeps what was counted ($2 chats, $3 `seq`s, $4 versions, $5 tokens), of pairs that are still
 * there. A count is made again where it is missing, so the commit does not wait for the disk. In
 * the order of their keys, so that no two of these wait for each other.
 */
export const KEEP_TOKENS: Statement = {
  name: 'answer.keep_tokens',
  text: `
    INSERT INTO message_tokens AS t (account_id, chat_id, seq, version, tokens)
    SELECT $1::uuid, c.chat_id, c.seq, c.version, c.tokens
    FROM unnest($2::uuid[], $3::int[], $4::int[], $5::int[]) AS c (chat_id, seq, version, tokens)
    CROSS JOIN LATERAL (SELECT FROM messages WHERE account_id = $1 AND chat_id = c.chat_id AND seq = c.seq LIMIT 1) m
    WHERE set_config('synchronous_commit', 'off', true) IS NOT NULL
    ORDER BY c.chat_id, c.seq
    ON CONFLICT (account_id, chat_id, seq) DO UPDATE SET version = excluded.version, tokens = excluded.tokens WHERE t.version < excluded.version`,
};
