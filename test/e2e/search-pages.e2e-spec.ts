import { Client } from 'pg';
import { DataSource } from 'typeorm';
import { Config } from '../../src/config/config.js';
import { serverOptions } from '../../src/data-source.js';
import { LAST_UUID } from '../../src/common/ids.js';
import { PostgresContentStore } from '../../src/content/postgres/postgres-content-store.js';
import { Database, type Statement } from '../../src/database/database.js';
import { SearchIndex } from '../../src/modules/search/search-index.service.js';
import {
  NEXT_PART,
  type WalkRow,
  readStatement,
  WALKED,
  WALKED_TO,
} from '../../src/modules/search/search-index.sql.js';
import { SearchHits } from '../../src/modules/search/search-hits.service.js';
import { type Key, SearchMatches } from '../../src/modules/search/search-matches.service.js';
import { accountKey } from '../../src/modules/search/search-vector.js';
import { SearchWalks } from '../../src/modules/search/search-walks.service.js';
import { SearchService } from '../../src/modules/search/search.service.js';
import { FIND, FIND_REST, LOOK } from '../../src/modules/search/search.sql.js';
import { TestClient } from '../support/client.js';
import { watchStatements } from '../support/statement-watch.js';
import { until } from '../support/machine-clock.js';
import { type SharedServer, sharedServer } from '../support/shared-server.js';

const FINDERS: readonly Statement[] = [FIND, FIND_REST];

/**
 * 6,000 pairs of a chat $2, one in eight hours, but the last 1,000 in one day: what they are found
 * by, without words. $3: the key of the account $1.
 */
const MANY = `
  WITH pair AS MATERIALIZED (
    SELECT n, gen_random_uuid() AS id, timestamptz '2026-01-01' + CASE WHEN n > 5000 THEN n * interval '1 s' ELSE (n - 5000) * interval '8 h' END AS at
    FROM generate_series(1, 6000) n
  ),
  message AS (
    INSERT INTO messages (account_id, response_id, root_chat_id, chat_id, seq, bytes, sha256, created_at)
    SELECT $1, id, $2, $2, n, 1, '', at FROM pair
  )
  INSERT INTO message_search (account_id, response_id, root_chat_id, chat_id, seq, version, is_final, message_type, created_at, words)
  SELECT $1::uuid, id, $2::uuid, $2::uuid, n, 1, true, 'text', at, concat_ws(' ', quote_literal($3 || 'all'),
    CASE WHEN n % 2 = 0 THEN quote_literal($3 || 'half') END, CASE WHEN n % 8 = 0 THEN quote_literal($3 || 'eighth') END,
    CASE WHEN n % 700 = 0 THEN quote_literal($3 || 'rare') END, CASE WHEN n < 1000 THEN quote_literal($3 || 'old') END)::tsvector
  FROM pair`;

/** 900 pairs of a chat $2 of the account $1, of 100 words each that no other has. */
const WORDY = `
  WITH pair AS MATERIALIZED (SELECT n, gen_random_uuid() AS id FROM generate_series(1, 900) n),
  message AS (
    INSERT INTO messages (account_id, response_id, root_chat_id, chat_id, seq, bytes, sha256, created_at)
    SELECT $1, id, $2, $2, n, 1, '', now() FROM pair
  )
  INSERT INTO message_search (account_id, response_id, root_chat_id, chat_id, seq, version, is_final, message_type, created_at, words)
  SELECT $1, id, $2, $2, n, 1, true, 'text', now(), (SELECT string_agg(n || 'word' || w, ' ') FROM generate_series(1, 100) w)::tsvector
  FROM pair`;
const LOOK_FOR_NONE = `
  EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) SELECT FROM message_search WHERE words @@ 'none-has-it'::tsquery`;

describe('a search', () => {
  let server: SharedServer;
  let database: Client;
  let ann: TestClient;

  beforeAll(async () => {
    server = await sharedServer();
    database = new Client({ connectionString: server.databaseUrl });
    await database.connect();
    ann = await TestClient.register(server.url);
  });
  afterAll(async () => {
    await database.end();
    await server.close();
  });

  it('of thousands of matches in many years finds the newest first, each once, and fetches few for a page', async () => {
    const { id } = await ann.aChat();
    await database.query(MANY, [ann.accountId, id, accountKey(ann.accountId)]);
    const dataSource = await new DataSource(serverOptions(server.databaseUrl, 1)).initialize();
    const stored = new Database(dataSource);
    const asked: [Statement, unknown[]][] = [];
    watchStatements(stored, (statement, values) => {
      if (FINDERS.includes(statement)) asked.push([statement, [...values]]);
    });
    const index = new SearchIndex(stored, new PostgresContentStore(stored));
    const matches = new SearchMatches(stored, new Config(), index);
    const start: Key = {
      at: Date.UTC(9999, 0),
      id: '00000000-0000-0000-0000-000000000000',
    };
    try {
      for (const word of ['half', 'eighth', 'rare', 'old', 'none']) {
        const tsquery = `'${accountKey(ann.accountId)}${word}'`;
        const nothing = { from: null, type: null, rootChatId: null, chatId: null };
        const ask = { accountId: ann.accountId!, tsquery, rankedBy: tsquery, ...nothing };
        const found: string[] = [];
        for (let [before, more] = [start, true]; more;) {
          const page = await matches.find(ask, before, 100, 100);
          found.push(...page.found.map((match) => match.id));
          [before, more] = [page.found.at(-1) ?? before, page.hasMore];
        }
        const { rows } = await database.query(
          `SELECT response_id FROM message_search WHERE account_id = $1 AND words @@ $2::tsquery ORDER BY created_at DESC, response_id DESC`,
          [ann.accountId, tsquery],
        );
        expect([word, found]).toEqual([word, rows.map((row) => row.response_id)]);
        asked.length = 0;
        await matches.find(ask, start, 21, 21);
        if (word !== 'old') expect(await fetched(asked)).toBeLessThan(300);
        // Nor, for a page far behind, what is newer than that.
        asked.length = 0;
        await matches.find(ask, { at: Date.UTC(2021, 9), id: start.id }, 21, 21);
        expect(await fetched(asked)).toBeLessThan(100);
      }
    } finally {
      await index.stop();
      await dataSource.destroy();
      await database.query(`DELETE FROM messages WHERE account_id = $1`, [ann.accountId]);
    }
  });

  it('shows nothing of a pair whose words are erased while it is going on', async () => {
    const bob = await TestClient.register(server.url);
    const { id } = await bob.aChat();
    const pair = await bob.append(id, 'quokka', 'It smiles.');
    const dataSource = await new DataSource(serverOptions(server.databaseUrl, 1)).initialize();
    const stored = new Database(dataSource);
    const content = new PostgresContentStore(stored);
    const index = new SearchIndex(stored, content);
    const walks = new SearchWalks(stored, index);
    const matches = new SearchMatches(stored, new Config(), index);
    const service = new SearchService(stored, walks, matches, new SearchHits(stored, content));
    const hitsOf = async (): Promise<string[]> =>
      (await service.search(bob.accountId!, { q: 'quokka', sort: 'newest', limit: 20 })).items.map(
        (hit) => hit.response_id,
      );
    try {
      expect(await hitsOf()).toEqual([pair]);
      const query = stored.query.bind(stored);
      stored.query = (async (statement, values) => {
        if (statement.name.startsWith('search.hits.'))
          await bob.delete(`/chats/${id}/messages/${pair}`);
        return query(statement, values);
      }) as Database['query'];
      expect(await hitsOf()).toEqual([]);
    } finally {
      await walks.stop();
      await index.stop();
      await dataSource.destroy();
    }
  });

  it('soon reads nothing any more of what was written and is not in order yet in the index', async () => {
    const bob = await TestClient.register(server.url);
    const { id } = await bob.aChat();
    const pages = async (): Promise<number> => {
      const { rows } = await database.query(LOOK_FOR_NONE);
      const { Plan: plan } = rows[0]['QUERY PLAN'][0];
      return plan['Shared Hit Blocks'] + plan['Shared Read Blocks'];
    };
    await database.query('SET enable_seqscan = off');
    await database.query(`SELECT gin_clean_pending_list('message_search_blocks')`);
    await database.query(WORDY, [bob.accountId, id]);
    expect(await pages()).toBeGreaterThan(200);
    const other = await bob.aChat();
    await bob.append(other.id, 'one more', 'that the server makes findable');
    await until(async () => (await pages()) < 50);
    await database.query(`DELETE FROM messages WHERE account_id = $1`, [bob.accountId]);
    await database.query('RESET enable_seqscan');
  });

  it('finds a pair by the first and the last of more words than PostgreSQL has places for', async () => {
    const bob = await TestClient.register(server.url);
    const { id } = await bob.aChat();
    const tail = `${'y'.repeat(64)}_tail 北京大学`;
    const pair = await bob.append(id, 'alpha', `${'word other '.repeat(9000)} ${tail} omega`);
    for (const q of ['alpha', '"other word"', '北京', `"${'y'.repeat(64)}_tail"`, 'omega']) {
      const { body } = await bob.get(`/search?${new URLSearchParams({ q }).toString()}`);
      expect([q, body.items?.map((hit: { response_id: string }) => hit.response_id)]).toEqual([
        q,
        [pair],
      ]);
    }
  });

  it('never has words of a pair that was redacted as soon as it was said', async () => {
    const bob = await TestClient.register(server.url);
    const { id } = await bob.aChat();
    const redacted: string[] = [];
    for (let n = 0; n < 5; n++) {
      const pair = await bob.append(id, `hoatzin ${n}`, null);
      expect((await bob.delete(`/chats/${id}/messages/${pair}`)).status).toBe(204);
      redacted.push(pair);
    }
    const last = await bob.append(id, 'kept', null);
    const wordsOf = `SELECT response_id FROM message_search WHERE account_id = $1`;
    await until(async () => {
      const { rows } = await database.query<{ response_id: string }>(wordsOf, [bob.accountId]);
      return rows.length === 1 && rows[0]!.response_id === last;
    }, 'the words of the one that is left, and no others');
    const { body } = await bob.get('/search?q=hoatzin');
    expect(body.items).toEqual([]);
  });

  it('after a crash of PostgreSQL, which empties what is not logged, finds old pairs at once', async () => {
    const { rows } = await database.query(
      `SELECT relname FROM pg_class WHERE relpersistence = 'u' AND relkind = 'r' ORDER BY relname`,
    );
    expect(rows.map(({ relname }) => relname)).toEqual(['message_search', 'search_accounts']);
    const bob = await TestClient.register(server.url);
    const { id } = await bob.aChat();
    const old = `00000000-0000-7000-8000-${(await bob.append(id, 'quetzal', null)).slice(-12)}`;
    const place = async (): Promise<WalkRow> =>
      (await database.query(WALKED_TO.text, [bob.accountId])).rows[0];
    const before = await place();
    // What still follows the append, of the chat's own news, lets a pair be that somebody changes.
    await database.query('BEGIN');
    try {
      for (const change of [
        'SELECT FROM messages WHERE account_id = $1 FOR UPDATE',
        'DELETE FROM message_search WHERE account_id = $1',
        'DELETE FROM search_accounts WHERE account_id = $1',
      ])
        await database.query(change, [bob.accountId]);
      const rename = 'UPDATE messages SET response_id = $2 WHERE account_id = $1';
      await database.query(rename, [bob.accountId, old]);
    } finally {
      // Of what went wrong it is a ROLLBACK.
      await database.query('COMMIT');
    }
    const { body } = await bob.get('/search?q=quetzal');
    expect(body.items.map((hit: { response_id: string }) => hit.response_id)).toEqual([old]);
    // What a walk had seen before is not taken for what is there now.
    const after = await place();
    await database.query(WALKED.text, [bob.accountId, LAST_UUID, before.row_id]);
    expect(await place()).not.toMatchObject({ walked_to: LAST_UUID });
    await database.query(WALKED.text, [bob.accountId, LAST_UUID, after.row_id]);
    expect(await place()).toEqual({ walked_to: LAST_UUID, row_id: after.row_id });
  });

  it('that was planned while nothing could be found looks things up by index all the same', async () => {
    const dataSource = await new DataSource(serverOptions(server.databaseUrl, 1)).initialize();
    try {
      // Stands before the real one on this connection.
      await dataSource.query(
        'CREATE TEMP TABLE message_search (LIKE message_search INCLUDING ALL)',
      );
      await dataSource.query('VACUUM ANALYZE message_search');
      for (const { name, text } of [readStatement('chat_contents'), LOOK, NEXT_PART]) {
        const rows: { 'QUERY PLAN': string }[] = await dataSource.query(
          `EXPLAIN (GENERIC_PLAN) ${text}`,
        );
        const plan = rows.map((row) => row['QUERY PLAN']).join('\n');
        expect([name, plan]).toEqual([name, expect.stringMatching(/Index.* on message_search/)]);
        expect([name, plan]).not.toEqual([name, expect.stringContaining('Seq Scan')]);
      }
    } finally {
      await dataSource.destroy();
    }
  });

  /** How many rows of `message_search` have the words in what was looked through by the index. */
  async function fetched(asked: readonly [Statement, unknown[]][]): Promise<number> {
    let rows = 0;
    const count = (plan: any): void => {
      if (plan['Relation Name'] === 'message_search')
        rows += plan['Actual Rows'] * plan['Actual Loops'];
      plan.Plans?.forEach(count);
    };
    for (const [{ text }, values] of asked) {
      const explained = await database.query(`EXPLAIN (ANALYZE, FORMAT JSON) ${text}`, values);
      count(explained.rows[0]['QUERY PLAN'][0].Plan);
    }
    return rows;
  }
});
