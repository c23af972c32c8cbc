import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { startTestApp, type TestApp, withClient } from '../support/app.js';
import { TestClient } from '../support/client.js';
import {
  clear,
  closeAll,
  contentsOf,
  inMemory,
  inRedis,
  type Instances,
  list,
  post,
  read,
  say,
} from './session-tester.js';
import { undisturbed, until } from '../support/machine-clock.js';

const REDIS_URL = process.env.TEST_REDIS_URL;
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
    expect([status, body.messages.map(({ role }: { role: string }) => role)]).toEqual([
      200,
      ['system', 'user', 'assistant'],
    ]);
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
    for (const answer of [
      await clear(ann.at(there.url), id),
      await clear(ann, id),
      await read(ann, id),
    ]) {
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
    expect([answer.status, answer.body.code, answer.body.errors[0].path]).toEqual([
      422,
      'validation_failed',
      field,
    ]);
    expect((await read(ann, id)).body.messages).toEqual([]);
  });

  it('a message of 128 KiB fits', async () => {
    const id = randomUUID();
    const content = 'ü'.repeat(64 * 1024);
    expect((await post(ann, id, { role: 'user', content })).body.messages[0].content).toBe(content);
  });

  it('unknown fields are ignored, in body and query', async () => {
    const answer = await post(ann, randomUUID(), {
      role: 'user',
      content: 'x',
      id: 'mine',
      extra: { a: 1 },
    });
    expect([answer.status, Object.keys(answer.body.messages[0])]).toEqual([
      201,
      ['id', 'role', 'content', 'created_at'],
    ]);
    expect(answer.body.messages[0].id).not.toBe('mine');
    expect((await ann.request('GET', '/v1/chat/sessions?limit=5')).status).toBe(200);
  });

  it.each([
    'a b',
    'ü/ñ',
    '{x}',
    '..a',
    '%',
    "'; --",
    'x'.repeat(200),
    '🦣'.repeat(100),
    ' padded ',
  ])('the name %j is taken as it is', async (id) => {
    const answer = await say(ann, id, id);
    expect([answer.status, answer.body.session_id, contentsOf(answer.body).at(-1)]).toEqual([
      201,
      id,
      id,
    ]);
    expect((await list(ann)).body).toContainEqual({
      session_id: id,
      message_count: expect.any(Number),
    });
    expect((await clear(ann, id)).status).toBe(200);
  });

  it.each([' ', '\t', 'a\0b', 'x'.repeat(201), 'x'.repeat(257), 'ü'.repeat(2000)])(
    'the name %j is refused',
    async (id) => {
      for (const answer of [await say(ann, id, 'x'), await read(ann, id), await clear(ann, id)]) {
        expect([answer.status, answer.body.errors[0].path]).toEqual([422, 'session_id']);
      }
    },
  );

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
    const answers = await Promise.all(
      contents.map((content, n) => say(n % 2 ? ann : ann.at(there.url), id, content)),
    );
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([201]));
    const final = contentsOf((await read(ann, id)).body);
    expect([...final].sort()).toEqual([...contents].sort());
    // What each was answered is how the session began.
    for (const { body } of answers)
      expect(contentsOf(body)).toEqual(final.slice(0, body.messages.length));
    answers.forEach(({ body }, n) => expect(contentsOf(body)).toContain(contents[n]));
    expect(contentsOf((await read(ann.at(there.url), id)).body)).toEqual(final);
  });

  it('an Idempotency-Key makes a post be done once, at all instances', async () => {
    const id = randomUUID();
    const key = { 'idempotency-key': randomUUID() };
    const body = { role: 'user', content: 'once' };
    const answers = await Promise.all(
      [ann, ann.at(there.url), ann].map((client) => post(client, id, body, key)),
    );
    expect(answers.map(({ status }) => status)).toEqual([201, 201, 201]);
    expect(new Set(answers.map(({ text }) => text)).size).toBe(1);
    expect(contentsOf((await read(ann, id)).body)).toEqual(['once']);
    expect((await post(ann, id, { role: 'user', content: 'other' }, key)).body.code).toBe(
      'idempotency_key_reused',
    );
  });

  it('a post that is sent again answers the session up to its message, as it did at first', async () => {
    const id = randomUUID();
    const key = { 'idempotency-key': randomUUID() };
    await say(ann, id, 'before');
    const first = await post(ann, id, { role: 'user', content: 'keyed' }, key);
    await say(ann, id, 'after');
    const again = await post(ann.at(there.url), id, { role: 'user', content: 'keyed' }, key);
    expect([again.status, again.text, again.headers.get('idempotent-replayed')]).toEqual([
      201,
      first.text,
      'true',
    ]);
    expect(contentsOf(again.body)).toEqual(['before', 'keyed']);
  });

  it('a post that is sent again after the session was cleared stores nothing, and no word of it is left', async () => {
    const id = randomUUID();
    const key = { 'idempotency-key': randomUUID() };
    const body = { role: 'user', content: `secret ${randomUUID()}` };
    await post(ann, id, body, key);
    await clear(ann, id);
    const again = await post(ann, id, body, key);
    expect([again.status, again.body, again.headers.get('idempotent-replayed')]).toEqual([
      201,
      { session_id: id, messages: [] },
      'true',
    ]);
    expect((await read(ann, id)).body.messages).toEqual([]);
    const { rows } = await withClient(here.databaseUrl, (client) =>
      client.query(`SELECT answer FROM idempotency_keys WHERE account_id = $1`, [ann.accountId]),
    );
    for (const { answer } of rows)
      expect([answer.length < 100, answer.includes('secret')]).toEqual([true, false]);
  });

  it('of two bodies that are sent with one key at once, one is stored and the other is refused', async () => {
    for (let round = 0; round < 10; round++) {
      const id = randomUUID();
      const key = { 'idempotency-key': randomUUID() };
      const contents = ['one', 'two', 'one', 'two'];
      const answers = await Promise.all(
        contents.map((content) => post(ann, id, { role: 'user', content }, key)),
      );
      const [stored] = contentsOf((await read(ann, id)).body);
      answers.forEach(({ status }, n) => expect(status).toBe(contents[n] === stored ? 201 : 422));
      expect((await read(ann, id)).body.messages).toHaveLength(1);
    }
  });

  it('a post answers its message, whoever clears the session meanwhile', async () => {
    const id = randomUUID();
    for (let n = 0; n < 50; n++) {
      const [posted] = await Promise.all([say(ann, id, `m${n}`), clear(ann.at(there.url), id)]);
      expect([posted.status, contentsOf(posted.body).at(-1)]).toEqual([201, `m${n}`]);
    }
  });

  it('all of it needs a token', async () => {
    const stranger = new TestClient(here.url);
    for (const answer of [
      await list(stranger),
      await read(stranger, 'a'),
      await say(stranger, 'a', 'x'),
      await clear(stranger, 'a'),
    ]) {
      expect([answer.status, answer.body.code]).toEqual([401, 'unauthorized']);
    }
  });
};

/** The same with and without Redis. */
const keepsTime = (settings: Record<string, string>) =>
  it('a session lives as long as somebody writes to it, and CHAT_SESSION_TTL_SECONDS longer; stored chats stay', async () => {
    const server = await startTestApp('postgres', { ...settings, CHAT_SESSION_TTL_SECONDS: '2' });
    const ann = await TestClient.register(server.url);
    const { id: chatId } = await ann.aChat(2);
    const { body: numbered } = await ann.request('POST', '/first_message', {
      body: { text: 'kept', sender: 'ada' },
    });
    const id = await undisturbed(async () => {
      const kept = randomUUID();
      for (let n = 1; n <= 4; n++) {
        await sleep(800);
        expect((await say(ann, kept, `m${n}`)).body.messages).toHaveLength(n);
      }
      return kept;
    });
    await until(async () => (await list(ann)).body.length === 0, 'the end of the session', 6000);
    expect((await read(ann, id)).body.messages).toEqual([]);
    expect(contentsOf((await say(ann, id, 'anew')).body)).toEqual(['anew']);
    expect(await ann.questionsOf(chatId)).toEqual(['q1', 'q2']);
    expect(await ann.questionsOf(numbered.chat_uuid)).toEqual(['kept']);
    await server.close();
  });

describe('chat sessions, in memory', () => {
  guarantees(inMemory);
  keepsTime({});

  it('nothing is called done that was done in another process: a key stores the message where it is not', async () => {
    const here = await startTestApp();
    const there = await startTestApp('postgres', {}, here.databaseUrl);
    const ann = await TestClient.register(here.url);
    const key = { 'idempotency-key': randomUUID() };
    for (const client of [ann, ann.at(there.url)]) {
      const answer = await post(client, 's', { role: 'user', content: 'x' }, key);
      expect([contentsOf(answer.body), answer.headers.has('idempotent-replayed')]).toEqual([
        ['x'],
        false,
      ]);
    }
    await Promise.all([here.close(), there.close()]);
  });
});

(REDIS_URL ? describe : describe.skip)('chat sessions, in Redis', () => {
  guarantees(() => inRedis(REDIS_URL!));
  keepsTime({ REDIS_URL: REDIS_URL! });
});
