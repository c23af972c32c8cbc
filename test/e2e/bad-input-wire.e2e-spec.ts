import { MODES } from '../support/app.js';
import { TestClient } from '../support/client.js';
import { operations } from '../support/contract.js';
import { badInputTester } from './bad-input-tester.js';

describe.each(MODES)('bad input, words in %s', (mode) => {
  const { stage } = badInputTester(mode);
  let ann: TestClient;
  let chat: { id: string; pairs: string[] };
  beforeAll(() => void ({ ann, chat } = stage()));

  describe('on the wire', () => {
    const send = (raw: string | Buffer, headers: Record<string, string> = {}) =>
      ann.request('POST', '/api/v1/chats', { raw, headers });

    it('an empty body is no body (O4)', async () => {
      expect((await send('')).status).toBe(201);
      const chat = await ann.aChat(1);
      const actions = ['restore', `messages/${chat.pairs[0]}/regenerate`];
      for (const action of actions) {
        const path = `/api/v1/chats/${chat.id}/${action}`;
        expect((await ann.request('POST', path, { raw: '' })).status).toBeLessThan(300);
      }
      const path = `/api/v1/chats/${chat.id}/messages`;
      expect((await ann.request('POST', path, { raw: '' })).body.errors[0].path).toBe('question');
    });

    it.each(['{', '[1,]', '{"name":}', "{'name':1}", 'nul', '{"name":"\u0001"}', '{"a":1}{'])(
      'broken JSON (%j) is a 400',
      async (raw) => {
        expect(await send(raw)).toMatchObject({ status: 400, body: { code: 'invalid_json' } });
      },
    );

    it('JSON that is no object is a 422', async () => {
      for (const raw of ['[]', '"x"', '1', 'true', 'null'])
        expect([raw, (await send(raw)).status]).toEqual([raw, 422]);
    });

    it('JSON without end is a 422, with an Idempotency-Key too', async () => {
      const raw = `{"name":${'['.repeat(100_000)}${']'.repeat(100_000)}}`;
      for (const headers of [{}, { 'idempotency-key': 'deep' }])
        expect((await send(raw, headers as Record<string, string>)).status).toBe(422);
    });

    it('bytes that are no UTF-8 are a 400', async () => {
      expect(
        (
          await send(
            Buffer.from([0x7b, 0x22, 0x6e, 0x61, 0x6d, 0x65, 0x22, 0x3a, 0x22, 0xff, 0x22, 0x7d]),
          )
        ).status,
      ).toBe(400);
    });

    it('a URL that cannot be decoded is a 400 problem, a DELETE with a media type and no body is well', async () => {
      expect(await ann.get('/%zz')).toMatchObject({
        status: 400,
        body: { code: 'invalid_request' },
      });
      const { id } = await ann.aChat();
      expect(
        (await ann.delete(`/chats/${id}`, { 'content-type': 'application/json' })).status,
      ).toBe(204);
    });

    it('another media type is a 415', async () => {
      for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'application/xml']) {
        expect([type, (await send('name=x', { 'content-type': type })).status]).toEqual([
          type,
          415,
        ]);
      }
    });

    it('a route that does not exist is a 404, a method that a route does not know a 405 with those it does', async () => {
      expect(await ann.get('/nothing')).toMatchObject({
        status: 404,
        body: { code: 'route_not_found' },
      });
      const answer = await ann.put('/chats', {});
      expect(answer).toMatchObject({ status: 405, body: { code: 'method_not_allowed' } });
      expect(answer.headers.get('allow')!.split(', ').sort()).toEqual(['GET', 'HEAD', 'POST']);
      expect((await ann.delete(`/chats/${chat.id}/messages`)).status).toBe(405);
    });

    it('a malformed Idempotency-Key is a 400, and no other one, as the document says it', async () => {
      const { pattern, maxLength } = operations
        .flatMap(({ parameters }) => parameters)
        .find(({ name }) => name === 'Idempotency-Key')!.schema;
      for (const key of [
        'x'.repeat(256),
        '',
        'ä',
        'a\tb',
        'x'.repeat(255),
        '""',
        '"',
        'two words',
        '~',
      ])
        expect([key, (await ann.post('/chats', {}, { 'idempotency-key': key })).body.code]).toEqual(
          [
            key,
            key.length <= maxLength! && new RegExp(pattern!).test(key)
              ? undefined
              : 'invalid_idempotency_key',
          ],
        );
    });

    it('a hostile request id is replaced, a plain one kept', async () => {
      expect(
        (await ann.get('/chats', { 'x-request-id': 'mine-1' })).headers.get('x-request-id'),
      ).toBe('mine-1');
      expect(
        (await ann.get('/chats', { 'x-request-id': 'a b"<script>' })).headers.get('x-request-id'),
      ).toMatch(/^[0-9a-f-]{36}$/);
    });
  });

  it('of good will is kept byte for byte', async () => {
    const texts = [
      '🧵👩‍👩‍👧',
      'e\u0301 é',
      '\u202eright to left',
      '{"$gt":""}',
      '$where',
      "'; DROP TABLE chats; --",
      '<script>alert(1)</script>',
      '  spaces kept  ',
      'tab\tnewline\r\n',
      '__proto__',
      '\u2028x\u2029',
      '\\u0000 escaped',
      '%00',
      '\u{10ffff}',
    ];
    const { id } = await ann.aChat();
    for (const text of texts) await ann.append(id, text, `${text}!`);
    const { body } = await ann.get(`/chats/${id}/messages`);
    expect(body.qa_pairs.map((pair: any) => [pair.question, pair.response])).toEqual(
      texts.map((text) => [text, `${text}!`]),
    );
    const code = {
      question: '\tif (x)\n\n',
      response: '```',
      message_type: 'code',
      metadata: { language: 'c', filename: 'x.c' },
    };
    const link = {
      question: 'see',
      response: null,
      message_type: 'link',
      metadata: { url: 'https://example.org/a?b#c', title: 'A' },
    };
    const free = {
      question: 'x',
      response: 'y',
      metadata: { n: 1e21, m: -0.1, list: [1, 'two', null, { three: true }], ключ: 'ok', 1: 'one' },
    };
    for (const body of [code, link, free]) {
      const answer = await ann.post(`/chats/${id}/messages`, body);
      expect(answer).toMatchObject({ status: 201, body });
      expect(
        (await ann.get(`/chats/${id}/messages/${answer.body.response_id}`)).body,
      ).toMatchObject(body);
    }
  });
});
