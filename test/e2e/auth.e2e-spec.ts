import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { startTestApp, type TestApp, withClient } from '../support/app.js';
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

describe('refresh', () => {
  const refresh = (refresh_token: unknown) => post('refresh', { refresh_token });

  it('answers new tokens of the same sign-in, and the old access token stays good', async () => {
    const { access_token, refresh_token, account } = await somebody();
    const { status, body } = await refresh(refresh_token);
    expect(status).toBe(200);
    expect(body).toMatchObject({ token_type: 'Bearer', expires_in: 900, account });
    expect(body.refresh_token).not.toBe(refresh_token);
    expect((await withToken(body.access_token).get('/auth/me')).status).toBe(200);
    expect((await withToken(access_token).get('/auth/me')).status).toBe(200);
  });

  it('twenty at once with one token get one and the same successor', async () => {
    const { refresh_token } = await somebody();
    const answers = await Promise.all(Array.from({ length: 20 }, () => refresh(refresh_token)));
    expect(answers.map(({ status }) => status)).toEqual(Array(20).fill(200));
    expect(new Set(answers.map(({ body }) => body.refresh_token)).size).toBe(1);
    expect((await refresh(answers[0]?.body.refresh_token)).status).toBe(200);
  });

  it('whose answer was lost is answered again with the same successor, however late (S7i)', async () => {
    const { refresh_token } = await somebody();
    const { body: lost } = await refresh(refresh_token);
    for (const seconds of [15, 86_400]) {
      await laterAt(server, seconds, async () => {
        const { status, body } = await refresh(refresh_token);
        expect([status, body.refresh_token]).toEqual([200, lost.refresh_token]);
        expect((await withToken(body.access_token).get('/auth/me')).status).toBe(200);
      });
    }
    expect((await refresh(lost.refresh_token)).status).toBe(200);
  });

  it('reuse after the successor was used revokes the sign-in, its access tokens included, and no other (S7i)', async () => {
    const { email, access_token, refresh_token } = await somebody();
    const { body: elsewhere } = await post('login', { email, password: PASSWORD });
    const { body: next } = await refresh(refresh_token);
    const { body: newest } = await refresh(next.refresh_token);
    expectProblem(await refresh(refresh_token), 401, 'invalid_refresh_token');
    expectProblem(await refresh(newest.refresh_token), 401, 'invalid_refresh_token');
    for (const token of [access_token, next.access_token, newest.access_token])
      expectRefused(await withToken(token).get('/auth/me'));
    expect((await withToken(elsewhere.access_token).get('/auth/me')).status).toBe(200);
    expect((await refresh(elsewhere.refresh_token)).status).toBe(200);
  });

  it('a sign-in has one token that was not used, whatever was sent twice', async () => {
    const { account, refresh_token } = await somebody();
    const { body: next } = await refresh(refresh_token);
    await Promise.all([refresh_token, refresh_token, next.refresh_token].map(refresh));
    const unused = await withClient(server.databaseUrl, (client) =>
      client.query('SELECT FROM refresh_tokens WHERE account_id = $1 AND used_at IS NULL', [
        account.account_id,
      ]),
    );
    expect(unused.rowCount).toBe(1);
  });

  it('a refresh token ends after thirty days without use', async () => {
    const { refresh_token } = await somebody();
    await laterAt(server, 30 * 86_400 + 1, async () =>
      expectProblem(await refresh(refresh_token), 401, 'invalid_refresh_token'),
    );
    expect((await refresh(refresh_token)).status).toBe(200);
  });

  it('at another instance a revoked sign-in is refused after ten seconds at the latest', async () => {
    const other = await startTestApp('postgres', {}, server.databaseUrl);
    try {
      const { access_token, refresh_token } = await somebody();
      const there = new TestClient(other.url, access_token);
      expect((await there.get('/auth/me')).status).toBe(200);
      await withToken(access_token).post('/auth/logout', { refresh_token });
      await laterAt(other, 10, async () => expectRefused(await there.get('/auth/me')));
    } finally {
      await other.close();
    }
  });

  it.each([
    ['unknown', () => `brt_${'A'.repeat(22)}_${'A'.repeat(43)}`],
    ['malformed', () => 'garbage'],
    ['with spaces around it', () => ' x '],
  ])('a token that is %s is refused with 401', async (_what, token) => {
    const answer = await refresh(token());
    expectProblem(answer, 401, 'invalid_refresh_token');
    expect(answer.headers.get('www-authenticate')).toBe('Bearer realm="banyan"');
  });

  it('an access token and an API key are no refresh tokens', async () => {
    const { access_token } = await somebody();
    const { body: key } = await withToken(access_token).post('/auth/api-keys', { name: 'k' });
    expectProblem(await refresh(access_token), 401, 'invalid_refresh_token');
    expectProblem(await refresh(key.api_key), 401, 'invalid_refresh_token');
  });

  it.each([
    ['nothing', undefined],
    ['null', null],
    ['a number', 5],
    ['an operator', { $gt: '' }],
    ['an array', ['brt_x']],
    ['an empty string', ''],
    ['a blank string', '  '],
    ['a string of 513 characters', 'x'.repeat(513)],
  ])('refuses %s with 422', async (_what, token) => {
    expectProblem(await refresh(token), 422, 'validation_failed');
  });
});

describe('logout', () => {
  it('ends the sign-in at once, its access tokens included, and no other', async () => {
    const { email, access_token, refresh_token } = await somebody();
    const { body: elsewhere } = await post('login', { email, password: PASSWORD });
    expect((await withToken(access_token).get('/auth/me')).status).toBe(200);

    const answer = await withToken(access_token).post('/auth/logout', { refresh_token });

    expect([answer.status, answer.text]).toEqual([204, '']);
    expectRefused(await withToken(access_token).get('/auth/me'));
    expectProblem(await post('refresh', { refresh_token }), 401, 'invalid_refresh_token');
    expect((await withToken(elsewhere.access_token).get('/auth/me')).status).toBe(200);
  });

  it('ends the sign-in by a used token too, from another sign-in of the account', async () => {
    const { email, access_token, refresh_token } = await somebody();
    const { body: next } = await post('refresh', { refresh_token });
    const { body: elsewhere } = await post('login', { email, password: PASSWORD });
    expect(
      (await withToken(elsewhere.access_token).post('/auth/logout', { refresh_token })).status,
    ).toBe(204);
    expectRefused(await withToken(access_token).get('/auth/me'));
    expectProblem(
      await post('refresh', { refresh_token: next.refresh_token }),
      401,
      'invalid_refresh_token',
    );
  });

  it('a refresh that runs beside it saves nothing', async () => {
    for (let round = 0; round < 20; round++) {
      const { access_token, refresh_token } = await somebody();
      const [refreshed, ended] = await Promise.all([
        post('refresh', { refresh_token }),
        withToken(access_token).post('/auth/logout', { refresh_token }),
      ]);
      expect(ended.status).toBe(204);
      if (refreshed.status === 200) {
        expectProblem(
          await post('refresh', { refresh_token: refreshed.body.refresh_token }),
          401,
          'invalid_refresh_token',
        );
        expectRefused(await withToken(refreshed.body.access_token).get('/auth/me'));
      } else expectProblem(refreshed, 401, 'invalid_refresh_token');
    }
  });

  it('twice is the same as once', async () => {
    const one = await somebody();
    const { body: elsewhere } = await post('login', { email: one.email, password: PASSWORD });
    const there = withToken(elsewhere.access_token);
    expect((await there.post('/auth/logout', { refresh_token: one.refresh_token })).status).toBe(
      204,
    );
    expect((await there.post('/auth/logout', { refresh_token: one.refresh_token })).status).toBe(
      204,
    );
    expect((await there.post('/auth/logout', { refresh_token: 'garbage' })).status).toBe(204);
  });

  it(`a stranger's refresh token changes nothing`, async () => {
    const [mine, theirs] = [await somebody(), await somebody()];
    expect(
      (
        await withToken(mine.access_token).post('/auth/logout', {
          refresh_token: theirs.refresh_token,
        })
      ).status,
    ).toBe(204);
    expect((await withToken(theirs.access_token).get('/auth/me')).status).toBe(200);
    expect((await post('refresh', { refresh_token: theirs.refresh_token })).status).toBe(200);
  });

  it('needs a token, and a body', async () => {
    const { access_token, refresh_token } = await somebody();
    expectRefused(await post('logout', { refresh_token }));
    for (const body of [
      {},
      { refresh_token: null },
      { refresh_token: { $gt: '' } },
      { refresh_token, everywhere: true },
    ]) {
      expectProblem(
        await withToken(access_token).post('/auth/logout', body),
        422,
        'validation_failed',
      );
    }
  });
});
