import { once } from 'node:events';
import { connect } from 'node:net';
import { METHODS } from 'node:http';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { TestClient } from '../support/client.js';
import { type SharedServer, sharedServer } from '../support/shared-server.js';

let server: SharedServer;
beforeAll(async () => {
  server = await sharedServer();
});
afterAll(() => server.close());

interface WireAnswer {
  status: number;
  headers: Record<string, string>;
  body: Record<string, unknown>;
}

/**
 * Sends bytes, and reads one answer until the server ends the connection or its length is there.
 */
async function answerTo(bytes: string): Promise<WireAnswer> {
  const { hostname, port } = new URL(server.url);
  const socket = connect(Number(port), hostname);
  socket.on('error', () => undefined);
  let text = '';
  socket.on('data', (chunk: Buffer) => (text += chunk.toString()));
  socket.end(bytes);
  await once(socket, 'close');
  const [head = '', body = ''] = text.split('\r\n\r\n');
  const [line = '', ...lines] = head.split('\r\n');
  const headers = Object.fromEntries(
    lines.map((one) => [one.split(':')[0]!.toLowerCase(), one.slice(one.indexOf(':') + 1).trim()]),
  );
  return { status: Number(line.split(' ')[1]), headers, body: body ? JSON.parse(body) : {} };
}

const asking = (method: string, path: string, lines: readonly string[] = ['Host: here']) =>
  answerTo([`${method} ${path} HTTP/1.1`, 'Connection: close', ...lines, '', ''].join('\r\n'));

function expectProblem(
  { status, headers, body }: WireAnswer,
  expected: number,
  code: string,
): void {
  expect([status, headers['content-type'], body]).toEqual([
    expected,
    'application/problem+json',
    expect.objectContaining({
      type: `/docs/errors#${code}`,
      status: expected,
      code,
      request_id: headers['x-request-id'],
    }),
  ]);
}

describe('a request that cannot be read (S11)', () => {
  it.each([
    [
      'headers of 20 KiB',
      431,
      'headers_too_large',
      `GET /livez HTTP/1.1\r\nHost: here\r\nX: ${'x'.repeat(20_000)}\r\n\r\n`,
    ],
    [
      'a path of 20 KiB',
      431,
      'headers_too_large',
      `GET /${'x'.repeat(20_000)} HTTP/1.1\r\nHost: here\r\n\r\n`,
    ],
    ['a line that is none', 400, 'invalid_request', 'hello there\r\n\r\n'],
    ['a version that is none', 400, 'invalid_request', 'GET /livez HTTP/9.9\r\nHost: here\r\n\r\n'],
    [
      'a header without a colon',
      400,
      'invalid_request',
      'GET /livez HTTP/1.1\r\nHost: here\r\nnonsense\r\n\r\n',
    ],
    [
      'two lengths',
      400,
      'invalid_request',
      'POST /livez HTTP/1.1\r\nHost: here\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nx',
    ],
    [
      'a method that nobody knows',
      501,
      'method_unknown',
      'FROBNICATE /livez HTTP/1.1\r\nHost: here\r\n\r\n',
    ],
  ])('(%s) is told as a problem', async (_what, status, code, bytes) => {
    expectProblem(await answerTo(bytes), status, code);
  });
});

describe('the Host of a request (S11)', () => {
  const HANDSHAKE = [
    ...['Upgrade: websocket', 'Connection: Upgrade', 'Sec-WebSocket-Version: 13'],
    'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
  ];

  it.each([
    ['none', []],
    ['two', ['Host: here', 'Host: there']],
    ['the same twice', ['Host: here', 'host: here']],
    ['one with a path', ['Host: here/there']],
    ['one with a user', ['Host: me@here']],
  ])(
    '(%s) is a 400, by HTTP and by a handshake, on paths that there are and others',
    async (_what, lines) => {
      for (const path of ['/livez', '/api/v1/chats', '/nothing'])
        expectProblem(await asking('GET', path, lines), 400, 'invalid_request');
      expectProblem(
        await asking('GET', '/api/v1/ws', [...HANDSHAKE, ...lines]),
        400,
        'invalid_request',
      );
    },
  );

  it.each(['here', 'here:3000', '127.0.0.1:3000', '[::1]:3000', 'a_b.example', ''])(
    '(%j) is fine',
    async (host) => {
      expect((await asking('GET', '/livez', [`Host: ${host}`])).status).toBe(200);
    },
  );

  it('is not needed by HTTP/1.0', async () => {
    expect((await answerTo('GET /livez HTTP/1.0\r\n\r\n')).status).toBe(200);
  });
});

describe('a method that no route knows (S11)', () => {
  const known = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'TRACE'];
  const others = METHODS.filter((method) => !known.includes(method));

  it('is a 405 that names those of the path, and a 404 where there is none', async () => {
    expect(others).toEqual(expect.arrayContaining(['PROPFIND', 'QUERY']));
    for (const method of others) {
      const answer = await asking(method, '/api/v1/chats');
      expectProblem(answer, 405, 'method_not_allowed');
      expect([method, answer.headers.allow?.split(', ').sort()]).toEqual([
        method,
        ['GET', 'HEAD', 'POST'],
      ]);
      expectProblem(await asking(method, '/api/v1/nothing'), 404, 'route_not_found');
    }
  });

  it('also with a body', async () => {
    const lines = ['Host: here', 'Content-Type: application/json', 'Content-Length: 2', '', '{}'];
    const bytes = ['QUERY /api/v1/chats HTTP/1.1', 'Connection: close', ...lines].join('\r\n');
    expectProblem(await answerTo(bytes), 405, 'method_not_allowed');
  });

  it('an expectation that is not known is no reason to refuse', async () => {
    expect((await asking('GET', '/livez', ['Host: here', 'Expect: wonders'])).status).toBe(200);
  });
});

describe('a post to a chat that passes by Nest', () => {
  const UUID = /[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/g;
  const TIME = /\d{4}-\d\d-\d\dT[\d:.]+Z/g;
  const MS = /"first_token_ms\\":\d+/g;
  const ANOTHER = /^(date|content-length|x-request-id|ratelimit.*)$/;
  const said = { question: 'q', response: 'a' };
  const nowhere = '01890000-0000-7000-8000-000000000000';
  let ann: TestClient;
  beforeAll(async () => {
    ann = await TestClient.register(server.url);
  });

  interface Post {
    body?: unknown;
    raw?: string;
    headers?: Record<string, string>;
    query?: string;
    chat?: string;
    key?: boolean;
    by?: 'nobody';
  }

  /** What is answered, twice, and then read, but for what is another one each time. */
  async function answersTo({ query = '', chat, key, by, ...request }: Post): Promise<string> {
    const { id } = await ann.aChat(1);
    if (key) request.headers = { 'idempotency-key': id };
    const path = `/api/v1/chats/${chat ?? id}/messages`;
    const who = by ? new TestClient(server.url) : ann;
    const answers: unknown[] = [];
    for (let time = 1; time <= 2; time++) {
      const { status, headers, text } = await who.request('POST', path + query, request);
      answers.push([status, [...headers].filter(([name]) => !ANOTHER.test(name)), text]);
    }
    answers.push((await ann.get(`/chats/${id}/messages`)).text);
    const text = JSON.stringify(answers, null, 1);
    return text.replace(UUID, 'id').replace(TIME, 'time').replace(MS, 'ms');
  }

  it.each<[string, Post]>([
    ['a pair', { body: said }],
    ['all that a pair can have', { body: { ...said, author: 'ann', message_type: 'code' } }],
    ['digits', { raw: '{"question":"q","response":"a","metadata":{"a":1.10,"b":-0}}' }],
    ['parts', { body: { question_parts: [{ type: 'text', text: 'q' }], response: 'a' } }],
    ['a question that waits', { body: { question: 'q', response: null } }],
    ['a question to the model', { body: { question: 'q' } }],
    ['an answer alone', { body: { question: null, response: 'a' } }],
    ['a key', { body: said, key: true }],
    ['a key that is none', { body: said, headers: { 'idempotency-key': 'ä' } }],
    ['another last pair', { body: { ...said, parent_response_id: nowhere } }],
    ['an empty chat', { body: { ...said, parent_response_id: null, on_conflict: 'fork' } }],
    ['the active branch', { body: said, query: '?branch=active' }],
    ['another branch', { body: said, query: '?branch=x&y=1' }],
    ['a field that is wrong', { body: { ...said, author: 1, nobody: 2 } }],
    ['a text that no store keeps', { body: { question: 'a\u0000', response: 'a' } }],
    ['no words', { body: {} }],
    ['an unknown chat', { body: said, chat: nowhere }],
    ['a chat that is no id', { body: said, chat: 'x' }],
    ['nobody', { body: said, by: 'nobody' }],
    ['a page elsewhere', { body: said, headers: { origin: 'http://elsewhere.example' } }],
  ])('is answered as one that does not: %s', async (_what, post) => {
    // Whatever says `stream` goes the usual way.
    const usual: Post = post.raw
      ? { ...post, raw: post.raw.replace(/}$/, ',"stream":false}') }
      : { ...post, body: { ...(post.body as object), stream: false } };
    const [short, long] = [await answersTo(post), await answersTo(usual)];
    expect(short).toEqual(long);
  });
});
