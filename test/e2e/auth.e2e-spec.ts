import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { startTestApp, type TestApp, withClient } from '../support/app.js';
import { TestClient } from '../support/client.js';
import {
  AuthTester,
  anEmail,
  expectProblem,
  INSTANT,
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
const post = (path: string, body: unknown) => tester.post(path, body);
const somebody = (fields?: Record<string, unknown>) => tester.somebody(fields);

describe('register', () => {
  it('makes an account and signs in', async () => {
    const email = anEmail();
    const { status, body, headers } = await post('register', {
      email: `  ${email.toUpperCase()} `,
      password: PASSWORD,
      name: ' Ada ',
    });

    expect(status).toBe(201);
    expect(headers.get('cache-control')).toBe('no-store');
    expect(body).toEqual({
      access_token: expect.stringMatching(/^[\w-]+\.[\w-]+\.[\w-]+$/),
      refresh_token: expect.stringMatching(/^brt_[\w-]{22}_[\w-]{43}$/),
      token_type: 'Bearer',
      expires_in: 900,
      account: {
        account_id: expect.stringMatching(UUID),
        email,
        name: 'Ada',
        created_at: expect.stringMatching(INSTANT),
      },
    });
    const me = await withToken(body.access_token).get('/auth/me');
    expect([me.status, me.body]).toEqual([200, body.account]);
  });

  it('an e-mail is taken in any case, with spaces around it or not', async () => {
    const { email } = await somebody();
    expectProblem(await post('register', { email, password: PASSWORD }), 409, 'email_taken');
    expectProblem(
      await post('register', { email: ` ${email.toUpperCase()} `, password: 'another password' }),
      409,
      'email_taken',
    );
  });

  it('of twenty who register one e-mail at once, one gets it', async () => {
    const email = anEmail();
    const answers = await Promise.all(
      Array.from({ length: 20 }, () => post('register', { email, password: PASSWORD })),
    );
    expect(answers.map(({ status }) => status).sort()).toEqual([
      201,
      ...Array<number>(19).fill(409),
    ]);
  });

  it('keeps passwords as argon2id alone, and of refresh tokens and API keys only hashes', async () => {
    const { account, access_token, refresh_token } = await somebody();
    const { body: key } = await withToken(access_token).post('/auth/api-keys', { name: 'k' });
    const dump = await withClient(server.databaseUrl, async (client) => {
      const { rows } = await client.query(
        `SELECT a::text || coalesce(t::text, '') || coalesce(k::text, '') AS line, password_hash
         FROM accounts a LEFT JOIN refresh_tokens t USING (account_id) LEFT JOIN api_keys k USING (account_id) WHERE account_id = $1`,
        [account.account_id],
      );
      return rows as { line: string; password_hash: string }[];
    });

    expect(dump[0]?.password_hash).toMatch(/^\$argon2id\$v=19\$m=19456,t=2,p=1\$/);
    for (const secret of [PASSWORD, refresh_token, key.api_key])
      expect(JSON.stringify(dump)).not.toContain(secret);
  });

  it.each([
    ['no body', undefined],
    ['nothing', {}],
    ['no password', { email: anEmail() }],
    ['no e-mail', { password: PASSWORD }],
    ['e-mail without @', { email: 'ada', password: PASSWORD }],
    ['e-mail with a space', { email: 'a da@example.org', password: PASSWORD }],
    [
      'e-mail with 255 characters',
      { email: `${'a'.repeat(60)}@${'b.'.repeat(94)}comm.org`, password: PASSWORD },
    ],
    ['e-mail as an operator', { email: { $gt: '' }, password: PASSWORD }],
    ['e-mail as an array', { email: ['ada@example.org'], password: PASSWORD }],
    ['e-mail as a number', { email: 5, password: PASSWORD }],
    ['e-mail null', { email: null, password: PASSWORD }],
    ['password of 7 characters', { email: anEmail(), password: '1234567' }],
    ['password of 129 characters', { email: anEmail(), password: 'x'.repeat(129) }],
    ['password as an operator', { email: anEmail(), password: { $ne: null } }],
    ['password as a number', { email: anEmail(), password: 1234567890 }],
    ['password with U+0000', { email: anEmail(), password: 'four small\0blue boats' }],
    ['password with a lone surrogate', { email: anEmail(), password: 'four small \ud800 blue' }],
    ['name as a number', { email: anEmail(), password: PASSWORD, name: 5 }],
    ['blank name', { email: anEmail(), password: PASSWORD, name: '   ' }],
    ['name of 201 characters', { email: anEmail(), password: PASSWORD, name: 'x'.repeat(201) }],
    ['an unknown field', { email: anEmail(), password: PASSWORD, account_id: randomUUID() }],
    ['a field for administrators', { email: anEmail(), password: PASSWORD, is_admin: true }],
    ['an array', [{ email: anEmail(), password: PASSWORD }]],
  ])('refuses %s with 422', async (_what, body) => {
    const answer = await post('register', body);
    expectProblem(answer, 422, 'validation_failed');
    expect(answer.body.errors[0]).toEqual({
      path: expect.any(String),
      message: expect.any(String),
    });
  });

  it('where REGISTRATION is closed nobody new gets in, and who has an account does', async () => {
    const { email } = await somebody();
    const closed = await startTestApp('postgres', { REGISTRATION: 'closed' }, server.databaseUrl);
    try {
      const there = new AuthTester(closed.url);
      expectProblem(
        await there.post('register', { email: anEmail(), password: PASSWORD }),
        403,
        'registration_closed',
      );
      expectProblem(
        await there.post('register', { email, password: PASSWORD }),
        403,
        'registration_closed',
      );
      expect((await there.post('login', { email, password: PASSWORD })).status).toBe(200);
    } finally {
      await closed.close();
    }
  });

  it('the password is taken exactly: not trimmed, cut or re-cased', async () => {
    const password = ` ${'Ä🌳'.repeat(63)} `;
    const { email } = await somebody({ password });
    expect((await post('login', { email, password })).status).toBe(200);
    for (const other of [password.trim(), password.toLowerCase(), `${password.slice(0, -1)}x`]) {
      expectProblem(await post('login', { email, password: other }), 401, 'invalid_credentials');
    }
  });
});

describe('login', () => {
  it('signs in with the e-mail in any case', async () => {
    const { email, account } = await somebody();
    const { status, body } = await post('login', {
      email: ` ${email.toUpperCase()}`,
      password: PASSWORD,
    });
    expect(status).toBe(200);
    expect(body).toMatchObject({ token_type: 'Bearer', expires_in: 900, account });
  });

  it('an unknown e-mail and a wrong password get one and the same answer', async () => {
    const { email } = await somebody();
    const wrong = await post('login', { email, password: 'a wrong password' });
    const unknown = await post('login', { email: anEmail(), password: 'a wrong password' });
    expectProblem(wrong, 401, 'invalid_credentials');
    expect(sameForAll(unknown)).toEqual(sameForAll(wrong));
    expect(wrong.headers.get('www-authenticate')).toBe('Bearer realm="banyan"');
    expect(unknown.headers.get('www-authenticate')).toBe('Bearer realm="banyan"');
  });

  it('and in the same time', async () => {
    const { email } = await somebody();
    const took = async (address: string) => {
      const started = performance.now();
      await post('login', { email: address, password: 'a wrong password' });
      return performance.now() - started;
    };
    const known: number[] = [];
    const unknown: number[] = [];
    for (let n = 0; n < 15; n++) {
      known.push(await took(email));
      unknown.push(await took(anEmail()));
    }
    const median = (times: number[]) => times.sort((a, b) => a - b)[7] as number;
    // Without the dummy hash the unknown one takes a tenth of the time; the rest is the noise of
    // the machine.
    expect(median(unknown) / median(known)).toBeGreaterThan(0.6);
    expect(median(unknown) / median(known)).toBeLessThan(1.6);
  });

  it.each([
    ['nothing', {}],
    ['operators', { email: { $gt: '' }, password: { $gt: '' } }],
    ['an e-mail that is none', { email: `' OR 1=1 --`, password: PASSWORD }],
    ['an unknown field', { email: anEmail(), password: PASSWORD, admin: true }],
  ])('refuses %s with 422', async (_what, body) => {
    expectProblem(await post('login', body), 422, 'validation_failed');
  });

  it('sixty at once stay within memory', async () => {
    const { email } = await somebody();
    const before = process.memoryUsage().rss;
    let most = before;
    const watch = setInterval(() => (most = Math.max(most, process.memoryUsage().rss)), 5);
    const answers = await Promise.all(
      Array.from({ length: 60 }, () => post('login', { email, password: PASSWORD })),
    );
    clearInterval(watch);
    expect(answers.every(({ status }) => status === 200)).toBe(true);
    expect((most - before) / 2 ** 20).toBeLessThan(150);
  });
});
