import { type ChildProcess, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { startTestApp, type TestApp } from '../support/app.js';
import { TestClient } from '../support/client.js';
import { freePort } from '../support/stores.mjs';
import {
  clear,
  closeAll,
  contentsOf,
  errorsOf,
  inMemory,
  inRedis,
  type Instances,
  list,
  path,
  post,
  read,
  refusalOf,
  say,
  SessionSocket,
} from './session-tester.js';

const REDIS_URL = process.env.TEST_REDIS_URL;
const REDIS_SERVER = process.env.TEST_REDIS_SERVER;
const INSTANT = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

const guarantees = (start: () => Promise<Instances>) => {
  let instances: Instances;
  let here: TestApp;
  let there: TestApp;
  let ann: TestClient;
  let bob: TestClient;

  beforeAll(async () => {
    instances = await start();
    ({ here, there } = instances);
    [ann, bob] = [await TestClient.register(here.url), await TestClient.register(here.url)];
  });
  afterAll(() => closeAll(instances));

  it('a session that nobody wrote to is 200 and empty, and not in the list', async () => {
    const fresh = await TestClient.register(here.url);
    const answer = await read(fresh, 'new');
    expect([answer.status, answer.body]).toEqual([200, { session_id: 'new', messages: [] }]);
    expect((await list(fresh)).body).toEqual([]);
  });

  it('each post answers the whole session, in the order of arrival', async () => {
    const id = randomUUID();
    for (const [n, role] of ['system', 'user', 'assistant'].entries()) {
      const { status, body } = await post(ann, id, { role, content: ` ${role} 🦣\n` });
      expect([status, body.session_id, body.messages.length]).toEqual([201, id, n + 1]);
      expect(Object.keys(body)).toEqual(['session_id', 'messages']);
      expect(body.messages[n]).toEqual({
        id: expect.stringMatching(UUID),
        role,
        content: ` ${role} 🦣\n`,
        created_at: expect.stringMatching(INSTANT),
      });
    }
    const { status, body } = await read(ann.at(there.url), id);
    expect([status, body.messages.map(({ role }: { role: string }) => role)]).toEqual([200, ['system', 'user', 'assistant']]);
  });

  it('the list shows the sessions with messages and how many they have', async () => {
    const fresh = await TestClient.register(here.url);
    for (const id of ['a', 'b', 'b']) await say(fresh, id, 'x');
    const { status, body } = await list(fresh.at(there.url));
    expect(status).toBe(200);
    expect(body).toHaveLength(2);
    expect(body).toEqual(
      expect.arrayContaining([
        { session_id: 'a', message_count: 1 },
        { session_id: 'b', message_count: 2 },
      ]),
    );
  });

  it('a delete answers the empty session, and empties it', async () => {
    const id = randomUUID();
    await say(ann, id, 'x');
    for (const answer of [await clear(ann.at(there.url), id), await clear(ann, id), await read(ann, id)]) {
      expect([answer.status, answer.body]).toEqual([200, { session_id: id, messages: [] }]);
    }
    expect((await list(ann)).body).not.toContainEqual(expect.objectContaining({ session_id: id }));
  });

  it.each([
    ['another role', { role: 'tool', content: 'x' }, 'role'],
    ['a role in capitals', { role: 'USER', content: 'x' }, 'role'],
    ['no role', { content: 'x' }, 'role'],
    ['blank content', { role: 'user', content: ' \n\t' }, 'content'],
    ['content that is no string', { role: 'user', content: ['x'] }, 'content'],
    ['no content', { role: 'user' }, 'content'],
    ['content with U+0000', { role: 'user', content: 'a\0' }, 'content'],
    ['content over 128 KiB', { role: 'user', content: 'x'.repeat(128 * 1024 + 1) }, 'content'],
  ])('a message with %s is refused and not stored', async (_what, body, field) => {
    const id = randomUUID();
    const answer = await post(ann, id, body);
    expect([answer.status, answer.body.code, answer.body.errors[0].path]).toEqual([422, 'validation_failed', field]);
    expect((await read(ann, id)).body.messages).toEqual([]);
  });

  it('a message of 128 KiB fits', async () => {
    const id = randomUUID();
    const content = 'ü'.repeat(64 * 1024);
    expect((await post(ann, id, { role: 'user', content })).body.messages[0].content).toBe(content);
  });

  it('unknown fields are ignored, in body and query', async () => {
    const answer = await post(ann, randomUUID(), { role: 'user', content: 'x', id: 'mine', extra: { a: 1 } });
    expect([answer.status, Object.keys(answer.body.messages[0])]).toEqual([201, ['id', 'role', 'content', 'created_at']]);
    expect(answer.body.messages[0].id).not.toBe('mine');
    expect((await ann.request('GET', '/v1/chat/sessions?limit=5')).status).toBe(200);
  });

  it.each(['a b', 'ü/ñ', '{x}', '..a', '%', "'; --", 'x'.repeat(200), '🦣'.repeat(100), ' padded '])(
    'the name %j is taken as it is',
    async (id) => {
      const answer = await say(ann, id, id);
      expect([answer.status, answer.body.session_id, contentsOf(answer.body).at(-1)]).toEqual([201, id, id]);
      expect((await list(ann)).body).toContainEqual({ session_id: id, message_count: expect.any(Number) });
      expect((await clear(ann, id)).status).toBe(200);
    },
  );

  it.each([' ', '\t', 'a\0b', 'x'.repeat(201)])('the name %j is refused', async (id) => {
    for (const answer of [await say(ann, id, 'x'), await read(ann, id), await clear(ann, id)]) {
      expect([answer.status, answer.body.errors[0].path]).toEqual([422, 'session_id']);
    }
  });

  it('the same name of another account is another session', async () => {
    const id = randomUUID();
    await say(ann, id, 'of Ann');
    expect((await read(bob, id)).body.messages).toEqual([]);
    await clear(bob, id);
    expect(contentsOf((await read(ann, id)).body)).toEqual(['of Ann']);
  });

  it('100 posts at once to one session, at all instances, lose nothing and have one order', async () => {
    const id = randomUUID();
    const contents = Array.from({ length: 100 }, (_, n) => `m${n}`);
    const answers = await Promise.all(contents.map((content, n) => say(n % 2 ? ann : ann.at(there.url), id, content)));
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([201]));
    const final = contentsOf((await read(ann, id)).body);
    expect([...final].sort()).toEqual([...contents].sort());
    // What each was answered is how the session began.
    for (const { body } of answers) expect(contentsOf(body)).toEqual(final.slice(0, body.messages.length));
    answers.forEach(({ body }, n) => expect(contentsOf(body)).toContain(contents[n]));
    expect(contentsOf((await read(ann.at(there.url), id)).body)).toEqual(final);
  });

  it('an Idempotency-Key makes a post be done once, at all instances', async () => {
    const id = randomUUID();
    const key = { 'idempotency-key': randomUUID() };
    const body = { role: 'user', content: 'once' };
    const answers = await Promise.all([ann, ann.at(there.url), ann].map((client) => post(client, id, body, key)));
    expect(answers.map(({ status }) => status)).toEqual([201, 201, 201]);
    expect(new Set(answers.map(({ text }) => text)).size).toBe(1);
    expect(contentsOf((await read(ann, id)).body)).toEqual(['once']);
    expect((await post(ann, id, { role: 'user', content: 'other' }, key)).body.code).toBe('idempotency_key_reused');
  });

  it('all of it needs a token', async () => {
    const stranger = new TestClient(here.url);
    for (const answer of [await list(stranger), await read(stranger, 'a'), await say(stranger, 'a', 'x'), await clear(stranger, 'a')]) {
      expect([answer.status, answer.body.code]).toEqual([401, 'unauthorized']);
    }
  });
};

describe('chat sessions, in memory', () => guarantees(inMemory));

(REDIS_URL ? describe : describe.skip)('chat sessions, in Redis', () => {
  guarantees(() => inRedis(REDIS_URL!));

  it('a session lives as long as somebody writes to it, and CHAT_SESSION_TTL_SECONDS longer', async () => {
    const server = await startTestApp('postgres', { REDIS_URL: REDIS_URL!, CHAT_SESSION_TTL_SECONDS: '1' });
    const ann = await TestClient.register(server.url);
    for (let n = 1; n <= 4; n++) {
      await sleep(400);
      expect((await say(ann, 's', `m${n}`)).body.messages).toHaveLength(n);
    }
    for (const deadline = Date.now() + 3000; (await list(ann)).body.length > 0 && Date.now() < deadline;) await sleep(50);
    expect([(await list(ann)).body, (await read(ann, 's')).body.messages]).toEqual([[], []]);
    expect(contentsOf((await say(ann, 's', 'anew')).body)).toEqual(['anew']);
    await server.close();
  });
});

(REDIS_SERVER ? describe : describe.skip)('chat sessions, in a Redis that dies', () => {
  let port: number;
  let redis: ChildProcess;
  let here: TestApp;
  let there: TestApp;
  let ann: TestClient;

  const startRedis = async (): Promise<void> => {
    redis = spawn(REDIS_SERVER!, ['--port', String(port), '--bind', '127.0.0.1', '--save', ''], { stdio: ['ignore', 'pipe', 'ignore'] });
    await new Promise<void>((resolve) => redis.stdout!.on('data', (chunk: Buffer) => chunk.includes('Ready to accept') && resolve()));
  };
  const recovered = async (): Promise<void> => {
    for (const client of [ann, ann.at(there.url)]) {
      for (const deadline = Date.now() + 8000; (await list(client)).status !== 200; await sleep(50)) {
        if (Date.now() > deadline) throw new Error('does not recover');
      }
    }
  };

  beforeAll(async () => {
    port = await freePort();
    await startRedis();
    // Each refusal is an error in the log, and refusals are what is tested here.
    const settings = { REDIS_URL: `redis://127.0.0.1:${port}`, LOG_LEVEL: 'silent' };
    here = await startTestApp('postgres', settings);
    there = await startTestApp('postgres', settings, here.databaseUrl);
    ann = await TestClient.register(here.url);
  });
  afterAll(async () => {
    await Promise.all([here.close(), there.close()]);
    redis.kill('SIGKILL');
  });

  const refusedInTime = async (): Promise<void> => {
    for (const ask of [() => list(ann), () => read(ann, 's'), () => say(ann, 's', 'x'), () => clear(ann, 's')]) {
      const started = performance.now();
      const answer = await ask();
      expect([answer.status, /store_unavailable|outcome_unknown/.test(answer.body.code)]).toEqual([503, true]);
      expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0);
      expect(performance.now() - started).toBeLessThan(2000);
    }
  };

  it('answers 503 with Retry-After while it is away, also to upgrades, and recovers by itself with empty sessions', async () => {
    await say(ann, 's', 'before');
    const socket = await SessionSocket.open(ann.at(there.url), 's');
    await socket.heard(1);
    redis.kill('SIGKILL');
    await sleep(50);
    await refusedInTime();
    expect((await say(ann, 's', 'x')).body.code).toBe('store_unavailable');
    const refused = await refusalOf(here.url, path('s'), { headers: { authorization: `Bearer ${ann.token}` } });
    expect([refused.status, refused.body.code, Number(refused.headers['retry-after']) > 0]).toEqual([503, 'store_unavailable', true]);
    socket.send({ role: 'user', content: 'lost' });
    expect(await errorsOf(socket, 1)).toEqual(['store_unavailable']);
    await startRedis();
    await recovered();
    expect((await read(ann, 's')).body.messages).toEqual([]);
    // The socket has stayed, learns that the session is gone, and hears what is new.
    await socket.until(() => socket.events('session.cleared').length === 1);
    await say(ann, 's', 'after');
    await socket.until(() => socket.events('message.created').length === 1);
    expect(socket.events('message.created')[0].content).toBe('after');
    await socket.close();
  });

  it('nothing is missed or doubled on a socket when the connections to Redis break', async () => {
    const socket = await SessionSocket.open(ann.at(there.url), 'hiccups');
    await socket.heard(1);
    const stored: string[] = [];
    for (let n = 0; n < 30; n++) {
      if (n % 10 === 5) await killClients(port);
      const answer = await say(ann, 'hiccups', `m${n}`);
      if (answer.status === 201) stored.push(`m${n}`);
      else await recovered();
    }
    await recovered();
    const { body } = await read(ann, 'hiccups');
    expect(contentsOf(body)).toEqual(expect.arrayContaining(stored));
    await socket.until(() => socket.events('message.created').length >= body.messages.length);
    expect(socket.events('message.created')).toEqual(body.messages);
    expect(socket.events('session.cleared')).toEqual([]);
    await socket.close();
  });

  it('is as patient with one that says nothing as with one that is gone', async () => {
    redis.kill('SIGSTOP');
    await refusedInTime();
    redis.kill('SIGCONT');
    await recovered();
    expect((await say(ann, randomUUID(), 'x')).status).toBe(201);
  });

  it('that is away at the start is no reason not to start, nor to hang at the end', async () => {
    const server = await startTestApp('postgres', { REDIS_URL: `redis://127.0.0.1:${await freePort()}`, LOG_LEVEL: 'silent' });
    expect((await list(await TestClient.register(server.url))).status).toBe(503);
    const started = performance.now();
    await server.close();
    expect(performance.now() - started).toBeLessThan(5000);
  });
});

async function killClients(port: number): Promise<void> {
  const { createClient } = await import('@redis/client');
  const client = await createClient({ url: `redis://127.0.0.1:${port}` }).connect();
  for (const kind of ['normal', 'pubsub']) await client.sendCommand(['CLIENT', 'KILL', 'TYPE', kind, 'SKIPME', 'yes']);
  client.destroy();
}
