import { MODES, type TestApp } from '../support/app.js';
import { TestClient } from '../support/client.js';

/** Values of a wrong type, for any field that wants text. */
import { badInputTester } from './bad-input-tester.js';
const NO_TEXT: [string, unknown][] = [
  ['a number', 1],
  ['a boolean', true],
  ['a list', ['x']],
  ['an operator', { $gt: '' }],
  ['an object', { toString: 'x' }],
];
const SPOILED: [string, string][] = [
  ['U+0000', 'a\u0000b'],
  ['a lone high surrogate', 'a\ud800b'],
  ['a lone low surrogate', '\udc00'],
];

describe.each(MODES)('bad input, words in %s', (mode) => {
  const { refused, stage, textFields } = badInputTester(mode);
  let server: TestApp;
  let ann: TestClient;
  let chat: { id: string; pairs: string[] };
  let branch: string;
  let other: { id: string; pairs: string[] };
  beforeAll(() => void ({ server, ann, chat, branch, other } = stage()));

  it('of a wrong type in any text field is a 422 that names the field, and stores nothing', async () => {
    for (const [method, path, bodyOf, field] of textFields())
      for (const [, value] of NO_TEXT) await refused(method, path, bodyOf(value), 422, field);
  });

  it('with text that a store would change is a 422 in any text field', async () => {
    for (const [method, path, bodyOf, field] of textFields())
      for (const [, value] of SPOILED) await refused(method, path, bodyOf(value), 422, field);
  });

  it.each(['pinned', 'archived', 'active'])('%s must be a boolean', async (field) => {
    for (const value of ['true', 1, {}, [true]])
      await refused('PATCH', `/chats/${chat.id}`, { [field]: value }, 422, field);
  });

  it('of null in a field that takes none is a 422 that names it', async () => {
    for (const field of ['pinned', 'archived', 'active'])
      await refused('PATCH', `/chats/${chat.id}`, { [field]: null }, 422, field);
    await refused('POST', '/chats', { chat_type: null }, 422, 'chat_type');
    await refused(
      'POST',
      `/chats/${chat.id}/branches`,
      { response_id: chat.pairs[0], activate: null },
      422,
      'activate',
    );
    for (const field of ['message_type', 'on_conflict', 'on_busy', 'stream']) {
      await refused(
        'POST',
        `/chats/${chat.id}/messages`,
        { question: 'q', response: 'r', [field]: null },
        422,
        field,
      );
    }
  });

  it('cannot make a chat inactive', () =>
    refused('PATCH', `/chats/${chat.id}`, { active: false }, 422, 'active'));

  it.each(['', ' ', '\t\n', '\u00a0\u2003'])('without words (%j) is a 422', async (blank) => {
    await refused(
      'POST',
      `/chats/${chat.id}/messages`,
      { question: blank, response: 'r' },
      422,
      'question',
    );
    await refused(
      'POST',
      `/chats/${chat.id}/messages`,
      { question: 'q', response: blank },
      422,
      'response',
    );
    await refused('POST', '/chats', { name: blank }, 422, 'name');
  });

  it('without a question is a 422', () =>
    refused('POST', `/chats/${chat.id}/messages`, { response: 'r' }, 422, 'question'));

  it('with too much text is a 422 up to the bound of the route, and a 413 above', async () => {
    const messages = `/chats/${chat.id}/messages`;
    await refused(
      'POST',
      messages,
      { question: 'x'.repeat(128 * 1024 + 1), response: 'r' },
      422,
      'question',
    );
    await refused(
      'POST',
      messages,
      { question: 'ä'.repeat(64 * 1024 + 1), response: 'r' },
      422,
      'question',
    );
    await refused(
      'POST',
      messages,
      { question: 'q', response: 'x'.repeat(256 * 1024 + 1) },
      422,
      'response',
    );
    await refused('POST', messages, { question: 'q', response: 'x'.repeat(2 ** 21) }, 413);
    await refused('POST', '/chats', { name: 'x'.repeat(600 * 1024) }, 413);
    await refused('POST', '/chats', { name: 'x'.repeat(201) }, 422, 'name');
    const most = await ann.post(`/chats/${other.id}/messages`, {
      question: 'ä'.repeat(64 * 1024),
      response: '漢'.repeat(87_381),
    });
    expect(most.status).toBe(201);
  });

  it('with an id that is no UUID is a 422 that names it', async () => {
    for (const id of ['x', '1', `${chat.id}0`, "' OR 1=1", '%00', '__proto__']) {
      const at = encodeURIComponent(id);
      await refused('GET', `/chats/${at}`, undefined, 422, 'chat_id');
      await refused('DELETE', `/chats/${at}`, undefined, 422, 'chat_id');
      await refused('GET', `/chats/${chat.id}/messages/${at}`, undefined, 422, 'response_id');
      await refused('GET', `/chats/${chat.id}/messages?around=${at}`, undefined, 422, 'around');
      await refused('GET', `/chats/${chat.id}/compare?with=${at}`, undefined, 422, 'with');
      await refused('GET', `/chats/get-chat?chat_id=${at}`, undefined, 422, 'chat_id');
    }
  });

  it('with a field that does not exist is a 422, in body and query of every route', async () => {
    await refused('POST', '/chats', { name: 'x', account_id: other.id }, 422, 'account_id');
    await refused('POST', '/chats', { __proto__x: 1 }, 422, '__proto__x');
    await refused('PATCH', `/chats/${chat.id}`, { seq: 1 }, 422, 'seq');
    await refused(
      'POST',
      `/chats/${chat.id}/messages`,
      { question: 'q', response: 'r', seq: 9 },
      422,
      'seq',
    );
    await refused(
      'POST',
      `/chats/${chat.id}/branches`,
      { response_id: chat.pairs[0], depth: 1 },
      422,
      'depth',
    );
    await refused('GET', '/chats?offset=1', undefined, 422, 'offset');
    await refused('GET', `/chats/${chat.id}?x=1`, undefined, 422, 'x');
    await refused('GET', `/chats/${chat.id}/messages?limit=1&skip=1`, undefined, 422, 'skip');
    await refused(
      'GET',
      `/chats/${chat.id}/messages/${chat.pairs[0]}?x[$ne]=1`,
      undefined,
      422,
      'x[$ne]',
    );
    await refused('DELETE', `/chats/${chat.id}?force=true`, undefined, 422, 'force');
    await refused('POST', `/chats/${chat.id}/restore?x=1`, undefined, 422, 'x');
    await refused('POST', `/chats/${chat.id}/restore`, { x: 1 }, 422, 'x');
    await refused('GET', `/branches/get-branches?chat_id=${chat.id}&x=1`, undefined, 422, 'x');
  });

  it('with a limit or depth out of range is a 422', async () => {
    for (const limit of ['0', '101', '-1', '1.5', 'ten', '', '1e1', '1&limit=2']) {
      await refused('GET', `/chats?limit=${limit}`, undefined, 422, 'limit');
      await refused('GET', `/chats/${chat.id}/messages?limit=${limit}`, undefined, 422, 'limit');
      await refused('GET', `/chats/${chat.id}/branches?limit=${limit}`, undefined, 422, 'limit');
    }
    for (const depth of ['-1', '1001', 'x'])
      await refused('GET', `/chats/${chat.id}/branches?depth=${depth}`, undefined, 422, 'depth');
  });

  it('with the cursor of any pair that there can be is none', async () => {
    const last = cursorAt(other.id, 2_147_483_647);
    for (const side of ['before', 'after'])
      expect((await ann.get(`/chats/${other.id}/messages?${side}=${last}`)).status).toBe(200);
    const read = (place: number) =>
      ann.request('GET', `/messages?chat_uuid=${other.id}&cursor=${cursorAt(other.id, place)}`);
    expect((await read(2 * 2_147_483_647 + 1)).status).toBe(200);
    expect((await read(2 * 2_147_483_647 + 2)).status).toBe(422);
  });

  it('with a cursor of another list, or none at all, is a 422', async () => {
    const foreign = (await ann.get(`/chats/${chat.id}/messages?limit=1`)).body.prev_cursor;
    for (const cursor of [
      foreign,
      'x',
      '!!',
      Buffer.from('chats|x').toString('base64url'),
      Buffer.from(`chats|${'-'.repeat(36)}`).toString('base64url'),
      Buffer.from(`${other.id}|1e3`).toString('base64url'),
      cursorAt(other.id, 2_147_483_648),
    ]) {
      await refused(
        'GET',
        `/chats/${other.id}/messages?before=${cursor}`,
        undefined,
        422,
        'before',
      );
      await refused('GET', `/chats/${other.id}/messages?after=${cursor}`, undefined, 422, 'after');
      await refused('GET', `/chats?cursor=${cursor}`, undefined, 422, 'cursor');
      await refused(
        'GET',
        `/chats/${other.id}/branches?cursor=${cursor}`,
        undefined,
        422,
        'cursor',
      );
    }
    await refused(
      'GET',
      `/chats/${chat.id}/messages?before=${foreign}&after=${foreign}`,
      undefined,
      422,
      'after',
    );
  });

  it('with a filter that is neither true nor false is a 422', async () => {
    await refused('GET', '/chats?archived=yes', undefined, 422, 'archived');
    await refused('GET', '/chats?pinned=1', undefined, 422, 'pinned');
    await refused('DELETE', `/chats/${chat.id}?children=orphan`, undefined, 422, 'children');
    await refused(
      'POST',
      `/chats/${chat.id}/messages?branch=main`,
      { question: 'q', response: 'r' },
      422,
      'branch',
    );
  });

  it.each([
    [{ message_type: 'link' }],
    [{ message_type: 'link', metadata: {} }],
    [{ message_type: 'link', metadata: { url: 'javascript:alert(1)' } }],
    [{ message_type: 'link', metadata: { url: 'ftp://example.org/x' } }],
    [{ message_type: 'link', metadata: { url: 'example.org' } }],
    [{ message_type: 'link', metadata: { url: 'http:/example.org' } }],
    [{ message_type: 'link', metadata: { url: { $gt: '' } } }],
    [{ message_type: 'link', metadata: { url: 'https://example.org', language: 'c' } }],
    [{ message_type: 'code' }],
    [{ message_type: 'code', metadata: { filename: 'a.c' } }],
    [{ message_type: 'code', metadata: { language: '' } }],
    [{ message_type: 'code', metadata: { language: 'c', filename: 1 } }],
    [{ metadata: 'text' }],
    [{ metadata: ['x'] }],
    [{ metadata: { $where: '1' } }],
    [{ metadata: { 'a.b': 1 } }],
    [{ metadata: { a: { b: { c: { d: { e: { f: { g: { h: { i: 1 } } } } } } } } } }],
    [{ metadata: { a: 'x'.repeat(17_000) } }],
    [{ metadata: Object.fromEntries(Array.from({ length: 65 }, (_, n) => [`k${n}`, n])) }],
  ])('with metadata that its type does not allow (%j) is a 422', (fields) =>
    refused(
      'POST',
      `/chats/${chat.id}/messages`,
      { question: 'q', response: 'r', ...fields },
      422,
      'metadata',
    ),
  );

  it('with a key that reaches for a prototype is a 422 that names it where fields are known, and data in metadata (S10)', async () => {
    for (const key of ['__proto__', 'constructor', 'prototype']) {
      const raw = `{"${key}":{"x":1},"name":"n"}`;
      const answer = await ann.request('POST', '/api/v1/chats', { raw });
      expect([key, answer.status, answer.body.errors]).toEqual([
        key,
        422,
        [{ path: key, message: expect.any(String) }],
      ]);
      const metadata = `{"${key}":{"polluted":true},"a":{"${key}":{"polluted":true}}}`;
      const body = `{"question":"q","response":"r","metadata":${metadata}}`;
      const stored = await ann.request('POST', `/api/v1/chats/${other.id}/messages`, { raw: body });
      const read = await ann.get(`/chats/${other.id}/messages/${stored.body.response_id}`);
      for (const { text } of [stored, read]) expect(text).toContain(`"metadata":${metadata}`);
    }
    expect(
      ({} as { x?: number; polluted?: boolean }).polluted ?? ({} as { x?: number }).x,
    ).toBeUndefined();
  });

  it('with fifty thousand unknown fields is refused before it is read, and names twenty faults at most (S1)', async () => {
    const many = (count: number) =>
      Object.fromEntries(Array.from({ length: count }, (_, n) => [n, 0]));
    const nobody = new TestClient(server.url);
    const refusal = await nobody.post('/auth/login', many(52_000));
    expect([refusal.status, refusal.body.errors]).toEqual([
      422,
      [{ path: '', message: 'has more than 10000 members and items' }],
    ]);
    const { status, body, text } = await nobody.post('/auth/login', {
      ...many(5000),
      email: 'ada@example.org',
      password: 'x',
    });
    expect([status, body.errors.length, body.errors_more]).toEqual([422, 20, 4980]);
    expect(body.detail).toMatch(/; and 4980 more$/);
    expect(text.length).toBeLessThan(5000);
    const [quoted] = (await ann.post('/chats', { [`k${'x'.repeat(100_000)}`]: 1 })).body.errors;
    expect(quoted.path).toHaveLength(201);
  });

  it('that names a pair of another chat, one beyond the fork point, or a branch of another conversation is a 404', async () => {
    await refused('POST', `/chats/${chat.id}/branches`, { response_id: other.pairs[0] }, 404);
    await refused('POST', `/chats/${branch}/branches`, { response_id: chat.pairs[1] }, 404);
    await refused('PUT', `/chats/${chat.id}/active-branch`, { branch_chat_id: other.id }, 404);
    await refused(
      'POST',
      `/chats/${branch}/messages`,
      { question: 'q', response: 'r', parent_response_id: chat.pairs[2] },
      404,
    );
  });

  it('whose parent is no longer the last pair is a 409 with the head', async () => {
    const answer = await ann.post(`/chats/${chat.id}/messages`, {
      question: 'q',
      response: 'r',
      parent_response_id: chat.pairs[0],
    });
    expect(answer).toMatchObject({
      status: 409,
      body: { code: 'branch_head_moved', head: { response_id: chat.pairs[2], seq: 3 } },
    });
    await refused(
      'POST',
      `/chats/${chat.id}/messages`,
      { question: 'q', response: 'r', parent_response_id: null },
      409,
    );
  });

  const cursorAt = (chatId: string, place: number): string =>
    Buffer.from(`${chatId}|${place}`).toString('base64url');
});
