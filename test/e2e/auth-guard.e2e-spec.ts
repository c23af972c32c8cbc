import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { SETTINGS, withClient } from '../support/app.js';
import { type Answer, TestClient } from '../support/client.js';
import {
  anEmail,
  expectProblem,
  PASSWORD,
  expectRefused,
  laterAt,
  sameForAll,
} from './auth-tester.js';
import { encode, forge, hmac, rs256 } from './token-forge.js';
import { IssuerServer, rsa, rsaOfStranger } from './issuer-server.js';

const now = () => Math.floor(Date.now() / 1000);

let scene: IssuerServer;
let { server, tester, trap, trapUrl } = {} as IssuerServer;

beforeAll(async () => {
  scene = await IssuerServer.start();
  ({ server, tester, trap, trapUrl } = scene);
});
afterAll(() => scene.stop());

const me = (token: string): Promise<Answer> => scene.me(token);
const expectTheRefusal = (answer: Answer): void => scene.expectTheRefusal(answer);

describe('our own access tokens', () => {
  const header = { alg: 'HS256', typ: 'at+jwt' };
  const ours = hmac(SETTINGS.JWT_SECRET);
  let claims: Record<string, unknown>;

  beforeAll(async () => {
    const { access_token } = await tester.somebody();
    claims = JSON.parse(Buffer.from(access_token.split('.')[1], 'base64url').toString());
  });

  it('a token made in the same way passes: what follows is refused for its own fault', async () => {
    expect((await me(forge(header, claims, ours))).status).toBe(200);
    expect(claims).toEqual({
      iss: 'banyan',
      aud: 'banyan',
      sub: expect.any(String),
      sid: expect.any(String),
      jti: expect.any(String),
      iat: expect.any(Number),
      exp: (claims.iat as number) + 900,
    });
  });

  const algorithms: [string, (claims: object) => string][] = [
    ...['none', 'None', 'NONE', 'nOnE'].map((alg): [string, () => string] => [
      `alg ${alg}`,
      () => forge({ ...header, alg }, claims, () => ''),
    ]),
    ['alg none with our signature', () => forge({ ...header, alg: 'none' }, claims, ours)],
    [
      'alg HS384 with our secret',
      () => forge({ ...header, alg: 'HS384' }, claims, hmac(SETTINGS.JWT_SECRET, 'sha384')),
    ],
    [
      'alg HS512 with our secret',
      () => forge({ ...header, alg: 'HS512' }, claims, hmac(SETTINGS.JWT_SECRET, 'sha512')),
    ],
    [
      'alg RS256 with a key of their own',
      () => forge({ ...header, alg: 'RS256' }, claims, rs256(rsaOfStranger.privateKey)),
    ],
    [
      'alg RS256 with the key of the outside issuer',
      () => forge({ ...header, alg: 'RS256', kid: 'rsa-1' }, claims, rs256(rsa.privateKey)),
    ],
    ['alg missing', () => forge({ typ: 'at+jwt' }, claims, ours)],
    ['alg as a number', () => forge({ ...header, alg: 256 }, claims, ours)],
    ['alg as an array', () => forge({ ...header, alg: ['HS256'] }, claims, ours)],
  ];
  const signatures: [string, () => string][] = [
    ['no signature', () => forge(header, claims, () => '')],
    [
      'another secret',
      () => forge(header, claims, hmac('another-secret-of-somebody-else-0123456789')),
    ],
    ['the empty secret', () => forge(header, claims, hmac(''))],
    [
      'a signature of zeros',
      () => forge(header, claims, () => Buffer.alloc(32).toString('base64url')),
    ],
    [
      'a signature of other claims',
      () =>
        forge(header, claims, () =>
          ours(`${encode(header)}.${encode({ ...claims, sub: randomUUID() })}`),
        ),
    ],
    ['half a signature', () => forge(header, claims, (text) => ours(text).slice(0, 20))],
  ];
  const keys: [string, () => string][] = [
    ['kid with a path', () => forge({ ...header, kid: '../../../../dev/null' }, claims, hmac(''))],
    ['kid with SQL', () => forge({ ...header, kid: `' UNION SELECT 'x` }, claims, hmac('x'))],
    [
      'jku',
      () =>
        forge(
          { alg: 'RS256', typ: 'at+jwt', kid: 'trap', jku: trapUrl },
          claims,
          rs256(rsaOfStranger.privateKey),
        ),
    ],
    [
      'x5u',
      () =>
        forge(
          { alg: 'RS256', typ: 'at+jwt', x5u: trapUrl },
          claims,
          rs256(rsaOfStranger.privateKey),
        ),
    ],
    [
      'jwk',
      () =>
        forge(
          { alg: 'RS256', typ: 'at+jwt', jwk: rsaOfStranger.publicKey.export({ format: 'jwk' }) },
          claims,
          rs256(rsaOfStranger.privateKey),
        ),
    ],
    [
      'jwk of a secret',
      () => forge({ ...header, jwk: { kty: 'oct', k: encode('x') } }, claims, hmac('x')),
    ],
    ['crit', () => forge({ ...header, crit: ['exp'] }, claims, ours)],
  ];
  const changed = (fields: object) => () => forge(header, { ...claims, ...fields }, ours);
  const contents: [string, () => string][] = [
    ['typ JWT', () => forge({ ...header, typ: 'JWT' }, claims, ours)],
    ['no typ', () => forge({ alg: 'HS256' }, claims, ours)],
    ['another issuer', changed({ iss: 'somebody' })],
    ['no issuer', changed({ iss: undefined })],
    ['another audience', changed({ aud: 'somebody' })],
    ['no audience', changed({ aud: undefined })],
    ['expired', changed({ exp: now() - 1 })],
    ['no exp', changed({ exp: undefined })],
    ['exp as text', changed({ exp: String(now() + 900) })],
    ['exp null', changed({ exp: null })],
    ['nbf in the future', changed({ nbf: now() + 60 })],
    ['nbf as text', changed({ nbf: 'now' })],
    ['no iat', changed({ iat: undefined })],
    ['no jti', changed({ jti: undefined })],
    ['no sub', changed({ sub: undefined })],
    ['sub as an operator', changed({ sub: { $gt: '' } })],
    ['sub that is no UUID', changed({ sub: '1 OR 1=1' })],
    ['an account that does not exist', changed({ sub: randomUUID() })],
    ['no sid', changed({ sid: undefined })],
    ['a sign-in that does not exist', changed({ sid: randomUUID() })],
    ['claims that are an array', () => forge(header, [claims], ours)],
    ['claims that are text', () => forge(header, 'no JSON', ours)],
    ['claims that are null', () => forge(header, null, ours)],
  ];
  const forms: [string, () => string][] = [
    ['two parts', () => forge(header, claims, ours).split('.').slice(0, 2).join('.')],
    ['four parts', () => `${forge(header, claims, ours)}.e30`],
    [
      'an encrypted token',
      () =>
        `${encode({ alg: 'dir', enc: 'A128GCM' })}..${encode('iv')}.${encode('text')}.${encode('tag')}`,
    ],
    ['a header that is no JSON', () => forge('{', claims, ours)],
    ['a header that is null', () => forge(null, claims, ours)],
    ['dots', () => '..'],
    ['a token of 12 KiB', () => `${'a'.repeat(6000)}.${'b'.repeat(6000)}.c`],
    ['API key garbage', () => 'bak_garbage'],
    ['an API key of nobody', () => `bak_${'A'.repeat(22)}_${'A'.repeat(43)}`],
  ];

  it.each([...algorithms, ...signatures, ...keys, ...contents, ...forms])(
    'refused: %s',
    async (_what, token) => {
      expectTheRefusal(await me(token(claims)));
    },
  );

  it('a refresh token is no access token', async () => {
    expectTheRefusal(await me((await tester.somebody()).refresh_token));
  });

  it('a token that was good a moment ago ends on time', async () => {
    const { access_token } = await tester.somebody();
    expect((await me(access_token)).status).toBe(200);
    await laterAt(server, 900, async () => expectTheRefusal(await me(access_token)));
  });

  it('the tokens of a deleted account end within ten seconds', async () => {
    const { access_token, account } = await tester.somebody();
    expect((await me(access_token)).status).toBe(200);
    await withClient(server.databaseUrl, (client) =>
      client.query('DELETE FROM accounts WHERE account_id = $1', [account.account_id]),
    );
    await laterAt(server, 10, async () => expectTheRefusal(await me(access_token)));
  });

  it('nobody followed an address in a token', () => {
    expect(trap.asked).toBe(0);
  });

  it('the scheme is read in any case; other schemes, and no header at all, are refused', async () => {
    const { access_token } = await tester.somebody();
    const send = (authorization: string) =>
      new TestClient(server.url).get('/auth/me', { authorization });
    for (const scheme of ['bearer', 'BEARER', 'BeArEr '])
      expect((await send(`${scheme} ${access_token}`)).status).toBe(200);
    for (const header of [
      access_token,
      `Basic ${access_token}`,
      `Bearer ${access_token} x`,
      'Bearer',
    ])
      expectRefused(await send(header));

    const without = await new TestClient(server.url).get('/auth/me');
    expect(sameForAll(without)).toEqual(sameForAll(scene.refusal));
    expect(without.headers.get('www-authenticate')).toBe('Bearer realm="banyan"');
  });

  it('a token in the query is not read', async () => {
    const { access_token } = await tester.somebody();
    expectRefused(await new TestClient(server.url).get(`/auth/me?access_token=${access_token}`));
  });
});
it('register refuses passwords that are tried first, and the e-mail address itself', async () => {
  const email = anEmail();
  for (const password of ['password123', 'Password123', email, email.toUpperCase()]) {
    const answer = await tester.post('register', { email, password });
    expectProblem(answer, 422, 'validation_failed');
    expect(answer.body.errors).toEqual([{ path: 'password', message: expect.any(String) }]);
  }
  expect((await tester.post('register', { email, password: PASSWORD })).status).toBe(201);
});
