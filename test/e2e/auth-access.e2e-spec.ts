import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { PUBLIC_ROUTES } from '../../src/modules/auth/public-routes.js';
import { createDatabase, startTestApp, type TestApp } from '../support/app.js';
import { TestClient } from '../support/client.js';
import {
  AuthTester,
  anEmail,
  expectProblem,
  expectRefused,
  INSTANT,
  laterAt,
  PASSWORD,
  sameForAll,
  UUID,
} from './auth-tester.js';

let server: TestApp;
let tester: AuthTester;

beforeAll(async () => {
  server = await startTestApp();
  tester = new AuthTester(server.url);
});
afterAll(() => server.close());

const withToken = (token: string) => new TestClient(server.url, token);
const somebody = () => tester.somebody();

describe('API keys', () => {
  it('a key is shown once, works as a bearer token, is listed without its secret, and ends with its deletion', async () => {
    const { access_token, account } = await somebody();
    const mine = withToken(access_token);
    const {
      status,
      body: key,
      headers,
    } = await mine.post('/auth/api-keys', {
      name: ' nightly import ',
      expires_at: '2999-01-31T01:00:00+01:00',
    });

    expect(status).toBe(201);
    expect(headers.get('cache-control')).toBe('no-store');
    expect(key).toEqual({
      api_key_id: expect.stringMatching(UUID),
      name: 'nightly import',
      api_key: expect.stringMatching(/^bak_[\w-]{22}_[\w-]{43}$/),
      created_at: expect.stringMatching(INSTANT),
      expires_at: '2999-01-31T00:00:00.000Z',
    });
    const program = withToken(key.api_key);
    expect((await program.get('/auth/me')).body).toEqual(account);
    const { api_key: _secret, ...listed } = key;
    expect((await program.get('/auth/api-keys')).body).toEqual({ items: [listed] });

    expect((await mine.delete(`/auth/api-keys/${key.api_key_id}`)).status).toBe(204);
    expectRefused(await program.get('/auth/me'));
    expect((await mine.get('/auth/api-keys')).body).toEqual({ items: [] });
    expectProblem(await mine.delete(`/auth/api-keys/${key.api_key_id}`), 404, 'api_key_not_found');
  });

  it('a key outlives the sign-in that made it', async () => {
    const { access_token, refresh_token } = await somebody();
    const { body: key } = await withToken(access_token).post('/auth/api-keys', { name: 'k' });
    await withToken(access_token).post('/auth/logout', { refresh_token });
    expect((await withToken(key.api_key).get('/auth/me')).status).toBe(200);
  });

  it('a key with an end is refused from then on, also where it was used a moment before', async () => {
    const { access_token } = await somebody();
    const expires_at = new Date(Date.now() + 60_000).toISOString();
    const { body: key } = await withToken(access_token).post('/auth/api-keys', {
      name: 'k',
      expires_at,
    });
    expect((await withToken(key.api_key).get('/auth/me')).status).toBe(200);
    await laterAt(server, 60, async () =>
      expectRefused(await withToken(key.api_key).get('/auth/me')),
    );
  });

  it(`a stranger's key and one that does not exist give the same 404`, async () => {
    const [mine, theirs] = [await somebody(), await somebody()];
    const { body: key } = await withToken(theirs.access_token).post('/auth/api-keys', {
      name: 'k',
    });
    const foreign = await withToken(mine.access_token).delete(`/auth/api-keys/${key.api_key_id}`);
    const missing = await withToken(mine.access_token).delete(`/auth/api-keys/${randomUUID()}`);
    expectProblem(foreign, 404, 'api_key_not_found');
    expect(sameForAll(missing)).toEqual(sameForAll(foreign));
    expect((await withToken(key.api_key).get('/auth/me')).status).toBe(200);
  });

  it('an account has at most a hundred', async () => {
    const { access_token } = await somebody();
    const mine = withToken(access_token);
    for (let n = 0; n < 100; n++)
      expect((await mine.post('/auth/api-keys', { name: `k${n}` })).status).toBe(201);
    expectProblem(
      await mine.post('/auth/api-keys', { name: 'one more' }),
      422,
      'validation_failed',
    );
    expect((await mine.get('/auth/api-keys')).body.items).toHaveLength(100);
  });

  it.each([
    ['nothing', {}],
    ['a blank name', { name: ' ' }],
    ['a name of 101 characters', { name: 'x'.repeat(101) }],
    ['a name as an operator', { name: { $gt: '' } }],
    ['an end in the past', { name: 'k', expires_at: '2020-01-01T00:00:00Z' }],
    ['an end without an offset', { name: 'k', expires_at: '2999-01-01T00:00:00' }],
    ['an end that is no time', { name: 'k', expires_at: '2999-13-01T00:00:00Z' }],
    ['an end as a number', { name: 'k', expires_at: 32472144000 }],
    ['an unknown field', { name: 'k', scopes: ['all'] }],
  ])('refuses %s with 422', async (_what, body) => {
    const { access_token } = await somebody();
    expectProblem(
      await withToken(access_token).post('/auth/api-keys', body),
      422,
      'validation_failed',
    );
  });

  it('a malformed id is a 422, whatever the account', async () => {
    const { access_token } = await somebody();
    expectProblem(
      await withToken(access_token).delete('/auth/api-keys/17'),
      422,
      'validation_failed',
    );
  });
});

describe('rate limits', () => {
  it('count by account behind the guard, by address before it, and say so in the headers', async () => {
    const limited = await startTestApp('postgres', {
      RATE_LIMIT_PER_MINUTE: '3',
      RATE_LIMIT_AUTH_PER_MINUTE: '2',
    });
    try {
      const stranger = new TestClient(limited.url);
      const { body, headers } = await stranger.post('/auth/register', {
        email: anEmail(),
        password: PASSWORD,
      });
      expect(headers.get('ratelimit-policy')).toBe('"auth";q=2;w=60');
      expect(headers.get('ratelimit')).toMatch(/^"auth";r=1;t=(59|60)$/);
      await stranger.post('/auth/login', { email: anEmail(), password: PASSWORD });
      const refused = await stranger.post('/auth/login', { email: anEmail(), password: PASSWORD });
      expectProblem(refused, 429, 'rate_limited');
      expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);
      expect(refused.headers.get('ratelimit')).toMatch(/^"auth";r=0;t=\d+$/);

      const mine = new TestClient(limited.url, body.access_token);
      const answers = [
        await mine.get('/auth/me'),
        await mine.get('/auth/me'),
        await mine.get('/auth/me'),
        await mine.get('/auth/me'),
      ];
      expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 429]);
      expect(answers[0]?.headers.get('ratelimit-policy')).toBe('"default";q=3;w=60');
      expect(answers[0]?.headers.get('ratelimit')).toMatch(/^"default";r=2;t=(59|60)$/);
    } finally {
      await limited.close();
    }
  });

  it('an X-Forwarded-For of a stranger does not lift the limit', async () => {
    const limited = await startTestApp('postgres', { RATE_LIMIT_AUTH_PER_MINUTE: '1' });
    try {
      const stranger = new TestClient(limited.url);
      const login = (from: string) =>
        stranger.post(
          '/auth/login',
          { email: anEmail(), password: PASSWORD },
          { 'x-forwarded-for': from },
        );
      expect((await login('203.0.113.1')).status).toBe(401);
      expect((await login('203.0.113.2')).status).toBe(429);
    } finally {
      await limited.close();
    }
  });

  it('0 is off: no refusal, no headers', async () => {
    const { headers } = await tester.post('login', { email: anEmail(), password: PASSWORD });
    expect(headers.get('ratelimit')).toBeNull();
  });
});

describe('while PostgreSQL is away', () => {
  /** A way to PostgreSQL that can be cut; answers the address of the database by this way. */
  async function aWayTo(databaseUrl: string): Promise<{ url: string; cut: () => void }> {
    const target = new URL(databaseUrl);
    const socketFolder = target.searchParams.get('host');
    const port = Number(target.port || 5432);
    const ends = new Set<Socket>();
    const proxy = createServer((near) => {
      const far = socketFolder
        ? connect(`${socketFolder}/.s.PGSQL.${port}`)
        : connect(port, target.hostname);
      for (const end of [near, far]) ends.add(end.on('error', () => {}));
      near.pipe(far).pipe(near);
    }).listen(0, '127.0.0.1');
    await once(proxy, 'listening');
    target.searchParams.delete('host');
    target.host = `127.0.0.1:${(proxy.address() as AddressInfo).port}`;
    const cut = () => (proxy.close(), ends.forEach((end) => end.destroy()));
    return { url: target.href, cut };
  }

  it('nobody is refused for it: a token seen a moment ago passes, any other is told to come again', async () => {
    const { url, cut } = await aWayTo(await createDatabase());
    const cutOff = await startTestApp('postgres', {}, url);
    try {
      const { access_token, refresh_token } = await new AuthTester(cutOff.url).somebody();
      const mine = new TestClient(cutOff.url, access_token);
      expect((await mine.get('/auth/me')).status).toBe(200);

      cut();

      const answers = [
        await new TestClient(cutOff.url).post('/auth/login', {
          email: anEmail(),
          password: PASSWORD,
        }),
      ];
      await laterAt(cutOff, 10, async () => void answers.push(await mine.get('/auth/me')));
      for (const answer of answers) {
        expect(answer.status).toBe(503);
        expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0);
      }
      expect(
        (await new TestClient(cutOff.url).post('/auth/refresh', { refresh_token })).status,
      ).toBe(503);
      expectRefused(await new TestClient(cutOff.url, 'nonsense').get('/auth/me'));
    } finally {
      await cutOff.close();
    }
  });
});

describe('public routes', () => {
  /**
   * `METHOD /path` of every route, read from the tree that Fastify prints: four columns for each
   * level.
   */
  function routesOf(tree: string): string[] {
    const above: string[] = [];
    return tree.split('\n').flatMap((line) => {
      const [, indent = '', part, methods = ''] =
        /^((?:.{4})*?)(?:├──|└──) (\S+)(?: \((.+)\))?$/.exec(line) ?? [];
      if (part === undefined) return [];
      const depth = indent.length / 4;
      above.splice(depth, Infinity, part);
      return methods
        .split(', ')
        .filter(Boolean)
        .map((method) => `${method} ${above.join('')}`);
    });
  }

  /** The pages of Swagger UI count as one. */
  const named = (route: string) => route.replace(/ \/docs.*$/, ' /docs');

  it('are exactly those of the list; every other route refuses whoever brings no token', async () => {
    const routes = routesOf(
      server.app.getHttpAdapter().getInstance().printRoutes({ commonPrefix: false }),
    );
    const open = new Set<string>();
    for (const route of routes.filter((one) => !/^(HEAD|OPTIONS|TRACE) /.test(one))) {
      const [method = '', path = ''] = route.split(' ');
      const { status } = await new TestClient(server.url).request(
        method,
        path.replace(/:\w+/g, randomUUID()).replace('*', 'x'),
      );
      if (status !== 401 && status !== 405) open.add(named(route));
    }
    expect(routes).toContain('GET /api/v1/chats/:chat_id/messages');
    expect([...open].sort()).toEqual([...PUBLIC_ROUTES].sort());
  });
});
