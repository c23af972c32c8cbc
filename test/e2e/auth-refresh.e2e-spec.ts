import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { startTestApp, type TestApp, withClient } from '../support/app.js';
import { TestClient } from '../support/client.js';
import { AuthTester, expectProblem, expectRefused, laterAt, PASSWORD } from './auth-tester.js';

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
