import { once } from 'node:events';
import { connect } from 'node:net';
import WebSocket from 'ws';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { startTestApp, type TestApp } from '../support/app.js';
import { TestClient } from '../support/client.js';
import { TestSocket } from './realtime-client.js';
import { until } from '../support/machine-clock.js';

let server: TestApp;
beforeAll(async () => {
  server = await startTestApp('postgres', {
    RATE_LIMIT_STRANGERS_PER_MINUTE: '40',
    RATE_LIMIT_PER_MINUTE: '30',
  });
});
afterAll(() => server.close());

/**
 * What is answered to headers that promise 8 MB of which nothing follows, and whether the
 * connection ends then.
 */
async function answerToHeaders(
  path: string,
  token?: string,
): Promise<{ status: string; ended: boolean }> {
  const { hostname, port } = new URL(server.url);
  const socket = connect(Number(port), hostname).on('error', () => undefined);
  const auth = token ? [`Authorization: Bearer ${token}`] : [];
  const lines = [
    `POST ${path} HTTP/1.1`,
    `Host: ${hostname}`,
    'Content-Type: application/json',
    `Content-Length: ${8_000_000}`,
    ...auth,
  ];
  socket.write(`${lines.join('\r\n')}\r\n\r\n{"model":`);
  const [answer] = (await once(socket, 'data')) as [Buffer];
  await once(socket.resume(), 'close');
  return { status: answer.toString('latin1').split(' ', 2)[1]!, ended: true };
}

describe('a request is refused by its headers, before its body is read', () => {
  it('without a good token (S3), on whatever route', async () => {
    for (const path of ['/v1/chat/completions', '/api/chat', '/api/v1/chats', '/v1/responses'])
      expect([path, await answerToHeaders(path)]).toEqual([path, { status: '401', ended: true }]);
    expect((await answerToHeaders('/api/v1/chats', 'forged')).status).toBe('401');
  });

  it('of an account that has asked too often', async () => {
    const bob = await TestClient.register(server.url);
    const statuses = [];
    for (let n = 0; n < 31; n++) statuses.push((await bob.get('/auth/me')).status);
    expect(new Set(statuses)).toEqual(new Set([200, 429]));
    expect((await answerToHeaders('/api/v1/chats', bob.token!)).status).toBe('429');
  });

  it('with a Content-Encoding that is not known (R4)', async () => {
    const ann = await TestClient.register(server.url);
    const send = (coding: string) =>
      ann.post('/chats', { name: 'x' }, { 'content-encoding': coding });
    for (const coding of ['nonsense', 'gzip', 'identity, gzip']) {
      const { status, headers, body } = await send(coding);
      expect([coding, status, body.code, headers.get('accept-encoding')]).toEqual([
        coding,
        415,
        'unsupported_media_type',
        'identity',
      ]);
    }
    expect((await send('identity')).status).toBe(201);
  });
});

describe('strangers are counted by address', () => {
  it('on every route with a guard, and only they are refused', async () => {
    const ann = await TestClient.register(server.url);
    const stranger = new TestClient(server.url, 'forged');
    const statuses: number[] = [];
    for (let n = 0; n <= 40; n++)
      statuses.push(
        (await stranger.request('POST', n % 2 ? '/v1/responses' : '/api/v1/chats', { body: {} }))
          .status,
      );
    expect(new Set(statuses)).toEqual(new Set([401, 429]));
    const refused = await stranger.get('/chats');
    expect([refused.status, refused.body.code, refused.headers.get('ratelimit-policy')]).toEqual([
      429,
      'rate_limited',
      '"strangers";q=40;w=60',
    ]);
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);
    expect((await ann.get('/chats')).status).toBe(200);
    for (const path of ['/livez', '/readyz', '/version', '/openapi.json', '/docs/errors'])
      expect([path, (await stranger.request('GET', path)).status]).toEqual([path, 200]);
    expect((await stranger.request('GET', '/nowhere')).status).toBe(404);
    expect((await stranger.request('DELETE', '/api/v1/chats')).status).toBe(405);
  });

  it('at both sockets too', async () => {
    const few = await startTestApp('postgres', { RATE_LIMIT_STRANGERS_PER_MINUTE: '3' });
    const headers = { authorization: 'Bearer forged' };
    const statusOf = (path: string) =>
      new Promise<number>((resolve) => {
        const socket = new WebSocket(few.url.replace('http', 'ws') + path, { headers });
        socket
          .on('unexpected-response', (_request, { statusCode }) => resolve(statusCode!))
          .on('error', () => undefined);
        socket.on('open', () => resolve(101));
      });
    try {
      const statuses = [];
      for (let n = 0; n < 4; n++) statuses.push(await statusOf('/v1/chat/sessions/x/ws'));
      expect(statuses).toEqual([401, 401, 401, 429]);
      const socket = await TestSocket.open(few.url, headers);
      await until(() => socket.closed?.code === 4401);
      await until(async () => (await statusOf('/api/v1/ws')) === 429);
    } finally {
      await few.close();
    }
  });
});
