import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { withClient } from '../support/app.js';
import { TestClient } from '../support/client.js';
import { type SharedServer, sharedServer } from '../support/shared-server.js';
import {
  AuthTester,
  expectProblem,
  expectRefused,
  INSTANT,
  PASSWORD,
  UUID,
} from './auth-tester.js';

let server: SharedServer;
let tester: AuthTester;

beforeAll(async () => {
  server = await sharedServer();
  tester = new AuthTester(server.url);
});
afterAll(() => server.close());

const withToken = (token: string) => new TestClient(server.url, token);

/** Somebody who is signed in at two places, this one and another. */
async function signedInTwice() {
  const first = await tester.somebody();
  const here = await tester.post('login', { email: first.email, password: PASSWORD });
  return { email: first.email, there: first, here: here.body };
}

const idsOf = (body: { items: { session_id: string }[] }): string[] =>
  body.items.map(({ session_id: id }) => id);

describe('the sign-ins of an account', () => {
  it('are listed newest first, with what they came from and which one asks', async () => {
    const { here } = await signedInTwice();
    const { status, body } = await withToken(here.access_token).get('/auth/sessions');

    const anySession = {
      session_id: expect.stringMatching(UUID),
      user_agent: 'node',
      created_at: expect.stringMatching(INSTANT),
      refreshed_at: expect.stringMatching(INSTANT),
      expires_at: expect.stringMatching(INSTANT),
    };
    expect([status, body]).toEqual([
      200,
      {
        items: [
          { ...anySession, current: true },
          { ...anySession, current: false },
        ],
        next_cursor: null,
      },
    ]);
  });

  it('say when they got new tokens, and keep their ids then', async () => {
    const { access_token, refresh_token } = await tester.somebody();
    const before = (await withToken(access_token).get('/auth/sessions')).body.items[0];
    await tester.post('refresh', { refresh_token });
    const { items } = (await withToken(access_token).get('/auth/sessions')).body;

    expect(items).toEqual([
      {
        ...before,
        refreshed_at: expect.stringMatching(INSTANT),
        expires_at: expect.stringMatching(INSTANT),
      },
    ]);
    expect(Date.parse(items[0].refreshed_at)).toBeGreaterThan(Date.parse(before.refreshed_at));
    expect(Date.parse(items[0].expires_at)).toBeGreaterThan(Date.parse(before.expires_at));
  });

  it('come in pages that name each once', async () => {
    const { email, here } = await signedInTwice();
    await tester.post('login', { email, password: PASSWORD });
    const ann = withToken(here.access_token);
    const { body: all } = await ann.get('/auth/sessions');
    const { body: first } = await ann.get('/auth/sessions?limit=2');
    const { body: rest } = await ann.get(`/auth/sessions?limit=2&cursor=${first.next_cursor}`);

    expect([...idsOf(first), ...idsOf(rest)]).toEqual(idsOf(all));
    expect([first.items.length, rest.items.length, rest.next_cursor]).toEqual([2, 1, null]);
  });

  it('are ended one by one: the tokens of it at once, the others not', async () => {
    const { there, here } = await signedInTwice();
    const ann = withToken(here.access_token);
    const other = (await ann.get('/auth/sessions')).body.items[1].session_id;
    expect((await ann.delete(`/auth/sessions/${other}`)).status).toBe(204);

    expectRefused(await withToken(there.access_token).get('/auth/me'));
    const again = await tester.post('refresh', { refresh_token: there.refresh_token });
    expectProblem(again, 401, 'invalid_refresh_token');
    expect(idsOf((await ann.get('/auth/sessions')).body)).not.toContain(other);
    expectProblem(await ann.delete(`/auth/sessions/${other}`), 404, 'session_not_found');
  });

  it('end at once where it is said again, also when the first time was committed and not told', async () => {
    const { there, here } = await signedInTwice();
    expect((await withToken(there.access_token).get('/auth/me')).status).toBe(200);
    await withClient(server.databaseUrl, (client) =>
      client.query(
        `UPDATE token_families SET revoked_at = now() WHERE account_id = $1
         AND family_id = (SELECT min(family_id::text)::uuid FROM token_families WHERE account_id = $1)`,
        [there.account.account_id],
      ),
    );
    const again = await withToken(here.access_token).post('/auth/logout', {
      refresh_token: there.refresh_token,
    });

    expect(again.status).toBe(204);
    expectRefused(await withToken(there.access_token).get('/auth/me'));
  });

  it('end with this one, by whoever asks for it', async () => {
    const { access_token } = await tester.somebody();
    const ann = withToken(access_token);
    const { session_id: id } = (await ann.get('/auth/sessions')).body.items[0];
    expect((await ann.delete(`/auth/sessions/${id}`)).status).toBe(204);
    expectRefused(await ann.get('/auth/sessions'));
  });

  it('are nobody else’s: a foreign one is not found, and goes on', async () => {
    const ann = withToken((await tester.somebody()).access_token);
    const bob = withToken((await tester.somebody()).access_token);
    const { session_id: id } = (await ann.get('/auth/sessions')).body.items[0];

    expectProblem(await bob.delete(`/auth/sessions/${id}`), 404, 'session_not_found');
    expect(idsOf((await ann.get('/auth/sessions')).body)).toEqual([id]);
    expect(idsOf((await bob.get('/auth/sessions')).body)).not.toContain(id);
  });

  it('keep no more of what a program calls itself than anybody reads', async () => {
    const { email } = await tester.somebody();
    const answer = await fetch(`${server.url}/api/v1/auth/login`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'user-agent': 'x'.repeat(4000) },
      body: JSON.stringify({ email, password: PASSWORD }),
    });
    const { access_token } = (await answer.json()) as { access_token: string };
    const { items } = (await withToken(access_token).get('/auth/sessions')).body;

    expect(items[0].user_agent).toBe('x'.repeat(256));
    expect(items[0].current).toBe(true);
  });

  it('say that a program calls itself nothing', async () => {
    const { email } = await tester.somebody();
    const answer = await fetch(`${server.url}/api/v1/auth/login`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'user-agent': '' },
      body: JSON.stringify({ email, password: PASSWORD }),
    });
    const { access_token } = (await answer.json()) as { access_token: string };
    const { items } = (await withToken(access_token).get('/auth/sessions')).body;

    expect(items[0].user_agent).toBeNull();
  });
});
