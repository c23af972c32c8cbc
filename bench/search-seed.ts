import { createHash, randomUUID } from 'node:crypto';
import type { Client } from 'pg';
import { BLOCKS_SQL } from '../src/modules/search/search-blocks.js';
import type { SideTexts } from '../src/modules/search/search-word-places.js';
import { accountKey, conversationWord, Vectors } from '../src/modules/search/search-vector.js';
import { randomOf } from './text.js';

/** Pairs of all accounts but one. */
const SMALL_PAIRS = 900;
const CHAT_PAIRS = 30;
/** Different texts, of so many words each. */
const TEXTS = 4000;
const WORDS = 45;
const VOCABULARY = 20_000;
const STATEMENT_CHATS = 300;

/** What a search looks through. */
export interface Library {
  accounts: string[];
  pairs: number;
  /** Words that more than a fifth, about a fiftieth, and a few of all pairs have. */
  common: string[];
  medium: string[];
  rare: string[];
}

export const bigAccount = (_n: number, { accounts }: Library): string => accounts[0]!;
export const smallAccount = (n: number, { accounts }: Library): string =>
  accounts[1 + (n % (accounts.length - 1))]!;

interface Text {
  body: string;
  sides: SideTexts;
}

/** Whose words they are at first. */
const NOBODY = '00000000-0000-0000-0000-000000000000';

/** Texts $1, and their words $2 with `@` in the place of the key $3; without the word $4. */
const TEXTS_IN = `
  INSERT INTO bench_texts (body, sha256, words)
  SELECT body, sha256(convert_to(body, 'UTF8')), replace(ts_delete(words, $4)::text, '''' || $3, '''@')
  FROM unnest($1::text[], $2::tsvector[]) AS t (body, words)`;

/**
 * $1 account, $2 its key, $3 chats, $4 their words, $5 pairs of each, $6 and $7 which part of the
 * year they fill. Pairs are written in about the order of their times, as by a server; within four
 * days in none: so neighbours in time are on different pages, as where others write between.
 */
const FILL = `
  WITH chat AS (SELECT * FROM unnest($3::uuid[], $4::text[]) WITH ORDINALITY AS chat (chat_id, word, no)),
  place AS MATERIALIZED (
    SELECT chat.*, seq, uuidv7(interval '-1 year') AS id, now() - interval '1 year'
        + (floor(90 * ($6::float8 + ($7::float8 - $6::float8) * (no - 1 + (seq - 1) / $5::float8) / cardinality($3))) + random()) * interval '4 days' AS at, 1 + floor(random() * ${TEXTS})::int AS n
    FROM chat, generate_series(1, $5::int) seq ORDER BY no, seq
  ),
  pair AS MATERIALIZED (SELECT place.*, t.body, t.sha256, t.words FROM place JOIN bench_texts t USING (n)),
  owner AS (
    INSERT INTO chats (account_id, chat_id, root_chat_id, jump_chat_id, active, last_seq, created_at, updated_at)
    SELECT $1, chat_id, chat_id, chat_id, true, $5, now(), now() FROM chat
  ),
  conversation AS (INSERT INTO conversations (account_id, chat_id) SELECT $1, chat_id FROM chat),
  message AS (
    INSERT INTO messages (account_id, response_id, root_chat_id, chat_id, seq, bytes, sha256, created_at)
    SELECT $1, id, chat_id, chat_id, seq, octet_length(body), sha256, at FROM pair
  ),
  contents AS (INSERT INTO chat_contents (account_id, chat_id, seq, version, body) SELECT $1, chat_id, seq, 1, body FROM pair)
  INSERT INTO message_search (account_id, response_id, root_chat_id, chat_id, seq, version, is_final, message_type, created_at, words)
  SELECT $1, id, chat_id, chat_id, seq, 1, true, 'text', at, ('''' || word || ''' ' || replace(words, '@', $2))::tsvector FROM pair`;

/** Nobody needs to look through them. */
const ALL_WALKED = `
  INSERT INTO search_accounts (account_id, walked_to, row_id) SELECT account_id, uuidv7(), gen_random_uuid() FROM unnest($1::uuid[]) AS account_id`;

/**
 * Fills the tables with accounts of 900 pairs each and one of `bigPairs`; its words are made once
 * and get the key of each account in PostgreSQL. The index of words is made afterwards, as a whole.
 */
export async function makeLibrary(
  sql: Client,
  accountsTotal: number,
  bigPairs: number,
): Promise<Library> {
  const random = randomOf(3);
  const vocabulary = Array.from({ length: VOCABULARY }, (_, n) => wordOf(n));
  const texts = Array.from({ length: TEXTS }, () => textOf(vocabulary, random));
  await sql.query(
    `CREATE TEMP TABLE bench_texts (n serial PRIMARY KEY, body text, sha256 bytea, words text)`,
  );
  const vectors = new Vectors();
  for (const { sides } of texts) vectors.add(NOBODY, NOBODY, sides);
  await sql.query(TEXTS_IN, [
    texts.map(({ body }) => body),
    vectors.toBuffer(),
    accountKey(NOBODY),
    conversationWord(NOBODY, NOBODY),
  ]);
  await sql.query('ANALYZE bench_texts');
  const accounts = Array.from({ length: accountsTotal }, () => randomUUID());
  await sql.query(`SET session_replication_role = replica; SET work_mem = '64MB'`);
  await sql.query(`DROP INDEX message_search_blocks`);
  for (const [n, account] of accounts.entries())
    await fill(sql, account, n === 0 ? bigPairs : SMALL_PAIRS);
  await sql.query(ALL_WALKED, [accounts]);
  await sql.query(`SET maintenance_work_mem = '512MB'`);
  await sql.query(
    `CREATE INDEX message_search_blocks ON message_search USING gin (words, ${BLOCKS_SQL})`,
  );
  await sql.query(`RESET ALL`);
  await sql.query('VACUUM ANALYZE');
  await sql.query('CHECKPOINT');
  return {
    accounts,
    pairs: bigPairs + (accountsTotal - 1) * SMALL_PAIRS,
    common: vocabulary.slice(0, 20),
    medium: vocabulary.slice(150, 300),
    rare: vocabulary.slice(3000, 6000),
  };
}

async function fill(sql: Client, accountId: string, pairs: number): Promise<void> {
  const chats = Array.from({ length: Math.ceil(pairs / CHAT_PAIRS) }, () => randomUUID());
  for (let from = 0; from < chats.length; from += STATEMENT_CHATS) {
    const some = chats.slice(from, from + STATEMENT_CHATS);
    const words = some.map((chat) => conversationWord(accountId, chat));
    await sql.query({
      name: 'bench.fill',
      text: FILL,
      values: [
        accountId,
        accountKey(accountId),
        some,
        words,
        CHAT_PAIRS,
        from / chats.length,
        (from + some.length) / chats.length,
      ],
    });
  }
}

/** Letters that look like a word, other ones for each number. */
function wordOf(n: number): string {
  const hex = createHash('sha256').update(`${n}`).digest('hex').slice(0, 9);
  return [...hex]
    .map((digit) => 'etaoinshrdlucmfw'[parseInt(digit, 16)])
    .join('')
    .slice(0, 3 + (n % 7));
}

/** Words as often as in prose: the n-th one a n-th as often as the first (Zipf). */
function textOf(vocabulary: readonly string[], random: () => number): Text {
  const word = (): string =>
    vocabulary[Math.floor(Math.exp(random() * Math.log(VOCABULARY + 1)) - 1)]!;
  const said = (count: number): string => Array.from({ length: count }, word).join(' ');
  const sides = { question: said(15), response: said(WORDS - 15) };
  return { body: JSON.stringify({ ...sides, metadata: null }), sides };
}
