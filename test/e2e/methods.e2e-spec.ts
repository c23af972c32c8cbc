import { once } from 'node:events';
import { type IncomingMessage, request } from 'node:http';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { startTestApp, type TestApp } from '../support/app.js';
import { TestClient } from '../support/client.js';
import { type SharedServer, sharedServer } from '../support/shared-server.js';

const FRIEND = 'https://friend.example';
const PREFLIGHT = {
  origin: FRIEND,
  'access-control-request-method': 'PATCH',
  'access-control-request-headers': 'authorization',
};

let server: SharedServer;
/** The same database, for pages of another origin too. */
let open: TestApp;

beforeAll(async () => {
  server = await sharedServer();
  open = await startTestApp('postgres', { CORS_ORIGINS: FRIEND }, server.databaseUrl);
});
afterAll(() => Promise.all([server.close(), open.close()]));

/** `fetch` sends no TRACE. */
async function answerOf(
  method: string,
  url: string,
  headers: Record<string, string> = {},
): Promise<IncomingMessage> {
  const asking = request(url, { method, headers, agent: false }).end();
  const [answer] = (await once(asking, 'response')) as [IncomingMessage];
  answer.resume();
  return answer;
}

describe.each([
  ['for our pages alone', () => server.url],
  ['for pages of other origins too', () => open.url],
])('a method that a path does not know, %s', (_who, url) => {
  it.each([
    ['OPTIONS', '/api/v1/chats', ['GET', 'HEAD', 'POST']],
    ['TRACE', '/api/v1/chats', ['GET', 'HEAD', 'POST']],
    ['TRACE', '/livez', ['GET', 'HEAD']],
    ['HEAD', '/api/v1/auth/login', ['POST']],
    ['OPTIONS', '/v1/chat/completions', ['POST']],
  ])('(%s %s) is a 405 that names those it does', async (method, path, known) => {
    const { statusCode, headers } = await answerOf(method, url() + path);
    expect([statusCode, headers.allow?.split(', ').sort()]).toEqual([405, known]);
  });

  it.each(['OPTIONS', 'TRACE'])('(%s) on a path that does not exist is a 404', async (method) => {
    expect((await answerOf(method, `${url()}/api/v1/nothing`)).statusCode).toBe(404);
  });
});

describe('a preflight', () => {
  it('of a page that may call is answered, on every path', async () => {
    const { statusCode, headers } = await answerOf(
      'OPTIONS',
      `${open.url}/api/v1/chats`,
      PREFLIGHT,
    );
    expect([statusCode, headers]).toEqual([
      204,
      expect.objectContaining({
        'access-control-allow-origin': FRIEND,
        'access-control-allow-headers': 'authorization',
      }),
    ]);
    expect(headers['access-control-allow-methods']).toContain('PATCH');
  });

  it('of any other page allows nothing', async () => {
    const stranger = await answerOf('OPTIONS', `${open.url}/api/v1/chats`, {
      ...PREFLIGHT,
      origin: 'https://evil.example',
    });
    const closed = await answerOf('OPTIONS', `${server.url}/api/v1/chats`, PREFLIGHT);
    expect(stranger.headers['access-control-allow-origin']).toBeUndefined();
    expect([closed.statusCode, closed.headers['access-control-allow-origin']]).toEqual([
      405,
      undefined,
    ]);
  });

  it('goes before an answer that the page may then read', async () => {
    const ann = await TestClient.register(open.url);
    const { status, headers } = await ann.get('/chats', { origin: FRIEND });
    expect([status, headers.get('access-control-allow-origin')]).toEqual([200, FRIEND]);
    expect(headers.get('access-control-expose-headers')).toContain('etag');
    // What a browser keeps of it is not for another page, nor for another person.
    const chat = await ann.get(`/chats/${(await ann.aChat(1)).id}`, { origin: FRIEND });
    expect(chat.headers.get('vary')).toBe('Origin, authorization');
  });

  it.each([
    'http://localhost:5173',
    'https://127.0.0.1',
    'http://[::1]:8080',
    'http://chat.localhost:3001',
  ])('(U4) of a page of this machine (%s) is answered where nothing is set', async (origin) => {
    const { statusCode, headers } = await answerOf('OPTIONS', `${server.url}/api/chat`, {
      ...PREFLIGHT,
      origin,
    });
    expect([statusCode, headers['access-control-allow-origin']]).toEqual([204, origin]);
    const elsewhere = await answerOf('OPTIONS', `${open.url}/api/chat`, { ...PREFLIGHT, origin });
    expect([elsewhere.statusCode, elsewhere.headers['access-control-allow-origin']]).toEqual([
      405,
      undefined,
    ]);
  });

  it.each([
    'http://localhost.evil.example',
    'http://127.0.0.1.evil.example:80',
    'http://evil-localhost',
    'null',
  ])('of a page that only looks as if it were of this machine (%s) is not', async (origin) => {
    const { statusCode, headers } = await answerOf('OPTIONS', `${server.url}/api/chat`, {
      ...PREFLIGHT,
      origin,
    });
    expect([statusCode, headers['access-control-allow-origin']]).toEqual([405, undefined]);
  });
});
