import { describe, expect, it } from '@jest/globals';
import { bearerToken, unauthorized } from './bearer.js';
import { stopwatch } from '../../../test/support/machine-clock.js';

describe('the Authorization header', () => {
  it.each([
    ['Bearer abc.def-_~+/', 'abc.def-_~+/'],
    ['bearer abc==', 'abc=='],
    ['BEARER   abc ', 'abc'],
  ])('%j brings a token', (header, token) => {
    expect(bearerToken(header)).toBe(token);
  });

  it.each([
    undefined,
    '',
    'Bearer',
    'Bearer ',
    'Basic YTpi',
    'Bearer a b',
    'Bearer a,b',
    'Bearer =abc',
    'Bearerabc',
    'Token abc',
    'Bearer é',
  ])('%j brings none', (header) => {
    expect(bearerToken(header)).toBeNull();
  });

  it('a long header that almost fits is refused quickly', () => {
    const ran = stopwatch();
    expect(bearerToken(`Bearer ${'='.repeat(100_000)}!`)).toBeNull();
    expect(bearerToken(`Bearer ${'a'.repeat(100_000)} !`)).toBeNull();
    // in the square of its length it takes minutes
    expect(ran()).toBeLessThan(2000);
  });

  it('the refusal names an error only where something was brought (RFC 6750, 3.1)', () => {
    expect(unauthorized(false).details.headers).toEqual({
      'www-authenticate': 'Bearer realm="banyan"',
    });
    expect(unauthorized(true).details.headers).toEqual({
      'www-authenticate': 'Bearer realm="banyan", error="invalid_token"',
    });
  });
});
