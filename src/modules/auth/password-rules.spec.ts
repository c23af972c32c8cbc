import { describe, expect, it } from '@jest/globals';
import { isCommonPassword } from './common-passwords.js';
import { hasPasswordLength, passwordFault } from './password-rules.js';

describe('the length of a password', () => {
  it.each([
    ['1234567', false],
    ['12345678', true],
    ['x'.repeat(128), true],
    ['x'.repeat(129), false],
    ['🌳'.repeat(7), false],
    ['🌳'.repeat(8), true],
    ['🌳'.repeat(128), true],
    ['🌳'.repeat(129), false],
    ['        ', true],
  ])('%j: %s', (password, fits) => {
    expect(hasPasswordLength(password)).toBe(fits);
  });

  it.each([null, undefined, 12345678, ['12345678'], { $gt: '' }, true])(
    '%j is no password',
    (value) => {
      expect(hasPasswordLength(value)).toBe(false);
    },
  );
});

describe('easily guessed passwords', () => {
  it.each(['password', 'password1', '12345678', 'qwertyuiop', 'PassWord', 'iloveyou1'])(
    '%s is refused',
    async (password) => {
      await expect(passwordFault(password, 'ada@example.com', true)).resolves.toMatch(
        /tried first/,
      );
    },
  );

  it('they are accepted where the list is switched off', async () => {
    await expect(passwordFault('password', 'ada@example.com', false)).resolves.toBeNull();
  });

  it('the e-mail address is refused in any case, list or not', async () => {
    await expect(passwordFault('Ada@Example.com', 'ada@example.com', false)).resolves.toMatch(
      /e-mail/,
    );
  });

  it('a sentence is accepted', async () => {
    await expect(
      passwordFault('four small blue boats', 'ada@example.com', true),
    ).resolves.toBeNull();
    await expect(isCommonPassword('four small blue boats')).resolves.toBe(false);
  });
});
