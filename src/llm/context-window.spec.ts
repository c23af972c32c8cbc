import fc from 'fast-check';
import { type CountedPair, fitToWindow } from './context-window.js';
import { ModelError } from './language-model.js';
import { messagesOf } from './telling.js';
import type { CountTokens } from './token-counter.js';

type Counter = (text: string) => number;

const texts = fc.string({ maxLength: 40 });
const pairs = fc.array(
  fc.record({ question: texts, response: fc.option(texts), isCounted: fc.boolean() }),
  { maxLength: 30 },
);
/** Counters as different as tokenizers are, none above a token for a byte. */
const counters = fc.constantFrom<Counter>(
  Buffer.byteLength,
  (text) => Math.ceil(text.length / 4),
  (text) => text.split(/\s+/).filter(Boolean).length,
);
const cases = fc.record({
  system: fc.option(texts),
  pairs,
  question: texts,
  room: fc.nat({ max: 1500 }),
  count: counters,
});

const tokensOf = (
  { question, response }: Pick<CountedPair, 'question' | 'response'>,
  count: Counter,
): number => count(question ?? '') + (response === null ? 0 : count(response));
const asked = (question: string) => ({ question, response: null });
const all =
  (count: Counter): CountTokens =>
  async (list) =>
    list.map(count);
const nobody: CountTokens = () => Promise.reject(new Error('counted'));

const textsOf = ({ question, response }: CountedPair): string[] =>
  [question, response].filter((text) => text !== null);
/** What pairs cost by themselves: told together they cost less, never more. */
const costOf = (texts: readonly string[], count: Counter): number =>
  texts.reduce((sum, text) => sum + 4 + count(text), 0);

/**
 * The plain meaning: the first of the shorter and shorter contexts that fits; null when the
 * question alone is too long.
 */
function wanted(
  system: string | null,
  earlier: CountedPair[],
  question: string,
  room: number,
  count: Counter,
) {
  const last = { question, response: null, tokens: null };
  const prompt = system === null ? [] : [system];
  const from = [...earlier.keys(), earlier.length].find(
    (at) => costOf([...prompt, ...[...earlier.slice(at), last].flatMap(textsOf)], count) <= room,
  );
  return from === undefined ? null : messagesOf(system, [...earlier.slice(from), last]);
}

/** What the model is given; null when the question alone is too long. */
async function fitted(
  system: string | null,
  earlier: CountedPair[],
  question: string,
  room: number,
  count: CountTokens,
) {
  try {
    return await fitToWindow(
      { systemPrompt: system, earlier, question: asked(question) },
      { contextTokens: room + 100, outputTokens: 100 },
      count,
    );
  } catch (error) {
    expect(error).toBeInstanceOf(ModelError);
    expect((error as ModelError).code).toBe('question_too_long');
    return null;
  }
}

describe('what a model is given', () => {
  it('is the prompt, the newest pairs and the question, as much as fits and nothing else, whatever was counted before', async () => {
    await fc.assert(
      fc.asyncProperty(cases, async ({ system, pairs: said, question, room, count }) => {
        const earlier = said.map(({ isCounted, ...pair }) => ({
          ...pair,
          tokens: isCounted ? tokensOf(pair, count) : null,
        }));
        const found = await fitted(system, earlier, question, room, all(count));
        expect(found?.messages ?? null).toEqual(wanted(system, earlier, question, room, count));
        for (const [pair, tokens] of found?.counted ?? [])
          expect([pair.tokens, tokens]).toEqual([null, tokensOf(pair, count)]);
      }),
      { numRuns: 500 },
    );
  });

  it('is cut by the bytes, which are never too few, where nothing can be counted', async () => {
    await fc.assert(
      fc.asyncProperty(cases, async ({ system, pairs: said, question, room }) => {
        const earlier = said.map(({ question: asked, response }) => ({
          question: asked,
          response,
          tokens: null,
        }));
        const found = await fitted(system, earlier, question, room, async () => null);
        expect(found?.messages ?? null).toEqual(
          wanted(system, earlier, question, room, Buffer.byteLength),
        );
        expect(found?.counted.size ?? 0).toBe(0);
      }),
      { numRuns: 200 },
    );
  });

  it('is not counted at all when there are fewer bytes than tokens', async () => {
    const window = { contextTokens: 200, outputTokens: 100 };
    const earlier = [{ question: 'a', response: 'b', tokens: null }];
    const { messages } = await fitToWindow(
      { systemPrompt: 'Be brief.', earlier, question: asked('c') },
      window,
      nobody,
    );
    expect(messages.map(({ role }) => role)).toEqual(['system', 'user', 'assistant', 'user']);
  });

  it('is counted from the newest pair on, and not beyond those that have room', async () => {
    const earlier = Array.from({ length: 1000 }, (_, i) => ({
      question: `${i}`.repeat(50),
      response: 'a',
      tokens: i < 995 ? null : 1,
    }));
    const window = { contextTokens: 600, outputTokens: 100 };
    const { messages, counted } = await fitToWindow(
      { systemPrompt: null, earlier, question: asked('q') },
      window,
      all(Buffer.byteLength),
    );
    expect([messages.length, counted.size]).toEqual([15, 64]);
  });

  it('a question that cannot fit says so in words for people', async () => {
    const window = { contextTokens: 200, outputTokens: 100 };
    const count = all((text) => text.length);
    const fit = (systemPrompt: string | null, question: string) =>
      fitToWindow({ systemPrompt, earlier: [], question: asked(question) }, window, count);
    await expect(fit(null, 'x'.repeat(200))).rejects.toThrow(/^The question is longer than/);
    await expect(fit('x'.repeat(200), 'y')).rejects.toThrow(/^The question with the system prompt/);
  });
});
