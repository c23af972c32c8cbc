import { setTimeout as sleep } from 'node:timers/promises';
import type { Client } from 'pg';
import { createDatabase, MODES, mongoUriFor, SETTINGS, withClient } from '../support/app.js';
import { TestClient } from '../support/client.js';
import { chatGpt } from '../support/exports.js';
import { runFsck, violationsOf } from './fsck.js';
import { Instance } from './instance.js';
import { MAIN } from '../support/server-process.js';
import { freePort } from '../support/stores.mjs';

const MANY = 150;

/** Conversations of two pairs in two chats. */
const FILE = JSON.stringify(
  Array.from({ length: MANY }, (_, n) =>
    chatGpt(`c${n}`, [
      { id: 'q', parent: null, role: 'user', text: `question ${n}` },
      { id: 'a', parent: 'q', role: 'assistant', text: 'one' },
      { id: 'b', parent: 'q', role: 'assistant', text: 'two' },
    ]),
  ),
);

describe.each(MODES)('kill -9 of a server, words in %s', (mode) => {
  let databaseUrl: string;
  let env: Record<string, string>;
  let instance: Instance;
  let ann: TestClient;
  beforeAll(async () => {
    databaseUrl = await createDatabase();
    env = { ...SETTINGS, DATABASE_URL: databaseUrl };
    if (mode === 'mongo') env.MONGODB_URI = mongoUriFor(databaseUrl);
    instance = new Instance({ script: MAIN, env }, mode, await freePort());
    await instance.start();
    ann = await TestClient.register(instance.url);
  });
  afterAll(() => instance.kill());

  const rowsOf = (table: string, where = ''): Promise<number> =>
    withClient(databaseUrl, async (client) => {
      const counted = `SELECT count(*)::int AS n FROM ${table} WHERE account_id = $1 ${where}`;
      return (await client.query<{ n: number }>(counted, [ann.accountId])).rows[0]!.n;
    });
  /** Else the next one would wait until the dead one has said nothing for so long. */
  const expireLease = (): Promise<unknown> =>
    withClient(databaseUrl, (client) => client.query('UPDATE imports SET lease_until = now()'));
  const ended = async (id: string) => {
    for (;;) {
      const { body } = await ann.get(`/imports/${id}`);
      if (body.ended_at !== null) return body;
      await sleep(50);
    }
  };
  /** Kills it while `client` holds what it waits for: that dies with it, and is not done later. */
  const killedBefore = async (client: Client): Promise<void> => {
    await instance.kill();
    await client.query(
      `SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()`,
    );
  };
  /**
   * Kills it when so many conversations are there. Nothing comes in while they are counted, so the
   * import cannot be over by then, however quick it is.
   */
  const killedAfter = (conversations: number): Promise<void> =>
    withClient(databaseUrl, async (client) => {
      for (let there = 0; there < conversations;) {
        await client.query('COMMIT; BEGIN; LOCK TABLE conversations IN SHARE MODE');
        there = await rowsOf('conversations');
      }
      await killedBefore(client);
    });
  const send = async (): Promise<string> =>
    (
      await ann.request('POST', '/api/v1/imports', {
        raw: FILE,
        headers: { 'content-type': 'application/json' },
      })
    ).body.import_id;

  it('in the middle of an import: the next one goes on, nothing is missing and nothing there twice', async () => {
    const id = await send();
    await killedAfter(5);
    const first = await rowsOf('conversations');
    expect(first).toBeLessThan(MANY);
    for (const [failpoint, more] of [
      ['import.before_commit', 0],
      ['import.after_commit', 1],
    ] as const) {
      const before = await rowsOf('conversations');
      await expireLease();
      await instance.start(failpoint);
      expect(await instance.diesWithin(20_000)).toBe(true);
      expect(await rowsOf('conversations')).toBe(before + more);
    }
    await expireLease();
    await instance.start();
    const done = await ended(id);
    expect(done).toMatchObject({
      status: 'done',
      bytes: Buffer.byteLength(FILE),
      report: { conversations: { read: MANY, added: MANY }, added: { pairs: 2 * MANY } },
    });
    const counts = ['conversations', 'chats', 'messages', 'import_chunks'].map((table) =>
      rowsOf(table),
    );
    expect(await Promise.all(counts)).toEqual([MANY, 2 * MANY, 2 * MANY, 0]);
    const again = await ended(await send());
    expect(again.report).toMatchObject({ conversations: { unchanged: MANY }, added: { pairs: 0 } });
    expect(violationsOf(await runFsck(env, '--json'))).toEqual({});
  });

  it('before an acknowledged pair was made findable: it is found after the start', async () => {
    const { id } = await ann.aChat();
    const pair = await withClient(databaseUrl, async (client) => {
      // While this is held nothing is made findable.
      await client.query('BEGIN; LOCK TABLE message_search IN SHARE MODE');
      const acknowledged = await ann.append(id, 'unheard of');
      await killedBefore(client);
      await client.query('COMMIT');
      return acknowledged;
    });
    expect(await rowsOf('message_search', `AND response_id = '${pair}'`)).toBe(0);
    await instance.start();
    expect((await ann.get(`/search?q=unheard`)).body.items).toMatchObject([{ response_id: pair }]);
  });
});
