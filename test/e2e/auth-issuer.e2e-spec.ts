import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { generateKeyPairSync, randomUUID, sign } from 'node:crypto';
import { SETTINGS, startTestApp } from '../support/app.js';
import { type Answer, TestClient } from '../support/client.js';
import { AuthTester, anEmail, expectProblem, PASSWORD, laterAt } from './auth-tester.js';
import { es256, forge, hmac, rs256 } from './token-forge.js';
import { AUDIENCE, ec, ISSUER, IssuerServer, rsa, rsaOfStranger } from './issuer-server.js';

const now = () => Math.floor(Date.now() / 1000);

let scene: IssuerServer;
let { server, tester, issuer, trap, trapUrl } = {} as IssuerServer;

beforeAll(async () => {
  scene = await IssuerServer.start();
  ({ server, tester, issuer, trap, trapUrl } = scene);
});
afterAll(() => scene.stop());

const me = (token: string): Promise<Answer> => scene.me(token);
const expectTheRefusal = (answer: Answer): void => scene.expectTheRefusal(answer);

describe('tokens of the outside issuer', () => {
  const claimsOf = (fields: object = {}) => ({
    iss: ISSUER,
    aud: AUDIENCE,
    sub: randomUUID(),
    iat: now(),
    exp: now() + 600,
    ...fields,
  });
  const byRsa = (fields: object = {}, header: object = {}) =>
    forge({ alg: 'RS256', kid: 'rsa-1', ...header }, claimsOf(fields), rs256(rsa.privateKey));

  it('make their account at first sight, one for each subject', async () => {
    const sub = randomUUID();
    const answers = await Promise.all(
      Array.from({ length: 10 }, (_, n) => me(byRsa({ sub, name: 'Grace', jti: `${n}` }))),
    );
    expect(answers.map(({ status }) => status)).toEqual(Array(10).fill(200));
    expect(new Set(answers.map(({ body }) => body.account_id)).size).toBe(1);
    expect(answers[0]?.body).toMatchObject({ email: null, name: 'Grace' });
    expect((await me(byRsa())).body.account_id).not.toBe(answers[0]?.body.account_id);
  });

  it('may be signed with ES256, and name us among several audiences', async () => {
    const token = forge(
      { alg: 'ES256', kid: 'ec-1' },
      claimsOf({ aud: ['other', AUDIENCE] }),
      es256(ec.privateKey),
    );
    expect((await me(token)).status).toBe(200);
  });

  it('a key that the issuer adds is found at once, one that it never had is refused', async () => {
    const added = generateKeyPairSync('rsa', { modulusLength: 2048 });
    expect((await me(byRsa())).status).toBe(200);
    issuer.publish('rsa-2', added.publicKey, 'RS256');
    await laterAt(server, 6, async () => {
      const token = forge(
        { alg: 'RS256', kid: 'rsa-2' },
        claimsOf({ exp: now() + 900 }),
        rs256(added.privateKey),
      );
      expect((await me(token)).status).toBe(200);
    });
  });

  it('made-up key ids do not turn us against the issuer', async () => {
    const before = issuer.asked;
    await Promise.all(
      Array.from({ length: 50 }, async () =>
        expectTheRefusal(await me(byRsa({}, { kid: randomUUID() }))),
      ),
    );
    expect(issuer.asked - before).toBeLessThanOrEqual(1);
  });

  const publicPem = () => rsa.publicKey.export({ format: 'pem', type: 'spki' });
  const signed = (header: object, signer: (text: string) => string) => () =>
    forge(header, claimsOf(), signer);
  it.each<[string, () => string]>([
    ['alg none', signed({ alg: 'none' }, () => '')],
    ['no signature', signed({ alg: 'RS256', kid: 'rsa-1' }, () => '')],
    [
      'HS256 with the public key as its secret',
      signed({ alg: 'HS256', kid: 'rsa-1' }, hmac(publicPem())),
    ],
    [
      'HS256 with our own secret',
      signed({ alg: 'HS256', typ: 'at+jwt' }, hmac(SETTINGS.JWT_SECRET)),
    ],
    [
      'a key of a stranger',
      signed({ alg: 'RS256', kid: 'rsa-1' }, rs256(rsaOfStranger.privateKey)),
    ],
    ['jku', signed({ alg: 'RS256', kid: 'trap', jku: trapUrl }, rs256(rsaOfStranger.privateKey))],
    [
      'jwk',
      signed(
        { alg: 'RS256', jwk: rsaOfStranger.publicKey.export({ format: 'jwk' }) },
        rs256(rsaOfStranger.privateKey),
      ),
    ],
    [
      'ES256 with the id of an RSA key',
      signed({ alg: 'ES256', kid: 'rsa-1' }, es256(ec.privateKey)),
    ],
    ['no kid where there are several keys', signed({ alg: 'RS256' }, rs256(rsa.privateKey))],
    ['kid as an object', signed({ alg: 'RS256', kid: {} }, rs256(rsa.privateKey))],
    [
      'RS512',
      signed({ alg: 'RS512', kid: 'rsa-1' }, (text) =>
        sign('sha512', Buffer.from(text), rsa.privateKey).toString('base64url'),
      ),
    ],
    ['crit', () => byRsa({}, { crit: ['x'], x: 1 })],
    ['another audience', () => byRsa({ aud: 'other' })],
    ['no audience', () => byRsa({ aud: undefined })],
    ['another issuer', () => byRsa({ iss: 'https://other.example' })],
    ['expired', () => byRsa({ exp: now() - 1 })],
    ['no exp', () => byRsa({ exp: undefined })],
    ['nbf in the future', () => byRsa({ nbf: now() + 60 })],
    ['no subject', () => byRsa({ sub: undefined })],
    ['an empty subject', () => byRsa({ sub: '' })],
    ['a subject as a number', () => byRsa({ sub: 7 })],
    ['a subject of 256 characters', () => byRsa({ sub: 'x'.repeat(256) })],
  ])('refused: %s', async (_what, token) => {
    expectTheRefusal(await me(token()));
    expect(trap.asked).toBe(0);
  });

  it('where they are the only ones, there is no sign-in; while their keys were never read, the token is not refused but put off', async () => {
    const settings = {
      JWT_SECRET: '',
      JWKS_URI: 'http://127.0.0.1:9/jwks.json',
      JWKS_ISSUER: ISSUER,
      JWKS_AUDIENCE: AUDIENCE,
    };
    const outsideOnly = await startTestApp('postgres', settings);
    try {
      const there = new AuthTester(outsideOnly.url);
      const credentials = { email: anEmail(), password: PASSWORD };
      expectProblem(await there.post('register', credentials), 404, 'route_not_found');
      expectProblem(await there.post('login', credentials), 404, 'route_not_found');
      expectProblem(
        await there.post('refresh', { refresh_token: `brt_${'A'.repeat(22)}_${'A'.repeat(43)}` }),
        404,
        'route_not_found',
      );
      const answer = await new TestClient(outsideOnly.url, byRsa()).get('/auth/me');
      expectProblem(answer, 503, 'store_unavailable');
      expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0);
      expectTheRefusal(
        await new TestClient(outsideOnly.url, (await tester.somebody()).access_token).get(
          '/auth/me',
        ),
      );
    } finally {
      await outsideOnly.close();
    }
  });

  it('our own sign-in works beside them', async () => {
    expect((await me((await tester.somebody()).access_token)).status).toBe(200);
  });
});
