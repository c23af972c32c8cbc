import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { startTestApp, type TestApp } from '../support/app.js';
import { TestClient } from '../support/client.js';

const INSTANT = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;

describe('sessions in memory', () => {
  let server: TestApp;
  let ann: TestClient;
  let bob: TestClient;

  beforeAll(async () => {
    server = await startTestApp();
    [ann, bob] = [await TestClient.register(server.url), await TestClient.register(server.url)];
  });
  afterAll(() => server.close());

  const start = async (client: TestClient, body: unknown = { session_user: 'ada' }, headers = {}) =>
    client.request('POST', '/sessions', { body, headers });
  const aSession = async (client = ann): Promise<number> => (await start(client)).body.session_id;
  const post = (id: number | string, body: unknown, client = ann, headers = {}) =>
    client.request('POST', `/sessions/${id}/messages`, { body, headers });
  const read = (id: number | string, query = '', client = ann) =>
    client.request('GET', `/sessions/${id}/messages${query}`);

  it('a session is started for a user, whose name is trimmed and in lower case', async () => {
    const { status, body } = await start(ann, { session_user: '  Ada LOVELACE\n' });
    expect(status).toBe(201);
    expect(body).toEqual({
      session_id: expect.any(Number),
      session_user: 'ada lovelace',
      created_at: expect.stringMatching(INSTANT),
    });
  });

  it('sessions are numbered 1, 2, 3… for each account, also when they are started at once', async () => {
    const fresh = await TestClient.register(server.url);
    const bodies = await Promise.all(Array.from({ length: 50 }, () => start(fresh)));
    expect(bodies.map(({ body }) => body.session_id).sort((a, b) => a - b)).toEqual(
      Array.from({ length: 50 }, (_, n) => n + 1),
    );
    expect((await start(await TestClient.register(server.url))).body.session_id).toBe(1);
  });

  it.each([
    ['empty', { session_user: '' }],
    ['blank', { session_user: ' \t\n ' }],
    ['missing', {}],
    ['null', { session_user: null }],
    ['a number', { session_user: 7 }],
    ['too long', { session_user: 'x'.repeat(201) }],
    ['with U+0000', { session_user: 'a\0b' }],
  ])('a session_user that is %s is refused', async (_what, body) => {
    const answer = await start(ann, body);
    expect([answer.status, answer.body.code, answer.body.errors[0].path]).toEqual([
      422,
      'validation_failed',
      'session_user',
    ]);
  });

  it('messages are answered as they were posted, and read in their order', async () => {
    const id = await aSession();
    const messages = [
      { role: 'user', content: '  hello \n' },
      { role: 'assistant', content: 'ünï 🦣' },
      { role: 'user', content: 'bye' },
    ];
    for (const message of messages) {
      const { status, body } = await post(id, message);
      expect([status, body]).toEqual([201, message]);
    }
    expect((await read(id)).body).toEqual(messages);
    expect((await read(id, '?role=assistant')).body).toEqual([messages[1]]);
    expect((await read(id, '?role=user')).body).toEqual([messages[0], messages[2]]);
  });

  it('a session without messages reads as an empty array', async () => {
    const { status, body } = await read(await aSession());
    expect([status, body]).toEqual([200, []]);
  });

  it.each([
    ['another role', { role: 'system', content: 'x' }, 'role'],
    ['a role in capitals', { role: 'User', content: 'x' }, 'role'],
    ['no role', { content: 'x' }, 'role'],
    ['empty content', { role: 'user', content: '' }, 'content'],
    ['blank content', { role: 'user', content: ' \n' }, 'content'],
    ['no content', { role: 'user' }, 'content'],
    ['content that is no string', { role: 'user', content: { text: 'x' } }, 'content'],
    ['content with half a surrogate pair', { role: 'user', content: 'a\ud800' }, 'content'],
    ['content over 128 KiB', { role: 'user', content: 'ü'.repeat(64 * 1024 + 1) }, 'content'],
  ])('a message with %s is refused and not stored', async (_what, body, path) => {
    const id = await aSession();
    const answer = await post(id, body);
    expect([answer.status, answer.body.code, answer.body.errors[0].path]).toEqual([
      422,
      'validation_failed',
      path,
    ]);
    expect((await read(id)).body).toEqual([]);
  });

  it.each(['system', 'USER', '', 'user&role=user', 'user%00'])(
    'the filter role=%s is refused',
    async (role) => {
      const answer = await read(await aSession(), `?role=${role}`);
      expect([answer.status, answer.body.code]).toEqual([422, 'validation_failed']);
    },
  );

  it('unknown fields are ignored, in body and query', async () => {
    const started = await start(ann, { session_user: 'ada', theme: 'dark', session_id: 99 });
    expect([started.status, started.body.theme]).toEqual([201, undefined]);
    const posted = await post(started.body.session_id, {
      role: 'user',
      content: 'x',
      id: 1,
      nested: { a: [1] },
    });
    expect([posted.status, posted.body]).toEqual([201, { role: 'user', content: 'x' }]);
    expect((await read(started.body.session_id, '?page=2')).status).toBe(200);
  });

  it('a session that is unknown is a 404, and so is one of another account', async () => {
    const high = await aSession();
    for (const id of [999_999, 0, -1, '99999999999999999999']) {
      const answer = await read(id);
      expect([id, answer.status, answer.body.code]).toEqual([id, 404, 'session_not_found']);
      expect((await post(id, { role: 'user', content: 'x' })).status).toBe(404);
    }
    expect((await read(high, '', bob)).status).toBe(404);
    const own = await aSession(bob);
    await post(own, { role: 'user', content: 'of Bob' }, bob);
    expect(JSON.stringify((await read(own)).body)).not.toContain('of Bob');
    for (const id of ['abc', '1.5', '1e1', '%20'])
      expect([id, (await read(id)).status]).toEqual([id, 422]);
  });

  it('all of it needs a token', async () => {
    const stranger = new TestClient(server.url);
    for (const answer of [
      await start(stranger),
      await post(1, { role: 'user', content: 'x' }, stranger),
      await read(1, '', stranger),
      await stranger.request('GET', '/sessions/1/messages', {
        headers: { authorization: 'Bearer nonsense' },
      }),
    ]) {
      expect([answer.status, answer.body.code, answer.headers.has('www-authenticate')]).toEqual([
        401,
        'unauthorized',
        true,
      ]);
    }
  });

  it('knows its methods, and broken JSON', async () => {
    const answer = await ann.request('GET', '/sessions');
    expect([answer.status, answer.headers.get('allow')]).toEqual([405, 'POST']);
    expect((await ann.request('DELETE', '/sessions/1/messages')).status).toBe(405);
    const broken = await ann.request('POST', '/sessions', { raw: '{"session_user":' });
    expect([broken.status, broken.body.code]).toEqual([400, 'invalid_json']);
  });

  it('100 posts at once to one session lose nothing', async () => {
    const id = await aSession();
    const contents = Array.from({ length: 100 }, (_, n) => `m${n}`);
    const answers = await Promise.all(
      contents.map((content) => post(id, { role: 'user', content })),
    );
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([201]));
    const { body } = await read(id);
    expect(body.map(({ content }: { content: string }) => content).sort()).toEqual(
      [...contents].sort(),
    );
  });

  it('an Idempotency-Key makes a post be done once', async () => {
    const key = { 'idempotency-key': randomUUID() };
    const first = await start(ann, { session_user: 'once' }, key);
    const again = await start(ann, { session_user: 'once' }, key);
    expect([again.status, again.text, again.headers.get('idempotent-replayed')]).toEqual([
      201,
      first.text,
      'true',
    ]);
    const id = first.body.session_id;
    const posts = await Promise.all(
      [1, 2, 3].map(() => post(id, { role: 'user', content: 'once' }, ann, key)),
    );
    expect(posts.map(({ status }) => status)).toEqual([201, 201, 201]);
    expect((await read(id)).body).toHaveLength(1);
    expect((await post(id, { role: 'user', content: 'other' }, ann, key)).body.code).toBe(
      'idempotency_key_reused',
    );
  });

  describe('at two instances, and after a restart', () => {
    let other: TestApp;

    beforeAll(async () => {
      other = await startTestApp('postgres', {}, server.databaseUrl);
    });
    afterAll(() => other.close());

    it('no number is given twice, and a session is known to the instance that started it alone', async () => {
      const here = await TestClient.register(server.url);
      const there = here.at(other.url);
      const [first, second] = [await aSession(here), await aSession(there)];
      expect([first, second]).toEqual([1, 2]);
      await post(first, { role: 'user', content: 'here' }, here);
      await post(second, { role: 'user', content: 'there' }, there);
      for (const [client, own, foreign] of [
        [here, first, second],
        [there, second, first],
      ] as const) {
        expect((await read(own, '', client)).body).toHaveLength(1);
        expect((await read(foreign, '', client)).body.code).toBe('session_not_found');
        expect((await post(foreign, { role: 'user', content: 'astray' }, client)).body.code).toBe(
          'session_not_found',
        );
      }
    });

    it('nothing is called done that was done elsewhere: a key starts a session that is there', async () => {
      const here = await TestClient.register(server.url);
      const there = here.at(other.url);
      const key = { 'idempotency-key': randomUUID() };
      const first = await start(here, undefined, key);
      const second = await start(there, undefined, key);
      expect([second.status, second.headers.has('idempotent-replayed')]).toEqual([201, false]);
      for (const [client, { body }] of [
        [here, first],
        [there, second],
      ] as const) {
        expect(
          (
            await post(body.session_id, { role: 'user', content: 'x' }, client, {
              'idempotency-key': 'm',
            })
          ).status,
        ).toBe(201);
        expect((await read(body.session_id, '', client)).body).toHaveLength(1);
      }
    });
  });
});
