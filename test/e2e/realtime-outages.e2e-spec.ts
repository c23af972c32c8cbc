import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { RECHECK_MS } from '../../src/modules/auth/liveness.service.js';
import { FeedsService } from '../../src/modules/realtime/feeds.service.js';
import { TemporaryChatsJob } from '../../src/modules/maintenance/temporary-chats.job.js';
import { createDatabase, startTestApp, type TestApp, withClient } from '../support/app.js';
import { TestClient } from '../support/client.js';
import { Proxy } from '../support/proxy.js';
import { REDIS_SERVER, startRedisAt } from '../support/redis-child.js';
import { freePort } from '../support/stores.mjs';
import { AuthTester, expectProblem, PASSWORD } from './auth-tester.js';
import { TestSocket, TestStream } from './realtime-client.js';
import { SessionSocket } from './session-tester.js';
import { stopwatch, until } from '../support/machine-clock.js';

/** A look every second, and time for a busy machine. */
const LATE_MS = 5000;
const open: { close(): void }[] = [];
afterEach(() => open.splice(0).forEach((one) => one.close()));

async function socketOn(person: TestClient, chatId: string): Promise<TestSocket> {
  const socket = await TestSocket.on(person, chatId);
  open.push(socket);
  return socket;
}

/** How long the next event takes from one instance to a client of the other, in milliseconds. */
async function delayOf(writer: TestClient, reader: TestSocket, chatId: string): Promise<number> {
  const before = reader.events.at(-1)?.seq ?? 1;
  await writer.append(chatId, 'a question');
  const ran = stopwatch();
  await reader.upTo(before + 1);
  return ran();
}

/** Below the second between two looks: it was told, and not found. */
const SOON_MS = 500;
const PATIENCE_MS = 15_000;

/**
 * Posts until two events in a row come soon: one may have been found by a look, but the next look
 * is a second later. Answers how many posts it took. @throws after 15 s
 */
async function untilSoon(writer: TestClient, reader: TestSocket, chatId: string): Promise<number> {
  const delays: number[] = [];
  for (const ran = stopwatch(); ran() < PATIENCE_MS;) {
    delays.push(await delayOf(writer, reader, chatId));
    if (delays.length > 1 && delays.slice(-2).every((ms) => ms < SOON_MS)) return delays.length;
  }
  throw new Error(`events still come late, after ${delays.map(Math.round).join(', ')} ms`);
}

/** Where somebody is connected by a token: events by socket and as a stream, and a chat session. */
async function guestsOf(person: TestClient): Promise<(() => boolean)[]> {
  const { id } = await person.aChat();
  const socket = await socketOn(person, id);
  const stream = await TestStream.open(person, `chat_id=${id}`);
  const session = await SessionSocket.open(person, 's');
  open.push(stream, { close: () => session.socket.terminate() });
  return [
    () => socket.closed?.code === 4401,
    () => stream.ended,
    () => session.closed?.code === 4401,
  ];
}

/** An end that is told is heard within this time; one that is found takes ten seconds. */
const HEARD_MS = 6000;

/**
 * Ends a sign-in at one instance in each way there is; answers how long it took until all its
 * guests at the other one were out, in milliseconds.
 */
async function endsOf(here: TestApp, there: TestApp): Promise<Record<string, number>> {
  const auth = new AuthTester(here.url);
  const took: Record<string, number> = {};
  const measure = async (
    what: string,
    token: string,
    end: () => Promise<unknown>,
  ): Promise<void> => {
    const areOut = await guestsOf(new TestClient(there.url, token));
    const ran = stopwatch();
    await end();
    await until(() => areOut.every((isOut) => isOut()), `${what} at the other instance`);
    took[what] = ran();
  };
  const ann = await auth.somebody();
  const client = new TestClient(here.url, ann.access_token);
  const { body: key } = await client.post('/auth/api-keys', { name: 'bot' });
  await measure('API key', key.api_key, () => client.delete(`/auth/api-keys/${key.api_key_id}`));
  await measure('logout', ann.access_token, () =>
    client.post('/auth/logout', { refresh_token: ann.refresh_token }),
  );
  const bob = await auth.somebody();
  const { body: next } = await auth.post('refresh', { refresh_token: bob.refresh_token });
  await auth.post('refresh', { refresh_token: next.refresh_token });
  await measure('stolen refresh token', bob.access_token, async () =>
    expectProblem(
      await auth.post('refresh', { refresh_token: bob.refresh_token }),
      401,
      'invalid_refresh_token',
    ),
  );
  const eve = await auth.somebody();
  const { body: elsewhere } = await auth.post('login', { email: eve.email, password: PASSWORD });
  await measure('change of the password', elsewhere.access_token, () =>
    new TestClient(here.url, eve.access_token).put('/auth/password', {
      current_password: PASSWORD,
      new_password: 'two large green kites',
    }),
  );
  return took;
}

(REDIS_SERVER ? describe : describe.skip)('with Redis between the instances', () => {
  let port: number;
  let redis: ChildProcess;
  let here: TestApp;
  let there: TestApp;
  let ann: TestClient;

  const startRedis = async (): Promise<void> => {
    redis = await startRedisAt(port);
  };
  const killRedis = async (): Promise<void> => {
    const ended = once(redis, 'exit');
    redis.kill('SIGKILL');
    await ended;
  };

  beforeAll(async () => {
    port = await freePort();
    await startRedis();
    const settings = { REDIS_URL: `redis://127.0.0.1:${port}`, LOG_LEVEL: 'silent' };
    here = await startTestApp('postgres', settings);
    there = await startTestApp('postgres', settings, here.databaseUrl);
    ann = await TestClient.register(here.url);
  });
  afterAll(async () => {
    await Promise.all([here.close(), there.close()]);
    await killRedis();
  });

  it('events come at once; without it they come late, all and in order; and at once again when it is back', async () => {
    const { id } = await ann.aChat();
    const remote = await socketOn(ann.at(there.url), id);
    const account = await TestSocket.onAccount(ann.at(there.url), 0);
    open.push(account);
    const before = await untilSoon(ann, remote, id);
    await killRedis();
    for (let n = 0; n < 3; n++) expect(await delayOf(ann, remote, id)).toBeLessThan(LATE_MS);
    await startRedis();
    const after = await untilSoon(ann, remote, id);
    const told = before + 3 + after;
    expect(remote.events.map(({ seq }) => seq)).toEqual(
      Array.from({ length: told }, (_, n) => n + 2),
    );
    // Those who follow the account were told the same.
    const all = await account.upTo(told + 1);
    expect(all.map(({ seq }) => seq)).toEqual(Array.from({ length: told + 1 }, (_, n) => n + 1));
  });

  it('a token that ends is shown out at once; without Redis within ten seconds', async () => {
    const { id } = await ann.aChat();
    await untilSoon(ann, await socketOn(ann.at(there.url), id), id);
    for (const [what, ms] of Object.entries(await endsOf(here, there)))
      expect([what, ms < HEARD_MS, ms]).toEqual([what, true, ms]);
    const bob = await new AuthTester(here.url).somebody();
    const areOut = await guestsOf(new TestClient(there.url, bob.access_token));
    await killRedis();
    await new TestClient(here.url, bob.access_token).post('/auth/logout', {
      refresh_token: bob.refresh_token,
    });
    await until(
      () => areOut.every((isOut) => isOut()),
      'the look at the sign-in',
      RECHECK_MS + LATE_MS,
    );
    await startRedis();
  });

  it('without it the end of a temporary chat is told before the chat is purged', async () => {
    const { id } = await ann.aChat(0, { chat_type: 'temporary' });
    const remote = await socketOn(ann.at(there.url), id);
    await withClient(here.databaseUrl, (client) =>
      client.query(`UPDATE chats SET updated_at = now() - interval '2 days' WHERE chat_id = $1`, [
        id,
      ]),
    );
    await killRedis();
    try {
      expect(
        await here.app.get(TemporaryChatsJob, { strict: false }).run(new AbortController().signal),
      ).toBe(1);
      expect(remote.events).toEqual([
        { event: 'chat.deleted', data: { chat_id: id, root_chat_id: id }, seq: 2 },
      ]);
    } finally {
      await startRedis();
    }
  });

  it('a Redis that says nothing any more holds up neither posts nor events', async () => {
    const { id } = await ann.aChat();
    const remote = await socketOn(ann.at(there.url), id);
    redis.kill('SIGSTOP');
    try {
      const ran = stopwatch();
      for (let n = 0; n < 20; n++) await ann.append(id, `q${n}`);
      expect(ran()).toBeLessThan(LATE_MS);
      expect(await delayOf(ann, remote, id)).toBeLessThan(LATE_MS);
      await sleep(5000);
      expect(await delayOf(ann, remote, id)).toBeLessThan(LATE_MS);
    } finally {
      redis.kill('SIGCONT');
    }
    await untilSoon(ann, remote, id);
  });
});

describe('with PostgreSQL alone between the instances', () => {
  let proxy: Proxy;
  let here: TestApp;
  let there: TestApp;
  let ann: TestClient;

  beforeAll(async () => {
    here = await startTestApp('postgres', { LOG_LEVEL: 'silent' }, await createDatabase());
    const url = new URL(here.databaseUrl);
    const folder = url.searchParams.get('host');
    const at = Number(url.port || 5432);
    proxy = await Proxy.to(
      folder?.startsWith('/')
        ? { path: `${folder}/.s.PGSQL.${at}` }
        : { host: url.hostname, port: at },
    );
    url.hostname = '127.0.0.1';
    url.port = String(proxy.port);
    url.searchParams.delete('host');
    there = await startTestApp('postgres', { LOG_LEVEL: 'silent' }, url.href);
    ann = await TestClient.register(here.url);
  });
  afterAll(async () => {
    proxy.mend();
    await Promise.all([here.close(), there.close()]);
    proxy.close();
  });

  it('events come at once; a broken LISTEN delays them and comes back by itself', async () => {
    const { id } = await ann.aChat();
    const remote = await socketOn(ann.at(there.url), id);
    await untilSoon(ann, remote, id);
    await withClient(here.databaseUrl, (client) =>
      client.query(
        `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND query LIKE 'LISTEN%'`,
      ),
    );
    expect(await delayOf(ann, remote, id)).toBeLessThan(LATE_MS);
    await untilSoon(ann, remote, id);
  });

  it('a token that ends is shown out at once', async () => {
    const { id } = await ann.aChat();
    await untilSoon(ann, await socketOn(ann.at(there.url), id), id);
    for (const [what, ms] of Object.entries(await endsOf(here, there)))
      expect([what, ms < HEARD_MS, ms]).toEqual([what, true, ms]);
  });

  it('an instance that missed the end of a conversation and its purge ends it for its readers', async () => {
    const { id } = await ann.aChat();
    const sockets = [await socketOn(ann.at(there.url), id), await socketOn(ann.at(there.url), id)];
    await withClient(here.databaseUrl, async (client) => {
      for (const table of ['events', 'conversations', 'chats'])
        await client.query(`DELETE FROM ${table} WHERE chat_id = $1`, [id]);
    });
    for (const socket of sockets) {
      expect(await socket.upTo(2)).toEqual([
        { event: 'chat.deleted', data: { chat_id: id, root_chat_id: id }, seq: 2 },
      ]);
    }
    sockets[0]!.say('subscribe', { chat_id: id });
    expect((await sockets[0]!.next('error')).data.code).toBe('not_found');
  });

  it('whoever was told of the deletion hears nothing of the purge, and is held on to no longer', async () => {
    const { id } = await ann.aChat();
    const socket = await socketOn(ann.at(there.url), id);
    const { feeds } = there.app.get(FeedsService, { strict: false }) as unknown as {
      feeds: Map<string, unknown>;
    };
    expect((await ann.delete(`/chats/${id}`)).status).toBe(204);
    expect(await socket.upTo(2)).toHaveLength(1);
    const key = `${ann.accountId}/${id}`;
    expect(feeds.has(key)).toBe(true);
    await withClient(here.databaseUrl, async (client) => {
      for (const table of ['events', 'conversations', 'chats'])
        await client.query(`DELETE FROM ${table} WHERE chat_id = $1`, [id]);
    });
    await until(() => !feeds.has(key), 'the end of the subscription');
    expect(socket.events).toHaveLength(1);
  });

  it.each([
    ['gone', () => proxy.cut()],
    ['silent', () => proxy.silence()],
  ])(
    '(%s) an instance without its database tells all that happened when it is back',
    async (_how, takeAway) => {
      const { id } = await ann.aChat();
      const [local, remote] = [await socketOn(ann, id), await socketOn(ann.at(there.url), id)];
      takeAway();
      for (let n = 0; n < 5; n++) await ann.append(id, `q${n}`);
      await local.upTo(6);
      await sleep(1500);
      expect([remote.events, remote.closed]).toEqual([[], null]);
      remote.say('subscribe', { chat_id: id, since: 0 });
      expect((await remote.next('error')).data.code).toBe('store_unavailable');
      proxy.mend();
      expect(await remote.upTo(6)).toEqual(local.events);
    },
  );
});
