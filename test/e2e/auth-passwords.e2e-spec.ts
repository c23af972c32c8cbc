import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { hash } from '@node-rs/argon2';
import { startTestApp, type TestApp, withClient } from '../support/app.js';
import { type Answer, TestClient } from '../support/client.js';
import { REDIS_SERVER, startRedisAt } from '../support/redis-child.js';
import { freePort } from '../support/stores.mjs';
import {
  AuthTester,
  anEmail,
  expectProblem,
  expectRefused,
  PASSWORD,
  sameForAll,
} from './auth-tester.js';
import { until } from '../support/machine-clock.js';

const NEXT = 'two large green kites';
/** "ä" as one code point, and as two. */
const [COMPOSED, DECOMPOSED] = [
  'Vier kleine Bäche'.normalize('NFC'),
  'Vier kleine Bäche'.normalize('NFD'),
];

let server: TestApp;
let tester: AuthTester;

beforeAll(async () => {
  server = await startTestApp();
  tester = new AuthTester(server.url);
});
afterAll(() => server.close());

const withToken = (token: string) => new TestClient(server.url, token);
const login = (email: string, password: string) => tester.post('login', { email, password });
const change = (token: string, current_password: unknown, new_password: unknown = NEXT) =>
  withToken(token).put('/auth/password', { current_password, new_password });

describe('a change of the password', () => {
  it('is 204: the new one signs in from then on, the old one does not', async () => {
    const { email, access_token } = await tester.somebody();
    const { status, text } = await change(access_token, PASSWORD);
    expect([status, text]).toEqual([204, '']);
    expectProblem(await login(email, PASSWORD), 401, 'invalid_credentials');
    expect((await login(email, NEXT)).status).toBe(200);
  });

  it('ends every other sign-in, access tokens included; this one and the API keys stay', async () => {
    const { email, access_token, refresh_token } = await tester.somebody();
    const others = [await login(email, PASSWORD), await login(email, PASSWORD)].map(
      ({ body }) => body,
    );
    const { body: key } = await withToken(access_token).post('/auth/api-keys', { name: 'k' });
    for (const { access_token: other } of others)
      expect((await withToken(other).get('/auth/me')).status).toBe(200);

    expect((await change(access_token, PASSWORD)).status).toBe(204);

    for (const other of others) {
      expectRefused(await withToken(other.access_token).get('/auth/me'));
      expectProblem(
        await tester.post('refresh', { refresh_token: other.refresh_token }),
        401,
        'invalid_refresh_token',
      );
    }
    for (const token of [access_token, key.api_key])
      expect((await withToken(token).get('/auth/me')).status).toBe(200);
    expect((await tester.post('refresh', { refresh_token })).status).toBe(200);
  });

  it('leaves nobody in who signs in with the old one beside it', async () => {
    for (let round = 0; round < 10; round++) {
      const { email, access_token } = await tester.somebody();
      const [changed, ...beside] = await Promise.all([
        change(access_token, PASSWORD),
        ...Array.from({ length: 4 }, () => login(email, PASSWORD)),
      ]);
      expect(changed.status).toBe(204);
      for (const { status, body } of beside) {
        expect([200, 401]).toContain(status);
        if (status === 200) expectRefused(await withToken(body.access_token).get('/auth/me'));
      }
    }
  });

  it('of ten at once one is made, and its sign-in stays', async () => {
    const { email, access_token } = await tester.somebody();
    const nexts = Array.from({ length: 10 }, (_, n) => `${NEXT} ${n}`);
    const answers = await Promise.all(nexts.map((next) => change(access_token, PASSWORD, next)));
    expect(answers.map(({ status }) => status).sort()).toEqual([
      204,
      ...Array<number>(9).fill(422),
    ]);
    expect(
      (await login(email, nexts[answers.findIndex(({ status }) => status === 204)]!)).status,
    ).toBe(200);
    expect((await withToken(access_token).get('/auth/me')).status).toBe(200);
  });

  it('with a wrong current password is a 422 that names the field, and changes nothing', async () => {
    const { email, access_token } = await tester.somebody();
    const { body: other } = await login(email, PASSWORD);
    const answer = await change(access_token, 'a wrong password');
    expectProblem(answer, 422, 'validation_failed');
    expect(answer.body.errors).toEqual([
      { path: 'current_password', message: 'is not the password of this account' },
    ]);
    expect((await withToken(other.access_token).get('/auth/me')).status).toBe(200);
    expect((await login(email, PASSWORD)).status).toBe(200);
  });

  it('is held to the rules of register', async () => {
    const strict = await startTestApp('postgres', { PASSWORD_BLOCKLIST: 'on' }, server.databaseUrl);
    try {
      const { email, access_token } = await new AuthTester(strict.url).somebody();
      const there = new TestClient(strict.url, access_token);
      for (const next of [
        '1234567',
        'x'.repeat(129),
        'password1',
        email,
        null,
        { $gt: '' },
        undefined,
      ]) {
        const body = { current_password: PASSWORD, new_password: next };
        const answer = await there.put('/auth/password', body);
        expectProblem(answer, 422, 'validation_failed');
        expect(answer.body.errors[0].path).toBe('new_password');
      }
    } finally {
      await strict.close();
    }
  });

  it('needs a sign-in with a password: an API key cannot make it', async () => {
    const { email, access_token } = await tester.somebody();
    const { body: key } = await withToken(access_token).post('/auth/api-keys', { name: 'k' });
    expectProblem(await change(key.api_key, PASSWORD), 403, 'password_sign_in_needed');
    expectRefused(await new TestClient(server.url).put('/auth/password', {}));
    expect((await login(email, PASSWORD)).status).toBe(200);
  });
});

describe('a password in another encoding of the same characters (S8)', () => {
  it('is the same password, both ways', async () => {
    for (const [set, sent] of [
      [COMPOSED, DECOMPOSED],
      [DECOMPOSED, COMPOSED],
      ['four small blue boats', 'four small\u00a0blue boats'],
    ] as const) {
      const { email } = await tester.somebody({ password: set });
      expect((await login(email, sent)).status).toBe(200);
    }
  });

  it('is counted in characters: 128 fit, however many code points they came in', async () => {
    // Three code points each where it is decomposed.
    const { email } = await tester.somebody({ password: 'ệ'.normalize('NFD').repeat(128) });
    expect((await login(email, 'ệ'.normalize('NFC').repeat(128))).status).toBe(200);
    const longer = { email: anEmail(), password: 'ệ'.normalize('NFD').repeat(129) };
    expectProblem(await tester.post('register', longer), 422, 'validation_failed');
  });

  it('opens an account whose hash is older than this rule', async () => {
    const { email, account } = await tester.somebody();
    const raw = await hash(DECOMPOSED);
    await withClient(server.databaseUrl, (client) =>
      client.query('UPDATE accounts SET password_hash = $2 WHERE account_id = $1', [
        account.account_id,
        raw,
      ]),
    );
    expect((await login(email, DECOMPOSED)).status).toBe(200);
  });
});

describe('guesses for one account from many addresses (S9)', () => {
  const OWNER = '203.0.113.7';
  const WRONG = 'a wrong password';
  const settings = { RATE_LIMIT_PASSWORD_PER_MINUTE: '10', TRUST_PROXY: '127.0.0.1' };
  let guarded: TestApp;

  beforeAll(async () => {
    guarded = await startTestApp('postgres', settings, server.databaseUrl);
  });
  afterAll(() => guarded.close());

  const from = (address: string, path: string, body: object, { url } = guarded): Promise<Answer> =>
    new TestClient(url).post(`/auth/${path}`, body, { 'x-forwarded-for': address });

  async function anOwner(): Promise<string> {
    const email = anEmail();
    expect((await from(OWNER, 'register', { email, password: PASSWORD })).status).toBe(201);
    return email;
  }
  const guess = (email: string, n: number, at = guarded) =>
    from(`198.51.100.${n}`, 'login', { email, password: WRONG }, at);

  it('are slowed: ten of forty are looked at, the others are told when to come again', async () => {
    const email = await anOwner();
    const answers: Answer[] = [];
    for (let n = 1; n <= 40; n++) answers.push(await guess(email, n));
    expect(answers.map(({ status }) => status)).toEqual([
      ...Array<number>(10).fill(401),
      ...Array<number>(30).fill(429),
    ]);
    const last = answers.at(-1)!;
    expectProblem(last, 429, 'rate_limited');
    expect(Number(last.headers.get('retry-after'))).toBeGreaterThan(0);
    expect(Number(last.headers.get('retry-after'))).toBeLessThanOrEqual(60);
    expect(last.headers.get('ratelimit-policy')).toBe('"password";q=10;w=60');
  });

  it('forty at once too', async () => {
    const email = await anOwner();
    const answers = await Promise.all(Array.from({ length: 40 }, (_, n) => guess(email, n + 1)));
    expect(answers.filter(({ status }) => status === 401)).toHaveLength(10);
  });

  it('do not keep out the owner at an address that signed in before', async () => {
    const email = await anOwner();
    for (let n = 1; n <= 12; n++) await guess(email, n);
    expectProblem(
      await from('198.51.100.99', 'login', { email, password: PASSWORD }),
      429,
      'rate_limited',
    );
    expect((await from(OWNER, 'login', { email, password: PASSWORD })).status).toBe(200);
  });

  it('tell nobody which accounts there are', async () => {
    const [email, unknown] = [await anOwner(), anEmail()];
    for (let n = 1; n <= 12; n++) {
      const [known, nobody] = [await guess(email, n), await guess(unknown, n)];
      expect([nobody.status, sameForAll(nobody)]).toEqual([known.status, sameForAll(known)]);
    }
  });

  it('right passwords are no guesses, and a right one forgives those before it', async () => {
    const email = await anOwner();
    for (let n = 0; n < 12; n++)
      expect((await from(OWNER, 'login', { email, password: PASSWORD })).status).toBe(200);
    for (let round = 0; round < 3; round++) {
      for (let n = 0; n < 9; n++)
        expect((await from(OWNER, 'login', { email, password: WRONG })).status).toBe(401);
      expect((await from(OWNER, 'login', { email, password: PASSWORD })).status).toBe(200);
    }
  });

  it('count at the change of the password as well', async () => {
    const { body } = await from(OWNER, 'register', { email: anEmail(), password: PASSWORD });
    const mine = new TestClient(guarded.url, body.access_token);
    const put = (current_password: string) =>
      mine.put('/auth/password', { current_password, new_password: NEXT });
    for (let n = 0; n < 10; n++) expectProblem(await put(WRONG), 422, 'validation_failed');
    expectProblem(await put(PASSWORD), 429, 'rate_limited');
  });

  (REDIS_SERVER ? it : it.skip)(
    'are counted over all instances, where there is a Redis',
    async () => {
      const port = await freePort();
      const redis = await startRedisAt(port);
      const shared = { ...settings, REDIS_URL: `redis://127.0.0.1:${port}` };
      const both = [
        await startTestApp('postgres', shared, server.databaseUrl),
        await startTestApp('postgres', shared, server.databaseUrl),
      ] as const;
      const elevenAt = async (email: string): Promise<number[]> => {
        const statuses: number[] = [];
        for (let n = 1; n <= 11; n++) statuses.push((await guess(email, n, both[n % 2])).status);
        return statuses;
      };
      try {
        // Until both have found Redis each counts for itself.
        const together = [...Array<number>(10).fill(401), 429].join();
        const areTogether = async () => (await elevenAt(anEmail())).join() === together;
        await until(areTogether, 'both', 20_000);
      } finally {
        await Promise.all(both.map((one) => one.close()));
        redis.kill('SIGKILL');
      }
    },
  );
});
