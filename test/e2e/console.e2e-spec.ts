import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { startTestApp, type TestApp, withClient } from '../support/app.js';
import { type Answer, TestClient } from '../support/client.js';
import {
  anEmail,
  AuthTester,
  consoleOf,
  expectProblem,
  expectRefused,
  laterAt,
  PASSWORD,
  UUID,
} from './auth-tester.js';

const NEXT = 'two large green kites';

let server: TestApp;
let tester: AuthTester;

beforeAll(async () => {
  server = await startTestApp('postgres', {
    ...{ REGISTRATION: 'invite', PASSWORD_BLOCKLIST: 'on' },
  });
  tester = new AuthTester(server.url);
});
afterAll(() => server.close());

const withToken = (token: string) => new TestClient(server.url, token);
const register = (fields: Record<string, unknown> = {}) =>
  tester.post('register', { email: anEmail(), password: PASSWORD, ...fields });
const invited = async () => ({ invitation: (await consoleOf(server).invite(1)).token });
const somebody = async () => tester.somebody(await invited());

function expectFault(answer: Answer, field: string, message: RegExp): void {
  expectProblem(answer, 422, 'validation_failed');
  expect(answer.body.errors).toEqual([{ path: field, message: expect.stringMatching(message) }]);
}

const rowsOf = async (table: string, accountId: string): Promise<number> =>
  (
    await withClient(server.databaseUrl, (client) =>
      client.query(`SELECT FROM ${table} WHERE account_id = $1`, [accountId]),
    )
  ).rowCount!;

describe('where REGISTRATION is invite', () => {
  it('an invitation makes one account, and is told to nobody again', async () => {
    const fields = await invited();
    const { status, body } = await register(fields);
    expect([status, body.account.account_id]).toEqual([201, expect.stringMatching(UUID)]);
    expect(await rowsOf('invitations', body.account.account_id)).toBe(0);
    expectFault(await register(fields), 'invitation', /not good/);
  });

  it('of ten who bring the same one at once, one gets in', async () => {
    const fields = await invited();
    const answers = await Promise.all(Array.from({ length: 10 }, () => register(fields)));
    expect(answers.map(({ status }) => status).sort()).toEqual([201, ...Array(9).fill(422)]);
  });

  it('nobody gets in without one: the answer says where they come from', async () => {
    for (const fields of [{}, { invitation: null }])
      expectFault(await register(fields), 'invitation', /ask whoever runs this server/);
  });

  it.each([
    ['nonsense', () => 'nonsense'],
    ['one with another secret', (token: string) => token.slice(0, -4) + 'AAAA'],
    ['a token of another kind', (token: string) => token.replace('biv_', 'bpr_')],
  ])('does not take %s', async (_what, spoil) => {
    const { invitation } = await invited();
    expectFault(await register({ invitation: spoil(invitation) }), 'invitation', /not good/);
    expect((await register({ invitation })).status).toBe(201);
  });

  it('an invitation ends with its time', async () => {
    const fields = await invited();
    await laterAt(server, 3601, async () => {
      expectFault(await register(fields), 'invitation', /not good/);
    });
  });

  it('an e-mail that is taken, and a password that is refused, leave it as it is', async () => {
    const { email } = await somebody();
    const fields = await invited();
    expectProblem(await register({ ...fields, email }), 409, 'email_taken');
    expectProblem(await register({ ...fields, password: 'password' }), 422, 'validation_failed');
    expect((await register(fields)).status).toBe(201);
  });
});

describe('a password reset', () => {
  const resetOf = async (email: string): Promise<string> =>
    (await consoleOf(server).resetPassword(email, 1)).token;
  const reset = (token: unknown, new_password: unknown = NEXT) =>
    tester.post('password/reset', { token, new_password });
  const login = (email: string, password: string) => tester.post('login', { email, password });

  it('is 204: the new password signs in from then on, the old one does not', async () => {
    const { email } = await somebody();
    const { status, text } = await reset(await resetOf(email.toUpperCase()));
    expect([status, text]).toEqual([204, '']);
    expectProblem(await login(email, PASSWORD), 401, 'invalid_credentials');
    expect((await login(email, NEXT)).status).toBe(200);
  });

  it('ends every sign-in, access tokens included; API keys stay', async () => {
    const { email, access_token, refresh_token } = await somebody();
    const { body: key } = await withToken(access_token).post('/auth/api-keys', { name: 'k' });
    expect((await reset(await resetOf(email))).status).toBe(204);

    expectRefused(await withToken(access_token).get('/auth/me'));
    expectProblem(await tester.post('refresh', { refresh_token }), 401, 'invalid_refresh_token');
    expect((await withToken(key.api_key).get('/auth/me')).status).toBe(200);
  });

  it('ends a sign-in that nobody can prolong any more, whose access token is still good', async () => {
    const { email, access_token, account } = await somebody();
    await withClient(server.databaseUrl, (client) =>
      client.query('UPDATE token_families SET expires_at = now() WHERE account_id = $1', [
        account.account_id,
      ]),
    );
    expect((await withToken(access_token).get('/auth/me')).status).toBe(200);
    expect((await reset(await resetOf(email))).status).toBe(204);
    expectRefused(await withToken(access_token).get('/auth/me'));
  });

  it('is good once, also for ten at once', async () => {
    const { email } = await somebody();
    const token = await resetOf(email);
    const answers = await Promise.all(Array.from({ length: 10 }, () => reset(token)));
    expect(answers.map(({ status }) => status).sort()).toEqual([204, ...Array(9).fill(422)]);
    expectFault(await reset(token), 'token', /another one made at the console/);
  });

  it('ends with its time, with the next one, and with a change of the password', async () => {
    const { email, access_token } = await somebody();
    const late = await resetOf(email);
    await laterAt(server, 3601, async () => {
      expectFault(await reset(late), 'token', /not good/);
    });
    const last = await resetOf(email);
    expectFault(await reset(late), 'token', /not good/);
    const change = { current_password: PASSWORD, new_password: NEXT };
    expect((await withToken(access_token).put('/auth/password', change)).status).toBe(204);
    expectFault(await reset(last), 'token', /not good/);
    expect((await login(email, NEXT)).status).toBe(200);
  });

  it.each([
    ['nonsense', () => 'nonsense'],
    ['one with another secret', (token: string) => token.slice(0, -4) + 'AAAA'],
    ['an API key', (token: string) => token.replace('bpr_', 'bak_')],
  ])('by %s is none', async (_what, spoil) => {
    const { email } = await somebody();
    expectFault(await reset(spoil(await resetOf(email))), 'token', /not good/);
    expect((await login(email, PASSWORD)).status).toBe(200);
  });

  it('by a password that is easily guessed changes nothing, and stays good', async () => {
    const { email } = await somebody();
    const token = await resetOf(email);
    for (const password of ['password', email, 'short'])
      expectProblem(await reset(token, password), 422, 'validation_failed');
    expect((await login(email, PASSWORD)).status).toBe(200);
    expect((await reset(token)).status).toBe(204);
  });

  it('is made for an account alone', async () => {
    await expect(resetOf('nobody@example.org')).rejects.toThrow(
      'no account has the e-mail nobody@example.org',
    );
  });
});
