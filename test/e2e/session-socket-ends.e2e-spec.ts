import { randomUUID } from 'node:crypto';
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { startTestApp, type TestApp } from '../support/app.js';
import { TestClient } from '../support/client.js';
import {
  clear,
  errorsOf,
  path,
  read,
  refusalOf,
  say,
  SessionSocket,
  tryUpgrade,
} from './session-tester.js';
import { stopwatch, undisturbed, until } from '../support/machine-clock.js';

describe('sockets of chat sessions, in memory', () => {
  let server: TestApp;
  /** The same database, with short tokens and few connections. */
  let strict: TestApp;
  beforeAll(async () => {
    server = await startTestApp();
    const settings = { ACCESS_TOKEN_TTL_SECONDS: '2', SOCKETS_PER_ACCOUNT: '3' };
    strict = await startTestApp('postgres', settings, server.databaseUrl);
  });
  afterAll(() => Promise.all([server.close(), strict.close()]));

  it('the socket is closed with 4401 when its token ends, and at the end of its sign-in', () =>
    // A machine that stands still for the two seconds lets nobody in.
    undisturbed(async () => {
      const ann = await TestClient.register(strict.url);
      const socket = await SessionSocket.open(ann, 's');
      expect((await socket.closing()).code).toBe(4401);
    }));

  it('an account has only so many sockets, and a closed one makes room', async () => {
    const ann = (await TestClient.register(server.url)).at(strict.url);
    const [first] = await Promise.all([1, 2, 3].map(() => SessionSocket.open(ann, 's')));
    const refused = await refusalOf(strict.url, path('s'), {
      headers: { authorization: `Bearer ${ann.token}` },
    });
    expect([refused.status, refused.body.code, refused.headers['retry-after']]).toEqual([
      429,
      'rate_limited',
      '30',
    ]);
    await first!.close();
    await until(
      async () =>
        (await tryUpgrade(strict.url, path('s'), {
          headers: { authorization: `Bearer ${ann.token}` },
        })) instanceof SessionSocket,
    );
  });

  it('a post by a token whose sign-in has ended is not stored, and closes the socket with 4401', async () => {
    const { body } = await new TestClient(server.url).request('POST', '/api/v1/auth/register', {
      body: { email: `${randomUUID()}@example.org`, password: 'a password of tests' },
    });
    const ann = new TestClient(server.url, body.access_token);
    const socket = await SessionSocket.open(ann, 's');
    expect((await ann.post('/auth/logout', { refresh_token: body.refresh_token })).status).toBe(
      204,
    );
    socket.send({ role: 'user', content: 'too late' });
    expect((await socket.closing()).code).toBe(4401);
    const { body: renewed } = await new TestClient(server.url).request(
      'POST',
      '/api/v1/auth/login',
      {
        body: { email: body.account.email, password: 'a password of tests' },
      },
    );
    expect(
      (await read(new TestClient(server.url, renewed.access_token), 's')).body.messages,
    ).toEqual([]);
  });

  it('sockets, and posts by them, count like requests', async () => {
    const limited = await startTestApp(
      'postgres',
      { RATE_LIMIT_PER_MINUTE: '4' },
      server.databaseUrl,
    );
    const ann = await TestClient.register(limited.url);
    const socket = await SessionSocket.open(ann, 's');
    for (let n = 0; n < 5; n++) socket.send({ role: 'user', content: `m${n}` });
    expect(await errorsOf(socket, 2)).toEqual(['rate_limited', 'rate_limited']);
    expect(socket.events('message.created')).toHaveLength(3);
    const refused = await refusalOf(limited.url, path('s'), {
      headers: { authorization: `Bearer ${ann.token}` },
    });
    expect([refused.status, refused.body.code, Number(refused.headers['retry-after']) > 0]).toEqual(
      [429, 'rate_limited', true],
    );
    await limited.close();
  });

  it('a socket on which nothing happens is closed with 4401 when its sign-in ends, and when its API key is deleted', async () => {
    const { body: signIn } = await new TestClient(server.url).request(
      'POST',
      '/api/v1/auth/register',
      {
        body: { email: `${randomUUID()}@example.org`, password: 'a password of tests' },
      },
    );
    const ann = new TestClient(server.url, signIn.access_token);
    const { body: key } = await ann.post('/auth/api-keys', { name: 'socket' });
    const [bySignIn, byKey] = [
      await SessionSocket.open(ann, 's'),
      await SessionSocket.open(new TestClient(server.url, key.api_key), 's'),
    ];
    await ann.delete(`/auth/api-keys/${key.api_key_id}`);
    expect((await byKey.closing(15_000)).code).toBe(4401);
    expect(bySignIn.closed).toBeNull();
    await ann.post('/auth/logout', { refresh_token: signIn.refresh_token });
    expect((await bySignIn.closing(15_000)).code).toBe(4401);
  });

  it('a socket that never reads the whole session is cut off, and holds it no longer', async () => {
    // The clock of the looks at the sockets is the test's.
    jest.useFakeTimers({
      doNotFake: [
        'Date',
        'hrtime',
        'nextTick',
        'queueMicrotask',
        'setImmediate',
        'clearImmediate',
        'setTimeout',
        'clearTimeout',
      ],
    });
    const watched = await startTestApp('postgres', {}, server.databaseUrl);
    const ann = await TestClient.register(watched.url);
    // More than the buffers of both ends of a connection, whatever the system.
    for (let n = 0; n < 64; n++) await say(ann, 's', 'x'.repeat(120 * 1024));
    const quick = await SessionSocket.open(ann, 's');
    await quick.heard(1);
    const silent = connect(Number(new URL(watched.url).port), '127.0.0.1');
    silent.pause();
    const handshake = [
      `GET ${path('s')} HTTP/1.1`,
      'host: x',
      'connection: upgrade',
      'upgrade: websocket',
      'sec-websocket-version: 13',
    ];
    silent.write(
      [
        ...handshake,
        `sec-websocket-key: ${btoa('0123456789abcdef')}`,
        `authorization: Bearer ${ann.token}`,
        '',
        '',
      ].join('\r\n'),
    );
    const open = () =>
      promisify(watched.app.getHttpServer().getConnections.bind(watched.app.getHttpServer()))();
    // Those that the posts used are idle, and end by themselves.
    watched.app.getHttpServer().closeIdleConnections();
    await until(async () => (await open()) === 2, 'the handshake');
    // Pings would find it at the tenth look.
    for (let looks = 0; looks < 8; looks++) {
      jest.advanceTimersByTime(5000);
      await sleep(50);
    }
    jest.useRealTimers();
    await until(async () => (await open()) === 1, 'the end of the connection');
    expect(quick.closed).toBeNull();
    silent.destroy();
    await watched.close();
  });

  const readsNothing = async (): Promise<void> => {
    const ann = await TestClient.register(server.url);
    const slow = await SessionSocket.open(ann, 's');
    const quick = await SessionSocket.open(ann, 's');
    await slow.heard(1);
    slow.socket.pause();
    // More than the buffers of both ends of a connection and the bound together, whatever the
    // system.
    for (let round = 1; round <= 3; round++) {
      for (let n = 0; n < 130; n++) quick.send({ role: 'user', content: 'x'.repeat(60 * 1024) });
      await quick.until(() => quick.events('message.created').length === round * 130);
      await clear(ann, 's');
    }
    // Longer than a reader may take to make room.
    await sleep(2500);
    slow.socket.resume();
    expect((await slow.closing()).code).toBe(1013);
    expect(quick.closed).toBeNull();
  };
  // Whoever reads again in time hears why it was closed; some seconds later the connection is gone.
  it('a reader who does not read is closed with 1013, and others hear on', () =>
    undisturbed(readsNothing));

  it('sockets are closed with 1012 when the server stops, and it does not wait for them', async () => {
    const stopping = await startTestApp('postgres', {}, server.databaseUrl);
    const ann = await TestClient.register(stopping.url);
    const sockets = await Promise.all([1, 2, 3].map(() => SessionSocket.open(ann, 's')));
    const silent = await SessionSocket.open(ann, 's');
    silent.socket.pause();
    const ran = stopwatch();
    await stopping.close();
    expect(ran()).toBeLessThan(4000);
    for (const socket of sockets) expect((await socket.closing()).code).toBe(1012);
    silent.socket.terminate();
  });
});
