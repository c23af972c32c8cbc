import { randomUUID } from 'node:crypto';
import mongoose from 'mongoose';
import { JobRunner } from '../../src/modules/maintenance/job-runner.js';
import { IdempotencyKeysJob, SignInsJob } from '../../src/modules/maintenance/expiry.jobs.js';
import { MaintenanceModule } from '../../src/modules/maintenance/maintenance.module.js';
import { PurgeJob } from '../../src/modules/maintenance/purge.job.js';
import { CUT_PAIRS, REMOVE_CHAT } from '../../src/modules/maintenance/purge.sql.js';
import { TemporaryChatsJob } from '../../src/modules/maintenance/temporary-chats.job.js';
import { runFsck, violationsOf } from '../crash/fsck.js';
import { MODES, mongoUriFor, startTestApp, type TestApp, withClient } from '../support/app.js';
import { TestClient } from '../support/client.js';
import { purgeWithoutWait } from '../support/purge.js';

const GO_ON = new AbortController().signal;

describe.each(MODES)('housekeeping, words in %s', (mode) => {
  let server: TestApp;
  let ann: TestClient;

  beforeAll(async () => {
    server = await startTestApp(mode, {
      DELETED_RETENTION_DAYS: '0',
      TEMPORARY_CHAT_TTL_SECONDS: '2',
    });
    ann = await TestClient.register(server.url);
  });
  afterAll(() => server.close());

  const job = <Type>(type: new (...args: never[]) => Type): Type =>
    server.app.select(MaintenanceModule).get(type);
  const env = (): Record<string, string> => ({
    DATABASE_URL: server.databaseUrl,
    DELETED_RETENTION_DAYS: '0',
    ...(mode === 'mongo' && { MONGODB_URI: mongoUriFor(server.databaseUrl) }),
  });
  const rows = (sql: string, ...values: unknown[]): Promise<any[]> =>
    withClient(server.databaseUrl, async (client) => (await client.query(sql, values)).rows);
  /** All that any table has of a chat, by table. */
  async function traces(chatId: string): Promise<Record<string, number>> {
    const tables = [
      'chats',
      'conversations',
      'messages',
      'events',
      'chat_contents',
      'content_journal',
      'message_tokens',
      'summary_marks',
      'summary_highlights',
    ];
    const counts = await Promise.all(
      tables.map((name) =>
        rows(`SELECT count(*)::int AS n FROM ${name} WHERE chat_id = $1`, chatId),
      ),
    );
    const keys = await rows(
      `SELECT count(*)::int AS n FROM idempotency_keys WHERE answer LIKE '%' || $1 || '%'`,
      chatId,
    );
    const found = Object.fromEntries(
      [...tables, 'keys'].map((name, i) => [name, [...counts, keys][i]![0].n]),
    );
    return Object.fromEntries(
      Object.entries({ ...found, words: await wordsOf(chatId) }).filter(([, n]) => n > 0),
    );
  }
  /** How many pairs of a chat the content store has. */
  async function wordsOf(chatId: string): Promise<number> {
    if (mode === 'postgres')
      return (
        await rows(`SELECT count(*)::int AS n FROM chat_contents WHERE chat_id = $1`, chatId)
      )[0].n;
    const connection = await mongoose.createConnection(mongoUriFor(server.databaseUrl)).asPromise();
    const buckets = await connection
      .db!.collection('chat_contents')
      .find({ chat_id: chatId })
      .toArray();
    await connection.close();
    return buckets.reduce((sum, bucket) => sum + bucket.qa_pairs.length, 0);
  }
  async function aPost(chatId: string, question: string): Promise<string> {
    const { status, body, text } = await ann.post(
      `/chats/${chatId}/messages`,
      { question, response: null },
      { 'idempotency-key': randomUUID() },
    );
    if (status !== 201) throw new Error(`post answered ${status}: ${text}`);
    return body.response_id;
  }

  it('purges a deleted conversation from both stores without a trace, and what living branches inherit stays', async () => {
    const gone = (await ann.post('/chats', {}, { 'idempotency-key': randomUUID() })).body.chat_id;
    for (let n = 0; n < 35; n++) await aPost(gone, `gone ${n}`);
    const goneBranch = await ann.aBranch(gone, null);
    await aPost(goneBranch, 'gone too');
    const root = await ann.aChat(2);
    const deleted = await ann.aBranch(root.id, root.pairs[0]!);
    const inherited = await aPost(deleted, 'inherited');
    await aPost(deleted, 'seen by nobody');
    const living = await ann.aBranch(deleted, inherited);
    await aPost(living, 'alive');
    const lonely = await ann.aBranch(deleted, inherited);
    await aPost(lonely, 'lonely');
    await rows(
      `INSERT INTO summary_marks SELECT account_id, chat_id, seq, 1, 1, '{}', '{}' FROM messages`,
    );
    await rows(
      `INSERT INTO message_tokens SELECT account_id, chat_id, seq, version, 1 FROM messages`,
    );
    await rows(
      `INSERT INTO summary_highlights SELECT account_id, chat_id, 1, '[]', 'a model' FROM chats`,
    );
    for (const chatId of [gone, deleted, lonely])
      expect((await ann.delete(`/chats/${chatId}`)).status).toBe(204);
    // All was told of it by now, for which a purge would wait (webhook-instances has that).
    await rows(`UPDATE chats SET deleted_at = deleted_at - interval '1 minute'`);

    // Two chats with 35 + 1 pairs; the lonely one with 1, and the last one of `deleted`.
    expect(await job(PurgeJob).run(GO_ON)).toBe(2 + 36 + 2 + 1);

    for (const chatId of [gone, goneBranch, lonely]) {
      const { events, ...others } = await traces(chatId);
      expect(others).toEqual({});
      // Its conversation lives on, and so do its events: they have no words, and their numbers no
      // gaps.
      expect(events ?? 0).toBe(chatId === lonely ? events : 0);
    }
    expect(await ann.questionsOf(living)).toEqual(['q1', 'inherited', 'alive']);
    expect(await ann.questionsOf(root.id)).toEqual(['q1', 'q2']);
    expect(await wordsOf(deleted)).toBe(1);
    const kept = await traces(deleted);
    expect([
      kept.messages,
      kept.message_tokens,
      kept.summary_marks,
      kept.summary_highlights,
    ]).toEqual([1, 1, 1, undefined]);
    expect(await job(PurgeJob).run(GO_ON)).toBe(0);
    expect(violationsOf(await runFsck(env(), '--json'))).toEqual({});
    // It has waited for what may come late, once; nothing does here.
    purgeWithoutWait(job(PurgeJob));
  });

  it('leaves no answers behind a month after the deletion, without looking through those of others', async () => {
    const { id } = await ann.aChat();
    const pair = await aPost(id, 'gone');
    await ann.delete(`/chats/${id}`);
    // As if it were 30 days later.
    await rows(
      `UPDATE chats SET deleted_at = deleted_at - interval '30 days' WHERE chat_id = $1`,
      id,
    );
    await rows(
      `UPDATE idempotency_keys SET created_at = now() - interval '30 days' WHERE answer LIKE '%' || $1 || '%'`,
      pair,
    );
    await job(IdempotencyKeysJob).run(GO_ON);
    await rows(
      `INSERT INTO idempotency_keys SELECT $1, 'POST /x', 'k' || n, '', 201, repeat('x', 1000), now() FROM generate_series(1, 5000) n`,
      ann.accountId,
    );
    await rows('ANALYZE idempotency_keys');
    const cost = async (statement: string, ...values: unknown[]): Promise<number> =>
      withClient(server.databaseUrl, async (client) => {
        await client.query('BEGIN');
        const { rows: answer } = await client.query(
          `EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) ${statement}`,
          values,
        );
        await client.query('ROLLBACK');
        // Parts that nobody reads from are not counted by the whole.
        const blocksOf = (plan: any): number =>
          Math.max(
            plan['Shared Hit Blocks'] + plan['Shared Read Blocks'],
            ...(plan.Plans ?? []).map(blocksOf),
          );
        return blocksOf(answer[0]['QUERY PLAN'][0].Plan);
      });
    expect(await cost(CUT_PAIRS, ann.accountId, id, 0, 2000)).toBeLessThan(200);
    expect(await cost(REMOVE_CHAT, ann.accountId, id)).toBeLessThan(200);

    await job(PurgeJob).run(GO_ON);

    expect(await traces(id)).toEqual({});
    await rows(`DELETE FROM idempotency_keys WHERE scope = 'POST /x'`);
  });

  it('lets a temporary chat go when nobody used it for its time, and not before', async () => {
    const { id } = await ann.aChat(2, { chat_type: 'temporary' });
    const standard = await ann.aChat(1);
    const branch = await ann.aBranch(id, null);
    await rows(
      `UPDATE chats SET updated_at = now() - interval '1 hour' WHERE chat_id = ANY ($1::uuid[])`,
      [id, standard.id],
    );
    expect(await job(TemporaryChatsJob).run(GO_ON)).toBe(0);
    await rows(
      `UPDATE chats SET updated_at = now() - interval '1 hour' WHERE chat_id = $1`,
      branch,
    );
    expect(await job(TemporaryChatsJob).run(GO_ON)).toBe(1);
    expect([await traces(id), await traces(branch)]).toEqual([{}, {}]);
    expect((await ann.get(`/chats/${id}`)).status).toBe(404);
    expect(await ann.questionsOf(standard.id)).toEqual(['q1']);
    expect(violationsOf(await runFsck(env(), '--json'))).toEqual({});
  });

  it('forgets answers of keys after a day, and sign-ins a day after their end', async () => {
    const { id } = await ann.aChat();
    const key = { 'idempotency-key': randomUUID() };
    await ann.post(`/chats/${id}/messages`, { question: 'old', response: null }, key);
    await ann.post(
      `/chats/${id}/messages`,
      { question: 'new', response: null },
      { 'idempotency-key': randomUUID() },
    );
    await rows(
      `UPDATE idempotency_keys SET created_at = now() - interval '25 h' WHERE key = $1`,
      key['idempotency-key'],
    );
    expect(await job(IdempotencyKeysJob).run(GO_ON)).toBe(1);
    expect(
      await rows(`SELECT FROM idempotency_keys WHERE answer LIKE '%' || $1 || '%'`, id),
    ).toHaveLength(1);

    const bob = await TestClient.register(server.url);
    await rows(
      `UPDATE token_families SET expires_at = now() - interval '25 h' WHERE account_id = $1`,
      bob.accountId,
    );
    expect(await job(SignInsJob).run(GO_ON)).toBe(1);
    expect(await rows(`SELECT FROM refresh_tokens WHERE account_id = $1`, bob.accountId)).toEqual(
      [],
    );
    expect(
      await rows(`SELECT FROM refresh_tokens WHERE account_id = $1`, ann.accountId),
    ).toHaveLength(1);
  });

  it('is done by one instance at a time', async () => {
    const other = await startTestApp(mode, {}, server.databaseUrl);
    const run = { begun: () => {}, end: () => {} };
    const begun = new Promise<void>((resolve) => (run.begun = resolve));
    const slow = {
      name: 'slow',
      everySeconds: 1,
      run: () => (run.begun(), new Promise<number>((resolve) => (run.end = () => resolve(1)))),
    };
    const first = job(JobRunner).runOnce(slow);
    await begun;
    const second = other.app.select(MaintenanceModule).get(JobRunner);
    expect(await second.runOnce(slow)).toBe(false);
    run.end();
    expect(await first).toBe(true);
    const quick = { name: 'quick', everySeconds: 1, run: async () => 0 };
    expect(await second.runOnce(quick)).toBe(true);
    await other.close();
  });
});
