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
  /** Null where nobody has counted this version. */
  tokens: number | null;
  status: MessageStatus;
  model: string | null;
  author: string | null;
  error_code: string | null;
}

type Beside = [
  model: string | null,
  author: string | null,
  error_code: string | null,
  sha256: string | null,
];

/**
 * A context as it comes over the wire: one row, in which each column is a list of all pairs, as in
 * a page (`path.sql.ts`). Null where there is none.
 */
export interface ContextPage extends Record<string, unknown> {
  /** `FACTS`, a line for each pair. */
  facts: string | null;
  /** Bodies, a line for each pair: JSON has no line breaks. An empty line where it is elsewhere. */
  bodies: string | null;
  /** A list with null for each pair of which no more is to be said. */
  more: (Beside | null)[] | null;
}

const FACTS = `concat_ws(' ', root_chat_id, response_id, chat_id, fork_seq, seq, version, status, tokens)`;

/** The rows of the pairs of a context, oldest first. */
export function contextRowsOf({ facts, bodies, more }: ContextPage): ContextRow[] {
  if (facts === null) return [];
  const words = bodies!.split('\n');
  return facts.split('\n').map((line, at) => {
    const [rootChatId, responseId, chatId, forkSeq, seq, version, status, tokens] = line.split(
      ' ',
    ) as [string, string, string, ...string[]];
    const [model = null, author = null, errorCode = null, sha256 = null] = more![at] ?? [];
    return {
      root_chat_id: rootChatId,
      response_id: responseId,
      chat_id: chatId,
      fork_seq: Number(forkSeq),
      seq: Number(seq),
      version: Number(version),
      status: status as MessageStatus,
      tokens: tokens === undefined ? null : Number(tokens),
      model,
      author,
      error_code: errorCode,
      sha256: sha256 === null ? null : Buffer.from(sha256, 'hex'),
      body: words[at] || null,
    };
  });
}

/**
 * The rows of a block `w` of a path: three scans of one range each, merged. A full join is one of
 * PostgreSQL's joins that never looks a row up.
 */
const blockOf = (columns: string, more = ''): string => `
      SELECT ${columns}, CASE WHEN t.version = m.version THEN t.tokens END AS tokens,
        CASE WHEN m.seq = $3 THEN 0 WHEN t.version = m.version THEN t.tokens + ${MESSAGE_TOKENS} ELSE m.bytes / ${BYTES_PER_TOKEN_MAX} END AS cost
      FROM (SELECT * FROM messages WHERE account_id = $1 AND chat_id = w.chat_id AND seq BETWEEN w.lo AND w.hi) m
      FULL JOIN (
        SELECT seq, version, tokens FROM message_tokens WHERE account_id = $1 AND chat_id = w.chat_id AND seq BETWEEN w.lo AND w.hi
      ) t ON t.seq = m.seq${more}
      WHERE coalesce(m.seq, 0) > 0`;

/**
 * A question ($1 account, $2 the chat that owns it, $3 its `seq`) and the pairs before it on its
 * path, from the newest back until they fill the room of a window ($4 tokens), with the words that
 * PostgreSQL has; oldest first, in one row (`contextRowsOf`). What is read is bounded by the window
 * and not by the chat: blocks of 64 pairs, each of one owner, until their tokens are more than
 * there is room for. A pair that nobody has counted is taken to have the fewest tokens that its
 * bytes can be, so some pairs may come that have no room. A parent owns the pair that a branch
 * hangs at, so no step is in vain. Nothing in it: the pair is gone.
 */
export const contextStatement = (table: ContentStore['table']): Statement => ({
  name: `answer.context.${table}`,
  text: `
    WITH RECURSIVE walk (chat_id, root_chat_id, parent_chat_id, fork_seq, lo, hi, room) AS (
      SELECT chat_id, root_chat_id, parent_chat_id, fork_seq, greatest(fork_seq + 1, $3::int - ${BLOCK_PAIRS}), $3::int, $4::bigint
      FROM chats WHERE account_id = $1 AND chat_id = $2
      UNION ALL
      SELECT n.chat_id, n.root_chat_id, n.parent_chat_id, n.fork_seq, greatest(n.fork_seq + 1, w.lo - ${BLOCK_PAIRS}), w.lo - 1, w.room - block.cost
      FROM walk w
      CROSS JOIN LATERAL (SELECT coalesce(sum(cost), 0)::bigint AS cost FROM (${blockOf('m.seq')}) pair) block
      CROSS JOIN LATERAL (
        SELECT * FROM chats
        WHERE account_id = $1 AND chat_id = CASE WHEN w.lo > w.fork_seq + 1 THEN w.chat_id ELSE w.parent_chat_id END LIMIT 1
      ) n
      WHERE w.lo > 1 AND w.room > block.cost
    )
    SELECT string_agg(${FACTS}, E'\\n' ORDER BY seq) AS facts, string_agg(coalesce(body, ''), E'\\n' ORDER BY seq) AS bodies,
      json_agg(
        CASE WHEN body IS NOT NULL AND coalesce(model, author, error_code) IS NULL THEN NULL
        ELSE json_build_array(model, author, error_code, CASE WHEN body IS NULL THEN encode(sha256, 'hex') END) END
        ORDER BY seq
      ) AS more
    FROM (
      SELECT w.root_chat_id, w.fork_seq, pair.*, sum(pair.cost) OVER (ORDER BY pair.seq DESC) AS spent
      FROM walk w CROSS JOIN LATERAL (${blockOf(
        "m.response_id, m.chat_id, m.seq, m.version, m.sha256, m.status, m.model, m.author, m.error ->> 'code' AS error_code, CASE WHEN x.version = m.version THEN x.body END AS body",
        `
      FULL JOIN (
        SELECT seq, version, body FROM ${table} WHERE account_id = $1 AND chat_id = w.chat_id AND seq BETWEEN w.lo AND w.hi
      ) x ON x.seq = m.seq`,
      )}
      ) pair
    ) path
    WHERE spent <= $4 OR seq = $3`,
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
