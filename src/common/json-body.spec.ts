import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { BODY_BOUNDS, CHAT_BOUNDS, isSound, MEMBERS_MAX, readJson } from './json-body.js';
import { Problem } from './problems.js';
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

describe('the bounds of a body', () => {
  const numbered = (count: number): object =>
    Object.fromEntries(Array.from({ length: count }, (_, n) => [n, 0]));
  const read = (value: unknown) => () => readJson(Buffer.from(JSON.stringify(value)), CHAT_BOUNDS);

  it('bear an object of so many members wherever it lies, and none of one more', () => {
    for (const holder of [
      (value: object) => value,
      (value: object) => ({ a: [{}, { b: value }] }),
    ]) {
      expect(read(holder(numbered(MEMBERS_MAX)))).not.toThrow();
      expect(read(holder(numbered(MEMBERS_MAX + 1)))).toThrow(Problem);
    }
  });

  it('count the members of each object, and items of lists only together with all the rest', () => {
    const lists = { a: Array.from({ length: 20 * MEMBERS_MAX - 1000 }, () => 0) };
    expect(read(lists)).not.toThrow();
    expect(read([1, 2, 3].map(() => numbered(MEMBERS_MAX)))).not.toThrow();
  });

  it('are levels and values, of which there may be as many as they say', () => {
    const tower = (levels: number): string => '['.repeat(levels) + ']'.repeat(levels);
    const ofText = (text: string) => () => readJson(Buffer.from(text));
    expect(ofText(tower(BODY_BOUNDS.levels))).not.toThrow();
    expect(ofText(tower(BODY_BOUNDS.levels + 1))).toThrow(Problem);
    const items = (count: number): string => `[${'0,'.repeat(count - 1)}0]`;
    expect(ofText(items(BODY_BOUNDS.values))).not.toThrow();
    expect(ofText(items(BODY_BOUNDS.values + 1))).toThrow(Problem);
  });
});
