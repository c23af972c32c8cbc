import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { bodyOf, sha256Of } from '../../src/content/body.js';
import { MongoContentStore } from '../../src/content/mongo/mongo-content-store.js';
import { runFsck, violationsOf } from '../crash/fsck.js';
import { AnswerReader } from '../support/answer-reader.js';
import {
  createDatabase,
  type Mode,
  MODES,
  mongoUriFor,
  SETTINGS,
  startTestApp,
  withClient,
} from '../support/app.js';
import { TestClient } from '../support/client.js';
import { FakeProvider } from '../support/fake-provider.js';
import { ServerProcess } from '../support/server-process.js';

const ANSWERS = 3;

interface Asked {
  chatId: string;
  responseId: string;
}

const BEGUN = `SELECT FROM generation_chunks GROUP BY generation_id HAVING string_agg(text, '' ORDER BY n) LIKE 'word0 word1 %'`;

/**
 * A restore of a dump that was made while answers were being written (S7f): their rows are there,
 * and no process that knows of them.
 */
describe.each(MODES)('fsck --repair of a restore, words in %s', (mode: Mode) => {
  let cwd: string;
  let provider: FakeProvider;
  let url: string;
  let env: Record<string, string>;
  let ann: TestClient;
  let asked: Asked[];

  beforeEach(async () => {
    cwd = await mkdtemp(join(tmpdir(), 'banyan-restored-'));
    provider = await FakeProvider.start();
    provider.always({ tokens: Array.from({ length: 2000 }, (_, i) => `word${i} `), delayMs: 20 });
    url = await createDatabase();
    env = {
      ...SETTINGS,
      ...provider.settings(),
      DATABASE_URL: url,
      ...(mode === 'mongo' && { MONGODB_URI: mongoUriFor(url) }),
    };
    const server = await ServerProcess.ready({ cwd, env });
    ann = await TestClient.register(server.url);
    asked = await Promise.all(Array.from({ length: ANSWERS }, (_, i) => ask(i)));
    // A first piece may be kept with one word alone.
    while ((await count(`SELECT count(*)::int AS n FROM (${BEGUN}) begun`)) < ANSWERS)
      await sleep(50);
    server.kill();
    await server.exit();
    await withClient(url, (client) =>
      client.query(`UPDATE generations SET lease_until = now() - interval '1 h'`),
    );
  }, 60_000);
  afterEach(async () => {
    await provider.close();
    await rm(cwd, { recursive: true, force: true });
  });

  async function ask(n: number): Promise<Asked> {
    const { id } = await ann.aChat();
    const reader = await (
      await AnswerReader.ask(ann, id, `q${n}`, {}, { 'idempotency-key': `k${n}` })
    ).pieces(3);
    void reader.end().catch(() => null);
    return { chatId: id, responseId: reader.accepted.response_id };
  }

  const count = (sql: string): Promise<number> =>
    withClient(url, async (client) => (await client.query<{ n: number }>(sql)).rows[0]!.n);

  /** Repairs, and lets a server on the repaired stores show the pairs. */
  async function repaired(): Promise<any[]> {
    expect(violationsOf(await runFsck(env, '--json', '--quick'))).toEqual({ I10: ANSWERS });
    const run = await runFsck(env, '--json', '--repair', '--quick');
    expect([run.code, violationsOf(run), run.report.repaired.I10]).toEqual([
      0,
      {},
      expect.any(Number),
    ]);
    expect(violationsOf(await runFsck(env, '--json', '--quick'))).toEqual({});
    const server = await startTestApp(mode, provider.settings(), url);
    try {
      const at = ann.at(server.url);
      const pairs = await Promise.all(
        asked.map(
          async ({ chatId, responseId }) =>
            (await at.get(`/chats/${chatId}/messages/${responseId}`)).body,
        ),
      );
      for (const { chatId } of asked) expect(await at.append(chatId, 'next')).toBeTruthy(); // nobody keeps the chat busy
      return pairs;
    } finally {
      await server.close();
    }
  }

  it('ends the answers as interrupted, keeps what they had said, and counts it', async () => {
    for (const pair of await repaired()) {
      expect(pair).toMatchObject({
        status: 'interrupted',
        response: expect.stringMatching(/^word0 word1 /),
      });
      expect(pair.usage.output_tokens).toBeGreaterThan(0);
    }
    expect(await count(`SELECT output_tokens::int AS n FROM usage_days`)).toBeGreaterThan(ANSWERS);
  }, 90_000);

  (mode === 'mongo' ? it : it.skip)(
    'takes over the whole answers that a younger dump of MongoDB has',
    async () => {
      const store = new MongoContentStore(mongoUriFor(url));
      const body = bodyOf({ question: 'q0', response: 'The whole answer.', metadata: null });
      const { chatId, responseId } = asked[0]!;
      const place = {
        accountId: ann.accountId,
        rootChatId: chatId,
        chatId,
        forkSeq: 0,
        seq: 1,
        responseId,
        version: 2,
      };
      const [{ created_at: createdAt }] = await withClient(
        url,
        async (client) =>
          (
            await client.query('SELECT created_at FROM messages WHERE response_id = $1', [
              responseId,
            ])
          ).rows,
      );
      const copies = { messageType: 'text', createdAt, branches: [], branchesTotal: 0 };
      await store.put({ ...place, ...copies, body, sha256: sha256Of(body) });
      await store.close();
      const run = await runFsck(env, '--json', '--repair', '--quick');
      expect([run.code, violationsOf(run)]).toEqual([0, {}]);
      const server = await startTestApp(mode, provider.settings(), url);
      const pair = (await ann.at(server.url).get(`/chats/${chatId}/messages/${responseId}`)).body;
      await server.close();
      expect(pair).toMatchObject({ status: 'complete', response: 'The whole answer.' });
    },
    90_000,
  );
});
