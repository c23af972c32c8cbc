import fc from 'fast-check';
import { type CountedExchange, fitToWindow } from './context-window.js';
import { ModelError, type ModelMessage, textOfMessage } from './language-model.js';
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
  { question, response }: Pick<CountedExchange, 'question' | 'response'>,
  count: Counter,
): number => count(question ?? '') + (response === null ? 0 : count(response));
const all =
  (count: Counter): CountTokens =>
  async (list) =>
    list.map(count);
const nobody: CountTokens = () => Promise.reject(new Error('counted'));

const messagesOf = ({ question, response }: CountedExchange): ModelMessage[] => [
  { role: 'user', content: question! },
  ...(response === null ? [] : [{ role: 'assistant' as const, content: response }]),
];
const costOf = (messages: readonly ModelMessage[], count: Counter): number =>
  messages.reduce((sum, one) => sum + 4 + count(textOfMessage(one)), 0);

/**
 * The plain meaning: the first of the shorter and shorter contexts that fits; null when the
 * question alone is too long.
 */
function wanted(
  system: string | null,
  earlier: CountedExchange[],
  question: string,
  room: number,
  count: Counter,
) {
  const prompt: ModelMessage[] = system === null ? [] : [{ role: 'system', content: system }];
  const contexts = [...earlier.keys(), earlier.length].map((from) =>
    earlier.slice(from).flatMap(messagesOf),
  );
  const whole = contexts.map((context) => [
    ...prompt,
    ...context,
    { role: 'user' as const, content: question },
  ]);
  return whole.find((messages) => costOf(messages, count) <= room) ?? null;
}

/** What the model is given; null when the question alone is too long. */
async function fitted(
  system: string | null,
  earlier: CountedExchange[],
  question: string,
  room: number,
  count: CountTokens,
) {
  try {
    return await fitToWindow(
      system,
      earlier,
      question,
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
    const { messages } = await fitToWindow(
      'Be brief.',
      [{ question: 'a', response: 'b', tokens: null }],
      'c',
      window,
      nobody,
    );
    expect(messages.map(({ role }) => role)).toEqual(['system', 'user', 'assistant', 'user']);
  });

  it('is counted from the newest pair on, and not beyond those that have room', async () => {
    const earlier = Array.from({ length: 1000 }, (_, i) => ({
      question: `${i}`.repeat(50),
      response: null,
      tokens: i < 995 ? null : 1,
    }));
    const window = { contextTokens: 600, outputTokens: 100 };
    const { messages, counted } = await fitToWindow(
      null,
      earlier,
      'q',
      window,
      all(Buffer.byteLength),
    );
    expect([messages.length, counted.size]).toEqual([9, 64]);
  });

  it('a question that cannot fit says so in words for people', async () => {
    const window = { contextTokens: 200, outputTokens: 100 };
    const count = all((text) => text.length);
    await expect(fitToWindow(null, [], 'x'.repeat(200), window, count)).rejects.toThrow(
      /^The question is longer than/,
    );
    await expect(fitToWindow('x'.repeat(200), [], 'y', window, count)).rejects.toThrow(
      /^The question with the system prompt/,
    );
  });
});
