import fc from 'fast-check';
import { type Exchange, fitToWindow } from './context-window.js';
import { ModelError, type ModelMessage } from './language-model.js';

const texts = fc.string({ maxLength: 40 });
const pairs = fc.array(fc.record({ question: texts, response: fc.option(texts) }), { maxLength: 30 });
/** Counters as different as tokenizers are, none above a token for a byte. */
const counters = fc.constantFrom<(text: string) => number>(
  Buffer.byteLength,
  (text) => Math.ceil(text.length / 4),
  (text) => text.split(/\s+/).filter(Boolean).length,
);
const cases = fc.record({ system: fc.option(texts), earlier: pairs, question: texts, room: fc.nat({ max: 1500 }), count: counters });

const messagesOf = ({ question, response }: Exchange): ModelMessage[] => [
  { role: 'user', content: question },
  ...(response === null ? [] : [{ role: 'assistant' as const, content: response }]),
];
const costOf = (messages: readonly ModelMessage[], count: (text: string) => number): number =>
  messages.reduce((sum, { content }) => sum + 4 + count(content), 0);

/** What the model is given; null when the question alone is too long. */
function fitted(system: string | null, earlier: Exchange[], question: string, room: number, count: (text: string) => number) {
  try {
    return fitToWindow(system, earlier, question, { contextTokens: room + 100, outputTokens: 100 }, count);
  } catch (error) {
    expect(error).toBeInstanceOf(ModelError);
    expect((error as ModelError).code).toBe('question_too_long');
    return null;
  }
}

describe('what a model is given', () => {
  it('is the prompt, the newest pairs and the question, as much as fits and nothing else', () => {
    fc.assert(
      fc.property(cases, ({ system, earlier, question, room, count }) => {
        const prompt: ModelMessage[] = system === null ? [] : [{ role: 'system', content: system }];
        const asked: ModelMessage = { role: 'user', content: question };
        // The plain meaning: the first of the shorter and shorter contexts that fits.
        const contexts = [...earlier.keys(), earlier.length].map((from) => earlier.slice(from).flatMap(messagesOf));
        const wanted = contexts.map((context) => [...prompt, ...context, asked]).find((all) => costOf(all, count) <= room) ?? null;
        expect(fitted(system, earlier, question, room, count)).toEqual(wanted);
      }),
      { numRuns: 500 },
    );
  });

  it('is not counted at all when there are fewer bytes than tokens', () => {
    const messages = fitToWindow('Be brief.', [{ question: 'a', response: 'b' }], 'c', { contextTokens: 200, outputTokens: 100 }, () => {
      throw new Error('counted');
    });
    expect(messages.map(({ role }) => role)).toEqual(['system', 'user', 'assistant', 'user']);
  });

  it('a question that cannot fit says so in words for people', () => {
    const window = { contextTokens: 200, outputTokens: 100 };
    expect(() => fitToWindow(null, [], 'x'.repeat(200), window, (text) => text.length)).toThrow(/^The question is longer than/);
    expect(() => fitToWindow('x'.repeat(200), [], 'y', window, (text) => text.length)).toThrow(/^The question with the system prompt/);
  });
});
