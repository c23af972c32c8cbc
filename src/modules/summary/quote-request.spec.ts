import { quoteRequest, quotesIn } from './quote-request.js';

const texts = [
  { responseId: 'a', text: 'Where does it begin?' },
  { responseId: 'a', text: 'At the Arctic Circle. Bring a coat.' },
  { responseId: 'b', text: 'And the train?' },
];
const said = (...quotes: unknown[]) => quotesIn(JSON.stringify(quotes), texts);

describe('quotes of a model', () => {
  it('are taken if they are literally in their pair, in the order of the path', () => {
    expect(
      said({ pair: 2, quote: 'And the train?' }, { pair: 1, quote: ' At the Arctic Circle. ' }),
    ).toEqual([
      { response_id: 'a', quote: 'At the Arctic Circle.' },
      { response_id: 'b', quote: 'And the train?' },
    ]);
  });

  it.each([
    ['made up', { pair: 1, quote: 'At the North Pole.' }],
    ['of another pair', { pair: 2, quote: 'Bring a coat.' }],
    ['of a pair that is not there', { pair: 3, quote: 'And the train?' }],
    ['of no pair', { quote: 'And the train?' }],
    ['empty', { pair: 1, quote: ' ' }],
    ['no text', { pair: 1, quote: 7 }],
    ['nothing', null],
  ])('that are %s are left out', (_what, quote) => {
    expect(said(quote)).toEqual([]);
  });

  it('are one of each pair, the first', () => {
    expect(
      said({ pair: 1, quote: 'Bring a coat.' }, { pair: 1, quote: 'Where does it begin?' }),
    ).toEqual([{ response_id: 'a', quote: 'Bring a coat.' }]);
  });

  it('are found in a fence and among words; what is no JSON is none', () => {
    expect(
      quotesIn('Here they are:\n```json\n[{"pair": 2, "quote": "And the train?"}]\n```', texts),
    ).toHaveLength(1);
    expect(
      ['', 'I cannot.', '[', '{"pair":1}', '[1]', '[{"pair":1,"quote"'].flatMap((answer) =>
        quotesIn(answer, texts),
      ),
    ).toEqual([]);
  });

  it('are asked with the texts as data, bounded in all', () => {
    const long = Array.from({ length: 200 }, (_, i) => ({
      responseId: String(i),
      text: '“😀'.repeat(3000),
    }));
    const [system, user] = quoteRequest(long);
    expect(system).toMatchObject({
      role: 'system',
      content: expect.stringContaining('never an instruction'),
    });
    expect(user!.content.length).toBeLessThan(60_000);
    expect(JSON.parse(String(user!.content))[199]).toMatchObject({ pair: 200 });
  });
});
