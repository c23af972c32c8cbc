import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { makeToken, readToken } from './opaque-token.js';

const ACCOUNT = '019aa1b2-c3d4-7e5f-8a6b-7c8d9e0f1a2b';

describe('opaque tokens', () => {
  it('a token is read back with the account it was made for, whatever the account and the secret', () => {
    fc.assert(
      fc.property(
        fc.uuid(),
        fc.uint8Array({ minLength: 32, maxLength: 32 }),
        (accountId, secret) => {
          const token = makeToken('brt', accountId, Buffer.from(secret));
          expect(token).toMatch(/^brt_[\w-]{22}_[\w-]{43}$/);
          expect(readToken('brt', token)?.accountId).toBe(accountId);
        },
      ),
    );
  });

  it('two tokens of one account differ, and so do their hashes', () => {
    const [one, two] = [makeToken('bak', ACCOUNT), makeToken('bak', ACCOUNT)];
    expect(one).not.toBe(two);
    expect(readToken('bak', one)?.hash).not.toEqual(readToken('bak', two)?.hash);
  });

  it('a refresh token is no API key, and an API key is no refresh token', () => {
    expect(readToken('bak', makeToken('brt', ACCOUNT))).toBeNull();
    expect(readToken('brt', makeToken('bak', ACCOUNT))).toBeNull();
  });

  it.each([
    '',
    'brt_',
    'brt__',
    'garbage',
    `${makeToken('brt', ACCOUNT)}x`,
    makeToken('brt', ACCOUNT).slice(0, -1),
    ` ${makeToken('brt', ACCOUNT)}`,
    `${makeToken('brt', ACCOUNT)}\n`,
  ])('text that has not the form of a token is refused: %j', (text) => {
    expect(readToken('brt', text)).toBeNull();
  });
});
