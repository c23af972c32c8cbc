import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { exactEntries, exactJson, jsonIn, rememberDigits, rememberMembers } from './exact-json.js';

function readBack(text: string): unknown {
  const value: unknown = JSON.parse(text);
  rememberDigits(value, text);
  return value;
}

function membersIn(text: string): { metadata: object } {
  const value = JSON.parse(text) as { metadata: object };
  rememberMembers(value, text, ['metadata', 'nothing']);
  return value;
}

describe('JSON with its digits', () => {
  it.each([
    '1546130668394913822',
    '1.10',
    '1e400',
    '-0',
    '0.1000',
    '1E5',
    '-1e-7',
    '100000000000000000000000',
    '12',
    '-1.5',
    '1e+21',
  ])('a number is written as it came: %s', (number) => {
    const text = `{"a":${number},"b":[${number},{"c":"1.10 -0 \\"1e5\\" \\\\"}],"__proto__":${number}}`;
    const value = readBack(text);
    expect(exactJson(value)).toBe(text);
    expect(exactEntries(value as object)[0]).toEqual(['a', number]);
  });

  it('what is not remembered, and what has no such number, is written as ever', () => {
    expect(exactJson({ a: 1.5, b: [null, 'x'] })).toBe('{"a":1.5,"b":[null,"x"]}');
    expect(exactJson(readBack('{ "a" : 1 , "b" : "\\u00e4" }'))).toBe('{"a":1,"b":"ä"}');
    expect(exactJson(null)).toBe('null');
  });

  it('a member is found in the JSON around it, the last one of a name as with JSON.parse', () => {
    const text = '{"metadata":{"a":1.10},"question":"metadata\\":1.20","metadata":{"a":2.30}}';
    const { metadata } = membersIn(text);
    expect(exactJson(metadata)).toBe('{"a":2.30}');
  });

  it('a long text beside it is no trouble', () => {
    const text = `{"long":"${'x\\"1.10'.repeat(500_000)}","metadata":{"a":1.10}}`;
    const { metadata } = membersIn(text);
    expect(exactJson(metadata)).toBe('{"a":1.10}');
  });

  it('what was read keeps its digits in what is made of it', () => {
    const input = readBack('{"n":1.10}');
    const made = [{ type: 'tool_call', input }, { list: [1, [input]], n: 1.5 }, null];
    const text = '[{"type":"tool_call","input":{"n":1.10}},{"list":[1,[{"n":1.10}]],"n":1.5},null]';
    expect(exactJson(made)).toBe(text);
    expect(made[0]).toEqual({ type: 'tool_call', input: { n: 1.1 } });
  });

  it('in a text it is read with its digits, and stays a text where it is none or too deep', () => {
    const nested = (levels: number) => `${'[{"a":'.repeat(levels)}1.10${'}]'.repeat(levels)}`;
    expect(exactJson(jsonIn('{"n":12345678901234567890,"s":"[[\\"[["}'))).toBe(
      '{"n":12345678901234567890,"s":"[[\\"[["}',
    );
    expect(exactJson(jsonIn(nested(29)))).toBe(nested(29));
    for (const text of [nested(30), nested(100_000), '{"a":', 'no JSON', '\\"'.repeat(100_000)])
      expect(jsonIn(text)).toBe(text);
  });

  it('of a member that was read, whatever is taken out of it keeps them, and a copy', () => {
    const text = '{"metadata":{"parts":[{"input":{"n":1.10},"n":[2.50]}]},"question":"x"}';
    const { metadata } = membersIn(text) as { metadata: { parts: { input: object }[] } };
    const [part] = metadata.parts;
    expect(exactJson(part!.input)).toBe('{"n":1.10}');
    expect(exactJson({ ...part, more: 1 })).toBe('{"input":{"n":1.10},"n":[2.50],"more":1}');
  });

  it('any JSON comes back as JSON.stringify writes it, where its numbers survive', () => {
    fc.assert(
      fc.property(fc.json(), (text) => {
        const value: unknown = JSON.parse(text);
        const written = JSON.stringify(value);
        // The one character by which digits are marked; no text that is kept has it.
        fc.pre(!written.includes('\\u0000'));
        expect(exactJson(readBack(written))).toBe(written);
      }),
    );
  });
});
