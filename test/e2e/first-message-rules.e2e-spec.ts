import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { MODES, startTestApp, type TestApp, withClient } from '../support/app.js';
import { TestClient } from '../support/client.js';
import { first, post, read, last, textsOf, nextOf } from './first-message-calls.js';

describe.each(MODES)('the rules of first message, words in %s', (mode) => {
  let here: TestApp;
  let there: TestApp;
  let ann: TestClient;
  let bob: TestClient;

  beforeAll(async () => {
    here = await startTestApp(mode);
    there = await startTestApp(mode, {}, here.databaseUrl);
    [ann, bob] = [await TestClient.register(here.url), await TestClient.register(here.url)];
  });
  afterAll(() => Promise.all([here.close(), there.close()]));

  it('a chat that is unknown, deleted or of another account is the same 404 on every route', async () => {
    const { body: deleted } = await first(ann);
    await ann.delete(`/chats/${deleted.chat_uuid}`);
    const { body: foreign } = await first(ann);
    const cases: [TestClient, string | number][] = [
      ...[
        deleted.chat_id,
        deleted.chat_uuid,
        randomUUID(),
        999_999,
        '99999999999999999999',
        1e20,
      ].map((name) => [ann, name] as [TestClient, string]),
      ...[foreign.chat_uuid, foreign.chat_id + 1000].map(
        (name) => [bob, name] as [TestClient, string],
      ),
    ];
    for (const [client, name] of cases) {
      for (const answer of [
        await read(client, `chat_uuid=${name}`),
        await last(client, name),
        await post(client, { chat_uuid: name, text: 'x', sender: 'x' }),
      ]) {
        expect([name, answer.status, answer.body.code]).toEqual([name, 404, 'chat_not_found']);
      }
    }
  });

  it.each([
    ['no text', { sender: 'Ada' }, 'text'],
    ['blank text', { text: ' \n', sender: 'Ada' }, 'text'],
    ['text that is no string', { text: 1, sender: 'Ada' }, 'text'],
    ['text over 128 KiB', { text: 'x'.repeat(128 * 1024 + 1), sender: 'Ada' }, 'text'],
    ['text with U+0000', { text: 'a\0', sender: 'Ada' }, 'text'],
    ['no sender', { text: 'x' }, 'sender'],
    ['a blank sender', { text: 'x', sender: ' ' }, 'sender'],
    ['a sender over 200 characters', { text: 'x', sender: 'x'.repeat(201) }, 'sender'],
    ['a sender that is no string', { text: 'x', sender: null }, 'sender'],
    ['a system that is no boolean', { text: 'x', sender: 'x', system: 'yes' }, 'system'],
  ])('%s is refused', async (_what, body, path) => {
    const { body: started } = await first(ann);
    for (const answer of [
      await first(ann, body),
      await post(ann, { chat_uuid: started.chat_id, ...body }),
    ]) {
      expect([answer.status, answer.body.code, answer.body.errors[0].path]).toEqual([
        422,
        'validation_failed',
        path,
      ]);
    }
    expect((await first(ann)).body.chat_id).toBe(started.chat_id + 1);
  });

  it.each(['abc', '1.5', '0', '-1', '%20', `${randomUUID()}x`])(
    '%s is no name of a chat',
    async (name) => {
      for (const answer of [await read(ann, `chat_uuid=${name}`), await last(ann, name)]) {
        expect([answer.status, answer.body.errors[0].path]).toEqual([422, 'chat_uuid']);
      }
    },
  );

  it.each([[1.5], [0], [-1], [true], [null], [['1']], [{}], ['x'], ['']])(
    '%j in a body is no name of a chat',
    async (chat_uuid) => {
      const answer = await post(ann, { chat_uuid, text: 'x', sender: 'x' });
      expect([answer.status, answer.body.errors[0].path]).toEqual([422, 'chat_uuid']);
    },
  );

  it('limit and cursor must be good', async () => {
    const [{ body: one }, { body: two }] = [await first(ann), await first(ann)];
    await post(ann, { chat_uuid: two.chat_id, text: 'x', sender: 'x' });
    const foreign = new URL(
      nextOf((await read(ann, `chat_uuid=${two.chat_id}&limit=1`)).headers.get('link'))!,
      here.url,
    ).searchParams.get('cursor');
    for (const query of [
      'limit=0',
      'limit=101',
      'limit=x',
      'limit=-1',
      'cursor=nonsense',
      'cursor=',
      `cursor=${foreign}`,
    ]) {
      const answer = await read(ann, `chat_uuid=${one.chat_id}&${query}`);
      expect([query, answer.status, answer.body.code]).toEqual([query, 422, 'validation_failed']);
    }
  });

  it('unknown fields are ignored, in body and query', async () => {
    const { status, body } = await first(ann, { text: 'x', sender: 'x', chat_id: 99, extra: {} });
    expect([status, Object.keys(body)]).toEqual([201, ['chat_id', 'chat_uuid', 'message']]);
    expect(
      (await post(ann, { chat_uuid: body.chat_id, text: 'x', sender: 'x', id: 1 })).status,
    ).toBe(201);
    expect((await read(ann, `chat_uuid=${body.chat_id}&page=1`)).status).toBe(200);
  });

  it.each([
    ['U+0000', { x: 'a\0' }],
    ['a lone surrogate', { x: ['\ud800'] }],
    ['U+0000 in their names', { 'a\0': 1 }],
    ['the key constructor', { constructor: 1, deep: { constructor: {} } }],
  ])('unknown fields are ignored with %s too', async (_what, unknown) => {
    const { status, body } = await first(ann, { text: 'x', sender: 'x', ...unknown });
    expect(status).toBe(201);
    expect(
      (await post(ann, { chat_uuid: body.chat_id, text: 'x', sender: 'x', ...unknown })).status,
    ).toBe(201);
    expect((await read(ann, `chat_uuid=${body.chat_id}&x=%00&constructor=1`)).status).toBe(200);
    expect(
      (await ann.request('POST', '/sessions', { body: { session_user: 'Ada', ...unknown } }))
        .status,
    ).toBe(201);
    expect((await first(ann, { text: 'x', sender: 'a\0', ...unknown })).body.errors[0].path).toBe(
      'sender',
    );
  });

  it('system: null is as if it were absent', async () => {
    const { status, body } = await first(ann, { text: 'x', sender: 'x', system: null });
    expect([status, body.message.system]).toEqual([201, false]);
    expect(
      (await post(ann, { chat_uuid: body.chat_id, text: 'x', sender: 'x', system: null })).body
        .system,
    ).toBe(false);
  });

  it('an Idempotency-Key makes a chat and a message be made once', async () => {
    const fresh = await TestClient.register(here.url);
    const key = { 'idempotency-key': randomUUID() };
    const starts = await Promise.all(
      [fresh, fresh.at(there.url), fresh].map((client) => first(client, undefined, key)),
    );
    expect(new Set(starts.map(({ status, text }) => `${status} ${text}`)).size).toBe(1);
    const body = { chat_uuid: 1, text: 'once', sender: 'Ada' };
    const posts = [await post(fresh, body, key), await post(fresh.at(there.url), body, key)];
    expect([
      posts[0]!.status,
      posts[1]!.text,
      posts[1]!.headers.get('idempotent-replayed'),
    ]).toEqual([201, posts[0]!.text, 'true']);
    expect(textsOf((await read(fresh, 'chat_uuid=1')).body)).toEqual(['hello', 'once']);
    expect((await post(fresh, { ...body, text: 'other' }, key)).body.code).toBe(
      'idempotency_key_reused',
    );
    expect((await first(fresh)).body.chat_id).toBe(2);
  });

  it('a chat whose number cannot be given yet is told as a row that is busy, and not as a key in use', async () => {
    const fresh = await TestClient.register(here.url);
    await first(fresh);
    const key = { 'idempotency-key': randomUUID() };
    const { status, body } = await withClient(here.databaseUrl, async (client) => {
      await client.query('BEGIN');
      await client.query(`SELECT FROM chat_number_counters WHERE account_id = $1 FOR UPDATE`, [
        fresh.accountId,
      ]);
      return first(fresh, undefined, key);
    });
    expect([status, body.code]).toEqual([503, 'resource_busy']);
    const again = await first(fresh, undefined, key);
    expect([again.status, again.body.chat_id]).toEqual([201, 2]);
  });

  it('all of it needs a token, and knows its methods', async () => {
    const stranger = new TestClient(here.url);
    for (const answer of [
      await first(stranger),
      await post(stranger, { chat_uuid: 1, text: 'x', sender: 'x' }),
      await read(stranger, 'chat_uuid=1'),
      await last(stranger, 1),
    ]) {
      expect([answer.status, answer.body.code]).toEqual([401, 'unauthorized']);
    }
    expect((await ann.request('GET', '/first_message')).status).toBe(405);
    expect((await ann.request('DELETE', '/messages')).headers.get('allow')).toBe('POST, GET, HEAD');
  });
});
