import { createHash } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { canonicalDigest } from './canonical-json.js';
import { readJson } from './json-body.js';

/**
 * What it has to be, written as plainly as can be: keys that were used with an older server keep
 * their fingerprint.
 */
function plainText(value: unknown): string {
  if (typeof value === 'number') return String(value);
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'null';
  if (Array.isArray(value)) return `[${value.map(plainText).join(',')}]`;
  const members = value as Record<string, unknown>;
  const keys = Object.keys(members).sort();
  return `{${keys.map((key) => `${JSON.stringify(key)}:${plainText(members[key])}`).join(',')}}`;
}

const digestOf = (json: string): string =>
  canonicalDigest(readJson(Buffer.from(json))).toString('hex');

describe('the digest of what was asked', () => {
  it('is that of JSON with sorted keys', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 5 }), fc.jsonValue(), (value, other) => {
        const asked = [
          value,
          { 10: other, 9: value, b: [value, null, 'x'], a: '\ud800"\\\n' },
          undefined,
          Infinity,
        ];
        expect(canonicalDigest(asked)).toEqual(
          createHash('sha256').update(plainText(asked)).digest(),
        );
      }),
    );
  });

  it('is that of the whole text where it is handed on in parts', () => {
    const asked = Array.from({ length: 3000 }, (_, n) => ({
      role: 'user',
      content: `ä${n}`,
      [`k${n % 3}`]: [n, 'x'],
    }));
    expect(canonicalDigest(asked)).toEqual(createHash('sha256').update(plainText(asked)).digest());
  });

  it('differs where a digit of metadata does, however their key is written and wherever they lie, and not where the order of keys does', () => {
    const digests = [
      '{"a":1,"metadata":{"x":1.10}}',
      '{"a":1,"metadata":{"x":1.1}}',
      '{"a":1, "m\\u0065tadata" : {"x":1.100} , "b":{"metadata":{"x":1.10}}}',
      '{"a":1, "m\\u0065tadata" : {"x":1.10} , "b":{"metadata":{"x":1.10}}}',
      '{"metadata":{"x":1.1000},"metadata":{"x":1.10},"a":2}',
    ].map(digestOf);
    expect(new Set(digests).size).toBe(5);
    expect(digestOf('{ "metadata" : {"x":1.10}, "a":1 }')).toBe(digests[0]);
    expect(digestOf('{"metadata":{"x":1.1000},"metadata":{"x":1.10},"a":1}')).toBe(digests[0]);
  });
});
