import type { Client } from 'pg';
import { pairOf } from './text.js';

/** Different texts that big chats are made of. */
const TEXTS = 1000;

/** The id of a seeded chat; pgbench makes the same from a number. */
export const chatIdOf = (n: number): string =>
  `00000000-0000-7000-8000-${n.toString(16).padStart(12, '0')}`;

/** What `POST /chats` writes, for the chats `first..last`. */
const CHATS = `
  WITH chat AS (SELECT ('00000000-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid AS id FROM generate_series($2::int, $3::int) n),
  conversation AS (INSERT INTO conversations (account_id, chat_id, event_seq, revision) SELECT $1, id, 1, 1 FROM chat),
  event AS (
    INSERT INTO events (account_id, root_chat_id, seq, type, chat_id, created_at) SELECT $1, id, 1, 'chat.created', id, now() FROM chat
  )
  INSERT INTO chats (account_id, chat_id, root_chat_id, jump_chat_id, active, created_at, updated_at)
  SELECT $1, id, id, id, true, now(), now() FROM chat`;

/**
 * What appends to the chats $2 write, in their order: the pairs `$3..$4` of each with the texts $5
 * in turn. All before $3 must be there.
 */
const PAIRS = `
  WITH pair AS MATERIALIZED (
    SELECT chat_id, uuidv7() AS id, seq, ($5::text[])[1 + seq % cardinality($5::text[])] AS body
    FROM unnest($2::uuid[]) AS chat_id, generate_series($3::int, $4::int) seq ORDER BY chat_id, seq
  ),
  message AS (
    INSERT INTO messages (account_id, response_id, root_chat_id, chat_id, seq, bytes, sha256, created_at)
    SELECT $1, id, chat_id, chat_id, seq, octet_length(body), sha256(convert_to(body, 'UTF8')), now() FROM pair
  ),
  words AS (INSERT INTO chat_contents (account_id, chat_id, seq, version, body) SELECT $1, chat_id, seq, 1, body FROM pair),
  event AS (
    INSERT INTO events (account_id, root_chat_id, seq, type, chat_id, response_id, created_at)
    SELECT $1, chat_id, seq + 1, 'message.created', chat_id, id, now() FROM pair
  ),
  conversation AS (
    UPDATE conversations SET event_seq = $4 + 1, last_message_at = now() WHERE account_id = $1 AND chat_id = ANY ($2::uuid[])
  )
  UPDATE chats c SET last_seq = $4, revision = $4 + 1, updated_at = now(), last_response_id = pair.id
  FROM pair WHERE c.account_id = $1 AND c.chat_id = pair.chat_id AND pair.seq = $4`;

/** Rows of one statement: its temporary results stay in memory. */
const STATEMENT_PAIRS = 10_000;

/** Makes empty chats. */
export async function seedChats(
  sql: Client,
  accountId: string,
  first: number,
  last: number,
): Promise<void> {
  await sql.query(CHATS, [accountId, first, last]);
}

/**
 * Fills empty chats with so many pairs each, as if a person had posted them; with English prose
 * where no `texts` are given.
 */
export async function seedPairs(
  sql: Client,
  accountId: string,
  chatIds: readonly string[],
  count: number,
  texts: readonly string[] = prose(count),
): Promise<void> {
  const step = Math.max(1, Math.floor(STATEMENT_PAIRS / chatIds.length));
  for (let from = 1; from <= count; from += step) {
    await sql.query(PAIRS, [accountId, chatIds, from, Math.min(count, from + step - 1), texts]);
  }
}

const prose = (count: number): string[] =>
  Array.from({ length: Math.min(TEXTS, count) }, (_, n) =>
    JSON.stringify({ ...pairOf(n), metadata: null }),
  );

/**
 * Lets PostgreSQL believe, while `work` runs, that a chat has one pair, as it does where most are
 * short and one is long, or has grown since autovacuum looked: then reading all pairs of a chat
 * costs, for the planner, no more than reading one.
 */
export async function believingShort<Result>(
  sql: Client,
  work: () => Promise<Result>,
): Promise<Result> {
  const believe = async (distinct: number): Promise<void> => {
    for (const table of ['messages', 'chat_contents']) {
      await sql.query(`ALTER TABLE ${table} ALTER COLUMN chat_id SET (n_distinct = ${distinct})`);
      await sql.query(`ANALYZE ${table}`);
    }
  };
  await believe(-1); // as many chats as pairs
  try {
    return await work();
  } finally {
    await believe(0); // as counted
  }
}

/** So that no vacuum of the seeded rows falls into a measurement. */
export async function settle(sql: Client): Promise<void> {
  await sql.query('VACUUM ANALYZE');
  await sql.query('CHECKPOINT');
}

const FAULTS = `
  WITH own AS (
    SELECT m.chat_id, count(*) AS pairs, max(m.seq) AS head, count(*) FILTER (WHERE octet_length(w.body) = m.bytes) AS words
    FROM messages m LEFT JOIN chat_contents w USING (account_id, chat_id, seq) WHERE m.account_id = $1 GROUP BY m.chat_id
  ),
  told AS (SELECT root_chat_id, count(*) AS events FROM events WHERE account_id = $1 GROUP BY root_chat_id)
  SELECT c.chat_id
  FROM chats c JOIN conversations v ON v.account_id = c.account_id AND v.chat_id = c.root_chat_id
  LEFT JOIN own ON own.chat_id = c.chat_id
  LEFT JOIN told ON told.root_chat_id = c.root_chat_id
  LEFT JOIN messages newest ON newest.account_id = c.account_id AND newest.chat_id = c.chat_id AND newest.seq = c.last_seq
  WHERE c.account_id = $1 AND (coalesce(own.pairs, 0) <> c.last_seq - c.fork_seq OR coalesce(own.head, c.fork_seq) <> c.last_seq
    OR own.words <> own.pairs OR newest.response_id <> c.last_response_id OR coalesce(told.events, 0) <> v.event_seq)`;

/**
 * That everything which was acknowledged is there, once and in order: `seq` dense, the head its
 * last one, words for each, an event for each.
 * @throws naming the first chats where it is not
 */
export async function assertWhole(sql: Client, accountId: string): Promise<number> {
  const { rows } = await sql.query<{ chat_id: string }>(FAULTS, [accountId]);
  if (rows.length > 0)
    throw new Error(
      `${rows.length} chats are not whole, for example ${rows[0]!.chat_id}: the measurement is void`,
    );
  return pairsOf(sql, accountId);
}

export async function pairsOf(sql: Client, accountId: string): Promise<number> {
  const { rows } = await sql.query<{ pairs: number }>(
    'SELECT count(*)::int AS pairs FROM messages WHERE account_id = $1',
    [accountId],
  );
  return rows[0]!.pairs;
}
