import fc from 'fast-check';
import { highlightsOf, type Quotable } from './highlights.js';

const texts: Quotable[] = [
  { responseId: 'a', text: 'Where does the midnight sun begin?' },
  { responseId: 'a', text: 'The midnight sun begins at the Arctic Circle. Bring a coat.' },
  { responseId: 'b', text: 'Thanks!' },
  { responseId: 'c', text: 'How do I get to the Arctic Circle?' },
  {
    responseId: 'c',
    text: 'The night train to Bodø crosses the Arctic Circle. It has a restaurant.',
  },
];

describe('highlights', () => {
  it('are what is said most about, in the order of the path, one of each pair', () => {
    expect(highlightsOf(texts)).toEqual([
      { response_id: 'a', quote: 'The midnight sun begins at the Arctic Circle.' },
      { response_id: 'b', quote: 'Thanks!' },
      { response_id: 'c', quote: 'The night train to Bodø crosses the Arctic Circle.' },
    ]);
  });

  it('of nothing are none', () => {
    expect(highlightsOf([])).toEqual([]);
    expect(highlightsOf([{ responseId: 'a', text: ' \n ' }])).toEqual([]);
  });

  it('of scripts without spaces are sentences too', () => {
    expect(
      highlightsOf([{ responseId: 'a', text: '白夜はどこから始まりますか。北極圏からです。' }]),
    ).toHaveLength(1);
  });

  it('are literally there, at most five, of different pairs, and the same every time', () => {
    const text = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 400 }),
      fc.lorem({ maxCount: 30, mode: 'sentences' }),
      fc.string({ size: 'large' }),
    );
    fc.assert(
      fc.property(fc.array(text, { maxLength: 12 }), (all) => {
        const quotables = all.map((one, i) => ({ responseId: String(i >> 1), text: one }));
        const highlights = highlightsOf(quotables);
        expect(highlightsOf(quotables)).toEqual(highlights);
        expect(highlights.length).toBeLessThanOrEqual(5);
        expect(new Set(highlights.map(({ response_id }) => response_id)).size).toBe(
          highlights.length,
        );
        for (const { response_id, quote } of highlights) {
          expect(quote.trim()).not.toBe('');
          expect(
            quotables.some((one) => one.responseId === response_id && one.text.includes(quote)),
          ).toBe(true);
        }
      }),
    );
  });

  it('are cut at a word where a sentence is long', () => {
    const { quote } = highlightsOf([{ responseId: 'a', text: 'word '.repeat(500) }])[0]!;
    expect([quote.length <= 280, quote.endsWith('word')]).toEqual([true, true]);
  });
});
