import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { excerptOf } from './search-excerpt.js';
import { neighboursOf } from './search-word-places.js';
import { readQuery, type SearchQuery, tsqueryOf } from './search-query.js';
import { foldOf, tokensOf } from './search-tokens.js';
import { textsOf } from './search-text.js';
import { accountKey, conversationWord, Vectors } from './search-vector.js';

const ANN = '019aa1b0-5e6f-7081-92a3-b4c5d6e7f809';
const ROOT = '019aa1b2-c3d4-7e5f-8a6b-7c8d9e0f1a2b';
/** Letters of many scripts, marks, digits, quotes and what is none of these. */
const text = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 60 }),
  fc.string({
    unit: fc.constantFrom(...'abcXYZé ß_-\'"*.+#1北京大学カタ한국어กขअि\u0301\u00ad\u200f😀👍🏽'),
    maxLength: 60,
  }),
);
const queryOf = (q: string): SearchQuery => {
  const query = readQuery(q);
  if (typeof query === 'string') throw new Error(query);
  return query;
};
const lexemes = (of: string): string[] => tokensOf(of).map(({ lexeme }) => lexeme);

describe('the words of a text', () => {
  it('are the same whatever case, accents and form of Unicode it is written in', () => {
    expect(lexemes('Über den STRASSEN')).toEqual(lexemes('uber den straßen'.normalize('NFD')));
    expect(foldOf('ÇA VA Łódź')).toBe('ca va lodz');
  });

  it('stand where they say, in order, and none is empty or has what PostgreSQL would read as a sign', () => {
    fc.assert(
      fc.property(text, (said) => {
        let last = 0;
        for (const { lexeme, position, from, to } of tokensOf(said)) {
          expect(position === last || position === last + 1).toBe(true);
          last = position;
          expect(from < to && to <= said.length).toBe(true);
          expect(lexeme).toMatch(/^[^'\\\s&|!():*<>@/\0]+$/u);
          expect(lexeme.isWellFormed?.() ?? true).toBe(true);
        }
      }),
    );
  });

  it('are the same with marks in them that nobody sees, which are read another way', () => {
    const plain = fc.string({ unit: fc.constantFrom(...'abXYZ019_ .-—'), maxLength: 60 });
    fc.assert(
      fc.property(plain, (said) => {
        const marked = said.replace(/[a-z\d_]+/gi, (word) => `${word}\u00ad`);
        const wordsOf = (text: string) =>
          tokensOf(text).map(({ lexeme, position }) => [lexeme, position]);
        expect(wordsOf(marked)).toEqual(wordsOf(said));
      }),
    );
  });

  it('are cut where they are long, and take part in the index as far as it holds', () => {
    expect(lexemes('x'.repeat(5000))).toEqual(['x'.repeat(64)]);
    const many = Array.from({ length: 90_000 }, (_, n) => `wort${n}`).join(' ');
    const vectors = new Vectors();
    vectors.add(ANN, ROOT, { question: many, response: many });
    expect(vectors.toBuffer().length).toBeLessThan(2 ** 20);
  });
});

/** Words of the one vector with their positions, as PostgreSQL would read them. */
function vectorIn(bytes: Buffer): [word: string, places: number[]][] {
  expect([0, 4, 8, 12, 16].map((at) => bytes.readInt32BE(at))).toEqual([1, 0, 3614, 1, 1]);
  expect(bytes.readInt32BE(20)).toBe(bytes.length - 24);
  let at = 28;
  const words = Array.from({ length: bytes.readInt32BE(24) }, (): [string, number[]] => {
    const word = bytes.toString('utf8', at, (at = bytes.indexOf(0, at)));
    const places = Array.from({ length: bytes.readUInt16BE(at + 1) }, (_, i) =>
      bytes.readUInt16BE(at + 3 + 2 * i),
    );
    at += 3 + 2 * places.length;
    return [word, places];
  });
  expect(at).toBe(bytes.length);
  return words;
}

describe('the vector of a pair', () => {
  it('has each word once and in order, with its places in order, or PostgreSQL would not take it', () => {
    const long = text.map((said) => `${said} ${'x'.repeat(64)}_${said} `.repeat(700));
    fc.assert(
      fc.property(fc.oneof(text, { arbitrary: long, weight: 1 }), text, (question, response) => {
        const vectors = new Vectors();
        vectors.add(ANN, ROOT, { question, response });
        const words = vectorIn(vectors.toBuffer());
        const sorted = words.map(([word]) => Buffer.from(word));
        expect(sorted.slice(1).every((word, i) => Buffer.compare(sorted[i]!, word) < 0)).toBe(true);
        for (const [, places] of words) {
          const bare = places.map((place) => place & 0x3fff);
          expect(bare).toEqual([...new Set(bare)].sort((a, b) => a - b));
          expect(places.length).toBeLessThan(256);
        }
        const said = [...lexemes(question), ...lexemes(response)];
        const placed = words.flatMap(([word, places]) =>
          places.length > 0 ? [word.slice(4)] : [],
        );
        expect(placed.sort()).toEqual([...new Set(said)].sort());
      }),
      { numRuns: 60 },
    );
  });

  it('says where each word stands, on which side, and which two follow each other', () => {
    fc.assert(
      fc.property(text, text, (question, response) => {
        const vectors = new Vectors();
        vectors.add(ANN, ROOT, { question, response });
        const words = new Map(vectorIn(vectors.toBuffer()));
        const [asked, told] = [tokensOf(question), tokensOf(response)];
        const behind = (asked.at(-1)?.position ?? 0) + 16;
        const sides = [
          { tokens: asked, first: (3 << 14) + 2 },
          { tokens: told, first: (2 << 14) + 2 + behind },
        ];
        const key = accountKey(ANN);
        const known = new Set([conversationWord(ANN, ROOT)]);
        for (const { tokens, first } of sides)
          for (const { lexeme, position } of tokens) {
            expect(words.get(key + lexeme)).toContain(first + position);
            const before = tokens.findLast((token) => token.position === position - 1);
            const pair = before && key + neighboursOf(before.lexeme, lexeme);
            if (pair) expect(words.get(pair)).toEqual([]);
            for (const word of [key + lexeme, pair ?? []].flat()) known.add(word);
          }
        expect(new Set(words.keys())).toEqual(known);
      }),
    );
  });

  it('is the same whatever pairs were put before it, and however long', () => {
    const texts = fc.record({ question: text, response: text });
    const long = Array.from({ length: 3000 }, (_, n) => `wort${n} ist lang`).join(' ');
    fc.assert(
      fc.property(texts, texts, (first, pair) => {
        const [alone, together] = [new Vectors(), new Vectors()];
        alone.add(ANN, ROOT, pair);
        for (const one of [first, { question: long, response: first.response }, pair])
          together.add(ANN, ROOT, one);
        const vector = alone.toBuffer().subarray(20);
        expect(together.toBuffer().subarray(-vector.length)).toEqual(vector);
      }),
      { numRuns: 30 },
    );
  });
});

describe('what is searched of a pair', () => {
  it('is the text of each side, and the names of its files and tools', () => {
    const body = {
      question_parts: [
        { type: 'text', text: 'look at this' },
        { type: 'file', file_id: ROOT, media_type: 'application/pdf', name: 'fjords.pdf' },
      ],
      response_parts: [
        { type: 'reasoning', text: 'a thought' },
        { type: 'tool_call', call_id: 'c1', name: 'get_tides', input: { harbour: 'Bergen' } },
      ],
      ...{ settings: null, question: 'look at this', response: null, metadata: null },
    };
    expect(textsOf(JSON.stringify(body))).toEqual({
      question: 'look at this\nfjords.pdf',
      response: 'get_tides',
    });
  });
});

describe('a query', () => {
  it('finds every text by a piece of it that begins and ends with a word', () => {
    fc.assert(
      fc.property(text, fc.nat(), fc.nat(), (said, a, b) => {
        const tokens = tokensOf(said);
        fc.pre(tokens.length > 0);
        const [first, last] = [a % tokens.length, b % tokens.length].sort((x, y) => x - y);
        const piece = said.slice(tokens[first!]!.from, tokens[last!]!.to).replace(/["“”„«»]/g, ' ');
        const query = readQuery(`"${piece}"`);
        fc.pre(typeof query !== 'string' && lexemes(piece).length > 0);
        // What is in the piece is in the text, in the same order.
        expect(excerptOf(piece, query as SearchQuery)).not.toBeNull();
      }),
    );
  });

  it('of anything at all is read, or refused in words, and never becomes a query that PostgreSQL cannot read', () => {
    fc.assert(
      fc.property(text, (q) => {
        const query = readQuery(q);
        if (typeof query === 'string') return;
        const signs = tsqueryOf(query, ANN, 'question').replace(/'[^'\\]+'(:\*?A)?/g, 'w');
        expect(signs).toMatch(/^[w&|!() <>-]+$/);
        expect(signs).not.toMatch(/w w|\(\)|w\(/);
      }),
    );
  });

  it.each([
    ['a b', "('kw-a') & ('kw-b')"],
    ['"a b"', "('kw-a' <-> 'kw-b')"],
    ['a OR b', "('kw-a') | ('kw-b')"],
    ['a -b', "('kw-a') & !('kw-b')"],
    ['a*', "('kw-a':*)"],
    ['getUser', "('kw-getuser' | ('kw-get' <-> 'kw-user'))"],
    ['東京都', "('kw-東京' <-> 'kw-京都')"],
    ['京', "('kw-京':*)"],
    ['x.y/z', "('kw-x' <-> 'kw-y' <-> 'kw-z')"],
  ])('%s', (q, expected) => {
    const key = conversationWord(ANN, ROOT).split('/')[0]!;
    expect(tsqueryOf(queryOf(q), ANN, undefined, 'rank').replaceAll(`'${key}`, "'kw-")).toBe(
      `(${expected})`,
    );
  });
});

describe('an excerpt', () => {
  const excerptIn = (said: string, q: string) => excerptOf(said, queryOf(q));

  it('is a piece of the text, no longer than people read, with ranges in it that are in order', () => {
    const query = queryOf('a* OR 北 OR get');
    fc.assert(
      fc.property(fc.array(text, { maxLength: 30 }), (parts) => {
        const said = parts.join(' ');
        const excerpt = excerptOf(said, query);
        fc.pre(excerpt !== null);
        expect(said).toContain(excerpt!.text);
        expect(excerpt!.ranges.length).toBeGreaterThan(0);
        const ends = excerpt!.ranges.flat();
        expect(ends).toEqual([...ends].sort((x, y) => x - y));
        expect(ends.at(-1)!).toBeLessThanOrEqual(excerpt!.text.length);
        expect(excerpt!.text).not.toMatch(/^[\udc00-\udfff]/);
        expect(excerpt!.text).not.toMatch(/[\ud800-\udbff]$/);
      }),
    );
  });

  it('has what was found, however far behind it stands', () => {
    const said = `${'before '.repeat(3000)}needle ${'after '.repeat(3000)}`;
    const excerpt = excerptIn(said, 'needle')!;
    expect(excerpt.ranges.map(([from, to]) => excerpt.text.slice(from, to))).toEqual(['needle']);
    expect(excerpt.text.length).toBeLessThanOrEqual(240);
  });

  it('marks a phrase as one, a word that is put together by its parts, and nothing that is not there', () => {
    expect(excerptIn('a b a b c', '"a b c"')!.ranges).toEqual([[4, 9]]);
    expect(excerptIn('call getUserById now', 'get_user')!.ranges).toEqual([[5, 12]]);
    expect(excerptIn('a c b', '"a b"')).toBeNull();
  });
});
