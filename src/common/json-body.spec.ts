import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { isSound, readJson } from './json-body.js';
import { spoiledText } from './spoiled-text.js';

const readAscii = (value: unknown): object =>
  readJson(
    Buffer.from(
      JSON.stringify(value).replace(
        /[^ -~]/g,
        (sign) => `\\u${sign.charCodeAt(0).toString(16).padStart(4, '0')}`,
      ),
    ),
  ) as object;

describe('a body that was read', () => {
  it('is sound exactly where no string of it is spoiled, by codes in capitals or not', () => {
    const unit = fc.constantFrom(
      'a',
      '\\',
      '"',
      'u',
      '\0',
      '\ud83c',
      '\udf32',
      'ä',
      '\ud800',
      '\n',
      'x'.repeat(80),
    );
    const text = fc.array(unit, { maxLength: 6 }).map((units) => units.join(''));
    fc.assert(
      fc.property(text, text, (key, value) => {
        const body = { [key]: [value], metadata: value };
        expect(isSound(readAscii(body))).toBe(spoiledText(body, '') === null);
      }),
      { numRuns: 1000 },
    );
    expect(isSound(readJson(Buffer.from('{"a":"\\uD83C\\uDF32"}')) as object)).toBe(true);
    expect(isSound(readJson(Buffer.from('{"a":"\\uD83C"}')) as object)).toBe(false);
  });
});
