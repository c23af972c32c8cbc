import fc from 'fast-check';
import { countTokens } from './token-counter.js';

describe('tokens', () => {
  it('are those of o200k_base', () => {
    expect(countTokens('')).toBe(0);
    expect(countTokens('hello world')).toBe(2);
    expect(countTokens(' the quick brown fox'.repeat(100))).toBeLessThanOrEqual(404);
  });

  it('are never more than the bytes of the text', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 2000 }), (text) => countTokens(text) <= Buffer.byteLength(text)),
      { numRuns: 200 },
    );
  });

  it('of what looks like a control token are counted as of any text', () => {
    expect(countTokens('<|endoftext|>')).toBeGreaterThan(1);
  });

  it.each([
    ['one letter', 'a'],
    ['blanks', ' '],
    ['punctuation', '!@#$%^&*'],
    ['accents', '\u0301'],
    ['random letters', Array.from({ length: 131_072 }, () => String.fromCharCode(97 + Math.random() * 26)).join('')],
  ])('of 128 KiB of nothing but %s are counted soon: not in the square of its length', (_, text) => {
    countTokens('x'); // loads the encoding
    const started = performance.now();
    countTokens(text.repeat(131_072 / text.length));
    expect(performance.now() - started).toBeLessThan(4000);
  });
});
