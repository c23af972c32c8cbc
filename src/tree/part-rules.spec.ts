import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { PARTS_BYTES_MAX, PARTS_MAX, partsFault, type SideName } from './part-rules.js';
import { isPlain, type Part, partsOfSide, sideOf, textOf } from './parts.js';

const TEXT_BYTES_MAX = 256 * 1024;
const name = fc
  .string({ minLength: 1, maxLength: 40 })
  .filter((text) => /^[^\p{Cc}]*\S[^\p{Cc}]*$/u.test(text));
const text = fc.record({
  type: fc.constant('text'),
  text: fc.string({ minLength: 1 }).map((one) => `${one}.`),
});
const result = (id: string) =>
  fc.record({ type: fc.constant('tool_result'), call_id: fc.constant(id), output: fc.jsonValue() });
const call = (id: string) =>
  fc.record({
    type: fc.constant('tool_call'),
    call_id: fc.constant(id),
    name,
    input: fc.jsonValue(),
  });
const both = [
  text,
  fc.record({
    type: fc.constant('file'),
    file_id: fc.uuid(),
    media_type: fc.constant('image/png'),
  }),
  fc.record({ type: fc.constant('data'), name, value: fc.jsonValue() }),
  fc.record({ type: fc.constant('other'), format: name, value: fc.jsonValue() }),
];
const kinds = {
  question: [
    ...both,
    fc.record({
      type: fc.constant('instruction'),
      role: fc.constantFrom('system', 'developer'),
      text: fc.constant('Be brief.'),
    }),
    fc.uuid().chain(result),
  ],
  response: [
    ...both,
    fc.uuid().chain(call),
    fc.uuid().chain(result),
    fc.record({ type: fc.constant('reasoning'), text: fc.string() }),
    fc.record({ type: fc.constant('source'), url: fc.webUrl(), anything: fc.jsonValue() }),
    fc.record({ type: fc.constant('refusal'), text: fc.constant('No.') }),
  ],
};
const side = fc.constantFrom<SideName>('question', 'response');
const sides = side.chain((one) =>
  fc.tuple(
    fc.constant(one),
    fc.array(fc.oneof(...(kinds[one] as fc.Arbitrary<object>[])), { minLength: 1, maxLength: 8 }),
  ),
);

describe('the parts of a side', () => {
  it('are taken where each is of the side and has its fields', () => {
    fc.assert(
      fc.property(sides, ([one, parts]) =>
        expect(partsFault(one, parts, TEXT_BYTES_MAX)).toBeNull(),
      ),
    );
  });

  it('that are any JSON are taken or refused, and never break the check', () => {
    const wild = fc.oneof(
      fc.jsonValue(),
      fc.array(
        fc.oneof(
          fc.jsonValue(),
          fc.dictionary(fc.constantFrom('type', 'text', 'call_id', 'url'), fc.jsonValue()),
        ),
      ),
    );
    fc.assert(
      fc.property(side, wild, (one, parts) => {
        const fault = partsFault(one, parts, TEXT_BYTES_MAX);
        if (fault) expect(fault.path).toMatch(/^(\.\d+(\..*)?)?$/su);
        else expect(Array.isArray(parts)).toBe(true);
      }),
    );
  });

  it('with one field too many, or one that is missing, are refused by its name', () => {
    fc.assert(
      fc.property(sides, fc.nat(), ([one, parts], pick) => {
        const n = pick % parts.length;
        const part = parts[n] as Record<string, unknown>;
        if (part['type'] !== 'source') {
          const more = parts.with(n, { ...part, surplus: 1 });
          expect(partsFault(one, more, TEXT_BYTES_MAX)?.path).toBe(`.${n}.surplus`);
        }
        const { type: _, ...less } = part;
        expect(partsFault(one, parts.with(n, less), TEXT_BYTES_MAX)?.path).toBe(`.${n}.type`);
      }),
    );
  });

  it('are bounded in number, in text and in what is beside the text', () => {
    const words = { type: 'text', text: 'x' };
    const fault = (parts: unknown[]) => partsFault('response', parts, TEXT_BYTES_MAX)?.message;
    const fill = (length: number) => ({ type: 'data', name: 'n', value: 'ä'.repeat(length / 2) });
    expect(fault(Array.from({ length: PARTS_MAX }, () => words))).toBeUndefined();
    expect(fault(Array.from({ length: PARTS_MAX + 1 }, () => words))).toMatch(/500 parts/);
    expect(
      fault([{ ...words, text: 'x'.repeat(TEXT_BYTES_MAX) }, fill(PARTS_BYTES_MAX - 200)]),
    ).toBeUndefined();
    expect(fault([{ ...words, text: 'x'.repeat(TEXT_BYTES_MAX) }, words])).toMatch(
      /bytes of UTF-8/,
    );
    expect(fault([words, fill(PARTS_BYTES_MAX)])).toMatch(/bytes of JSON/);
  });
});

describe('a side', () => {
  it('has the text of its text parts, and gives back the parts that it was made of', () => {
    fc.assert(
      fc.property(sides, ([, parts]) => {
        const made = sideOf(parts as Part[]);
        expect(made.text).toBe(textOf(parts as Part[]));
        expect(made.parts === null).toBe(isPlain(parts as Part[]));
        expect(partsOfSide(made)).toEqual(parts);
      }),
    );
  });
});
