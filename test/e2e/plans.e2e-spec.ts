import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { Client, Pool } from 'pg';
import { DataSource } from 'typeorm';
import { chatIdOf, seedChats, seedPairs } from '../../bench/seed.js';
import { SearchWalks } from '../../src/modules/search/search-walks.service.js';
import { MODES, startTestApp, type TestApp, withClient } from '../support/app.js';
import { TestClient } from '../support/client.js';
import { callAs, operations } from '../support/contract.js';
import { type Cost, namedStatements, PlanReader } from '../support/plans.js';
import { aScene, GOOD, type Scene } from './openapi-calls.js';
import { BATCHES, ELSEWHERE, FURTHER, PAGES } from './plans-calls.js';

const SHORT_CHATS = 1000;
const LONG_PAIRS = 100_000;
const TEXTS = ['one', 'two', 'three'].map((text) =>
  JSON.stringify({ question: `${text}?`, response: `${text}.`, metadata: null }),
);
const long = chatIdOf(SHORT_CHATS + 1);
const PAGE_PAIRS = 50;
/**
 * The operations whose statements name the table of the words: with MongoDB all others are the same
 * as without.
 */
const WITH_WORDS = [
  'listMessages',
  'getMessage',
  'addMessage',
  'getChat',
  'getSummary',
  'createBranchVerb',
];

/**
 * What may be more in a long chat than in one of three pairs: a page instead of three, and higher
 * trees of their indexes.
 */
const REMOVED_MORE = 2 * PAGE_PAIRS;
const BUFFERS_MORE = 2 * PAGE_PAIRS;
/** A page of 50 pairs was 212 when each pair's words were looked up by themselves. */
const PAGE_BUFFERS_MAX = 40;

/** Makes the long chat whole again after an operation. */
const MEND = [
  `UPDATE chats SET active = false WHERE root_chat_id = $1 AND $2::uuid IS NOT NULL`,
  `UPDATE chats SET active = chat_id = $1, deleted_at = NULL WHERE chat_id IN ($1, $2)`,
  `UPDATE conversations SET deleted = false WHERE chat_id = $1 AND $2::uuid IS NOT NULL`,
];

/** No table is looked at in the middle: what is planned would be another thing in each run. */
const UNATTENDED = `
  DO $$ DECLARE t text; BEGIN
    FOR t IN SELECT tablename FROM pg_tables WHERE schemaname = 'public' LOOP
      EXECUTE format('ALTER TABLE %I SET (autovacuum_enabled = false)', t);
    END LOOP;
  END $$`;

/** The short chats can be searched. */
const FOUND = `
  INSERT INTO message_search (account_id, response_id, root_chat_id, chat_id, seq, version, is_final, message_type, created_at, words)
  SELECT account_id, response_id, root_chat_id, chat_id, seq, version, true, message_type, created_at, '' FROM messages`;

/**
 * As autovacuum leaves it: it looked when all chats were short, and will look again when a tenth
 * more was written. The statistics then say that a chat has one pair, so that for PostgreSQL
 * reading all pairs of a chat costs no more than reading one.
 */
async function seed(sql: Client, accountId: string, mode: string): Promise<void> {
  await sql.query(UNATTENDED);
  // Rows that are right need no look at what they refer to, which would take as long as they do.
  await sql.query('SET session_replication_role = replica');
  await seedChats(sql, accountId, 1, SHORT_CHATS + 1);
  const ids = Array.from({ length: SHORT_CHATS }, (_, n) => chatIdOf(n + 1));
  await seedPairs(sql, accountId, ids, 1, TEXTS);
  await sql.query(FOUND);
  if (mode === 'mongo') await journal(sql);
  await sql.query('ANALYZE');
  await seedPairs(sql, accountId, [long], LONG_PAIRS, TEXTS);
  if (mode === 'mongo') await journal(sql);
}

/** The words on their way to MongoDB: acknowledged, and to be read back in an hour. */
async function journal(sql: Client): Promise<void> {
  await sql.query(`
    INSERT INTO content_journal (account_id, chat_id, seq, version, body, due_at, stored_at, created_at)
    SELECT account_id, chat_id, seq, version, body, now() + interval '1 h', now(), now() FROM chat_contents`);
  await sql.query(`TRUNCATE chat_contents`);
}

const dearest = (a: Cost | undefined, b: Cost | undefined): Cost | undefined =>
  a && b
    ? { ...a, removed: Math.max(a.removed, b.removed), buffers: Math.max(a.buffers, b.buffers) }
    : (a ?? b);

describe.each(MODES)(
  'beside 1,000 chats of one pair and one of 100,000, words in %s, a statement (S4)',
  (mode) => {
    let server: TestApp;
    const reader = new PlanReader();

    beforeAll(async () => {
      server = await startTestApp(mode);
      const ann = await TestClient.register(server.url);
      await withClient(server.databaseUrl, (sql) => seed(sql, ann.accountId, mode));
      // What is looked at here are requests, not what goes on beside them.
      await server.app.get(SearchWalks).stop();
      reader.attach((server.app.get(DataSource).driver as unknown as { master: Pool }).master);
      const inLong = await sceneOf(ann);
      // First: of what is tried and undone below, dead rows stay behind the last pair.
      await look('page', inLong, FURTHER[PAGES]!);
      for (const operation of operations.filter(
        ({ operationId }) => mode === 'postgres' || WITH_WORDS.includes(operationId),
      )) {
        const good = async (scene: Scene) =>
          void (await callAs(scene.ann, operation, await GOOD[operation.operationId]!(scene)));
        // Of people, not of chats: a person is none any more whose password was changed.
        const isOfPeople = operation.path.includes('/auth/');
        await look('short', await aScene(server, isOfPeople ? undefined : ann), good);
        await look(
          'long',
          isOfPeople ? { ...inLong, ann: await TestClient.register(server.url) } : inLong,
          good,
        );
        await withClient(server.databaseUrl, async (sql) => {
          for (const statement of MEND) await sql.query(statement, [long, inLong.branch]);
        });
      }
      for (const further of Object.values(FURTHER)) {
        await look('short', await aScene(server, ann), further);
        await look('long', inLong, further);
      }
    }, 600_000);
    afterAll(async () => {
      reader.detach();
      await server.close();
    }, 120_000);

    const look = (
      side: string,
      scene: Scene,
      work: (scene: Scene) => Promise<unknown>,
    ): Promise<unknown> => reader.reading(side, () => work(scene));

    /** The long chat: two pairs of its middle and the last, and a branch of the second. */
    async function sceneOf(ann: TestClient): Promise<Scene> {
      const rows = await withClient(server.databaseUrl, async (sql) => {
        const seqs = [LONG_PAIRS / 2, LONG_PAIRS / 2 + 1, LONG_PAIRS];
        const values = [ann.accountId, long, seqs];
        const text = `SELECT response_id FROM messages WHERE account_id = $1 AND chat_id = $2 AND seq = ANY ($3::int[]) ORDER BY seq`;
        return (await sql.query<{ response_id: string }>(text, values)).rows;
      });
      const pairs = rows.map(({ response_id }) => response_id);
      return { server, ann, chat: { id: long, pairs }, branch: await ann.aBranch(long, pairs[1]!) };
    }

    const both = (): [string, Cost, Cost][] =>
      [...reader.costs].flatMap(([name, sides]) => {
        const [inShort, inLong] = [
          sides.get('short'),
          dearest(sides.get('long'), sides.get('page')),
        ];
        return inShort && inLong ? [[name, inShort, inLong] as [string, Cost, Cost]] : [];
      });

    it('that serves requests was looked at, each by its name in the sources, or is named with a reason', () => {
      const seen = both().map(([name]) => name);
      const isElsewhere = (name: string): boolean =>
        Object.keys(ELSEWHERE).some((prefix) => name.startsWith(prefix));
      const names = [...namedStatements()].filter(
        ([name]) => mode === 'postgres' || name.includes('${table}'),
      );
      const missing = names.filter(
        ([name, pattern]) => !isElsewhere(name) && !seen.some((one) => pattern.test(one)),
      );
      expect(missing.map(([name]) => name)).toEqual([]);
      // A look that failed would compare as well as any other.
      expect(
        both().flatMap(([name, ...costs]) =>
          costs.filter(({ buffers }) => buffers === Infinity).map(({ plan }) => `${name}: ${plan}`),
        ),
      ).toEqual([]);
    });

    it('throws away no more rows, and touches no more pages of files, than a page has, however long the chat', () => {
      const allowed = (name: string): number =>
        Object.entries(BATCHES).find(([prefix]) => name.startsWith(prefix))?.[1].buffers ??
        BUFFERS_MORE;
      const dear = both().filter(
        ([name, inShort, inLong]) =>
          inLong.removed > inShort.removed + Math.max(REMOVED_MORE, allowed(name) / 8) ||
          inLong.buffers > inShort.buffers + allowed(name),
      );
      const told = dear.map(
        ([name, a, b]) =>
          `${name}: ${a.removed} and ${a.buffers}, in the long chat ${b.removed} and ${b.buffers}\n${b.plan}`,
      );
      expect(told).toEqual([]);
    });

    it('reads a page of 50 pairs as ranges: few pages of files', () => {
      const pages = [...reader.costs].filter(([name]) =>
        /^path\.(before|after|around)\./.test(name),
      );
      expect(pages.map(([name]) => name.split('.')[1]).sort()).toEqual([
        'after',
        'around',
        'before',
      ]);
      for (const [name, sides] of pages)
        expect([name, sides.get('page')!.buffers <= PAGE_BUFFERS_MAX]).toEqual([name, true]);
    });
  },
);

it('no reason is kept for a statement that is not there', () => {
  const names = [...namedStatements().keys()];
  const stale = [...Object.keys(ELSEWHERE), ...Object.keys(BATCHES)].filter(
    (prefix) => !names.some((name) => name.startsWith(prefix)),
  );
  expect(stale).toEqual([]);
});
