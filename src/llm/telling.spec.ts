import fc from 'fast-check';
import { fitToWindow } from './context-window.js';
import type { ModelMessage } from './language-model.js';
import type { ReasoningPart } from '../tree/parts.js';
import { isSpeakerName } from './speakers.js';
import { cutFrom, messagesOf, type ToldPair } from './telling.js';

const MODEL = 'm1';
const ids = fc.constantFrom('c1', 'c2', 'c3');
let counter = 0;
/** No two are alike, and none is in another. */
const word = fc.constant(null).map(() => `<w${counter++}>`);
const text = fc.record({ type: fc.constant('text' as const), text: word });
const picture = fc.constant({ type: 'file' as const, file_id: 'f', media_type: 'image/png' });
const instruction = fc.record({
  type: fc.constant('instruction' as const),
  role: fc.constantFrom('system' as const, 'developer' as const),
  text: word,
});
const result = fc.record({ type: fc.constant('tool_result' as const), call_id: ids, output: word });
const call = fc.record({
  type: fc.constant('tool_call' as const),
  call_id: ids,
  name: fc.constantFrom('f', 'g'),
  input: fc.record({ x: word }),
});
const thought = fc.record({
  type: fc.constant('reasoning' as const),
  text: word,
  opaque: fc.option(fc.record({ secret: word }), { nil: undefined }),
});
/** Of the last of them no provider takes the name. */
const author = fc.constantFrom(null, 'ann', 'bob', 'Ann Lee');
const speaker = fc.constantFrom(null, 'bot-1', 'bot-2');
const data = fc.record({ type: fc.constant('data' as const), name: word, value: word });

const pair: fc.Arbitrary<ToldPair> = fc.record({
  question: fc.constant(null),
  response: fc.constant(null),
  question_parts: fc.option(
    fc.array(fc.oneof(text, picture, instruction, result, data), { minLength: 1, maxLength: 4 }),
  ),
  response_parts: fc.option(
    fc.array(fc.oneof(text, call, thought, data), { minLength: 1, maxLength: 4 }),
  ),
  status: fc.constantFrom('complete', 'failed', 'cancelled', 'interrupted', 'redacted'),
  errorCode: fc.constantFrom(null, null, 'question_filtered', 'provider_failed'),
  model: fc.constantFrom(MODEL, 'm2', null),
  author,
  speaker,
});
const question: fc.Arbitrary<ToldPair> = fc.record({
  question: word,
  response: fc.constant(null),
  question_parts: fc.constant(null),
  author,
});
const paths = fc.tuple(fc.option(word), fc.array(pair, { maxLength: 8 }), question);

const callsIn = ({ content }: ModelMessage) =>
  typeof content === 'string' ? [] : content.filter((part) => part.type === 'tool_call');
const textOf = (messages: readonly ModelMessage[]): string => JSON.stringify(messages);
const wordsIn = (value: unknown): string[] => JSON.stringify(value).match(/<w\d+>/g) ?? [];
const isFiltered = ({ status, errorCode }: ToldPair): boolean =>
  status === 'redacted' || errorCode === 'question_filtered';
const isUnanswered = ({ status, response_parts: parts }: ToldPair): boolean =>
  status === 'failed' && (parts ?? []).every(({ type }) => type === 'reasoning');

type Once = (word: string) => number;

/** Each word of a pair as often as it is to be told. */
function expectOnce(one: ToldPair, once: Once): void {
  const answered = isFiltered(one) ? 0 : 1;
  const asked = isUnanswered(one) ? 0 : answered;
  for (const part of one.question_parts ?? []) {
    if (part.type === 'instruction') expect(once(part.text)).toBe(answered);
    if (part.type === 'text') expect(once(part.text)).toBe(asked);
    if (part.type === 'data') expect(once(part.name)).toBe(0);
  }
  for (const part of one.response_parts ?? []) {
    if (part.type === 'text') expect(once(part.text)).toBe(answered);
    if (part.type === 'reasoning') expectThought(part, one, once);
  }
}

function expectThought(part: ReasoningPart, one: ToldPair, once: Once): void {
  if (one.model !== MODEL) expect(once(part.text)).toBe(0);
  else if (part.opaque) expect(once(part.text)).toBe(isFiltered(one) ? 0 : 1);
}

type UserMessage = Extract<ModelMessage, { role: 'user' }>;

const has = (content: unknown, word: string): boolean => JSON.stringify(content).includes(word);
const isAsked = (one: ToldPair): boolean =>
  !isFiltered(one) &&
  !isUnanswered(one) &&
  (one.question !== null ||
    (one.question_parts ?? []).some(({ type }) => type === 'text' || type === 'file'));
const askedWords = ({ question, question_parts: parts }: ToldPair): string[] =>
  question ? [question] : (parts ?? []).flatMap((one) => (one.type === 'text' ? [one.text] : []));

/** @param areMany whether others ask on the path too */
function expectSaidBy(
  { content, name }: UserMessage,
  word: string,
  by: string | null,
  areMany: boolean,
): void {
  if (name !== undefined) return expect(name).toBe(by);
  const before = JSON.stringify(content).split(word)[0]!;
  const told = before.match(/ann|bob|Ann Lee|bot-\d/g)?.at(-1) ?? null;
  if (by === null) expect(before).not.toMatch(/: $/);
  else if (isSpeakerName(by) || areMany) expect(told).toBe(by);
  else expect(told).toBeNull();
}

describe('what a model is told of a path', () => {
  it('alternates between those who speak, and ends with what is asked (A2)', () => {
    fc.assert(
      fc.property(paths, ([system, earlier, last]) => {
        const messages = messagesOf(system, [...earlier, last], MODEL);
        const roles = messages.map(({ role }) => role).filter((role) => role !== 'system');
        for (const [at, role] of roles.entries())
          expect([role, roles[at + 1]]).not.toEqual([role, role]);
        expect(roles.at(-1)).toBe('user');
        expect(textOf(messages.slice(-1))).toContain(last.question!);
        if (system) expect(textOf(messages.slice(0, 1))).toContain(system);
      }),
      { numRuns: 1000 },
    );
  });

  it('has exactly one result right behind each call, and none for no call', () => {
    fc.assert(
      fc.property(paths, ([system, earlier, last]) => {
        const messages = messagesOf(system, [...earlier, last], MODEL);
        for (const [at, message] of messages.entries()) {
          const calls = callsIn(message).map((part) => part.call_id);
          const next = messages[at + 1];
          const results = next?.role === 'tool' ? next.content.map((part) => part.call_id) : [];
          expect(results).toEqual(calls);
        }
        expect(messages[0]!.role).not.toBe('tool');
      }),
      { numRuns: 1000 },
    );
  });

  it('has every instruction, question and answer once and in its order, but what failed or was refused (A1)', () => {
    fc.assert(
      fc.property(paths, ([system, earlier, last]) => {
        const pairs = [...earlier, last];
        const told = textOf(messagesOf(system, pairs, MODEL));
        for (const one of pairs) expectOnce(one, (word) => told.split(word).length - 1);
      }),
      { numRuns: 500 },
    );
  });

  it('has what each of them says in its order', () => {
    fc.assert(
      fc.property(paths, ([system, earlier, last]) => {
        const pairs = [...earlier, last];
        const spoken = ['user', 'assistant'] as const;
        for (const role of spoken) {
          const order = messagesOf(system, pairs, MODEL)
            .filter((message) => message.role === role)
            .flatMap(({ content }) =>
              typeof content === 'string'
                ? wordsIn(content)
                : wordsIn(content.filter(({ type }) => type === 'text')),
            )
            .map((one) => Number(one.slice(2, -1)));
          const said = pairs
            .flatMap((one) => [
              ...(role === 'user' && one.question ? [one.question] : []),
              ...((role === 'user' ? one.question_parts : one.response_parts) ?? [])
                .filter(({ type }) => type === 'text')
                .flatMap(wordsIn),
            ])
            .map((one) => Number(one.slice(2, -1)));
          expect(order).toEqual(said.filter((one) => order.includes(one)));
        }
      }),
      { numRuns: 500 },
    );
  });

  it('has who says each word, as the name of its message or in front of the words', () => {
    fc.assert(
      fc.property(paths, ([system, earlier, last]) => {
        const pairs = [...earlier, last];
        const messages = messagesOf(system, pairs, MODEL);
        const asked = pairs.filter(isAsked);
        const areMany = new Set(asked.map((one) => one.author)).size > 1;
        for (const one of asked)
          for (const word of askedWords(one)) {
            const user = messages.find(
              ({ role, content }) => role === 'user' && has(content, word),
            );
            expectSaidBy(user as UserMessage, word, one.author ?? null, areMany);
          }
      }),
      { numRuns: 1000 },
    );
  });

  it('has the names of assistants, and of nobody else who answers', () => {
    fc.assert(
      fc.property(paths, ([system, earlier, last]) => {
        const answers = messagesOf(system, [...earlier, last], MODEL).filter(
          ({ role }) => role === 'assistant',
        );
        for (const { speaker, response_parts: parts } of earlier)
          for (const part of parts ?? []) {
            const answer = answers.find(
              ({ content }) => part.type === 'text' && has(content, part.text),
            );
            if (!answer || part.type !== 'text') continue;
            expectSaidBy(answer as UserMessage, part.text, speaker ?? null, false);
          }
      }),
      { numRuns: 1000 },
    );
  });

  it('is cut at the edge of a pair alone, and never so that a result loses its call', async () => {
    await fc.assert(
      fc.asyncProperty(paths, fc.nat(900), async ([system, earlier, last], room) => {
        const counted = earlier.map((one) => ({ ...one, tokens: null }));
        const path = { systemPrompt: system, earlier: counted, question: last };
        const window = { contextTokens: room + 120, outputTokens: 100, id: MODEL };
        const bytes = async (texts: readonly string[]) =>
          texts.map((one) => Buffer.byteLength(one));
        const found = await fitToWindow(path, window, bytes).catch((error: Error) => error.name);
        if (found === 'ModelError') return;
        const { messages } = found as { messages: ModelMessage[] };
        const tails = [...earlier.keys(), earlier.length].map((from) => [
          ...earlier.slice(from),
          last,
        ]);
        const at = tails.findIndex(
          (tail) => textOf(messagesOf(system, tail, MODEL)) === textOf(messages),
        );
        expect(at).toBeGreaterThanOrEqual(0);
        const whole = messagesOf(system, [...earlier, last], MODEL);
        const results = (all: ModelMessage[]) =>
          all.flatMap((one) =>
            one.role === 'tool' ? one.content.map(({ output }) => output) : [],
          );
        // What is told of its results is what the whole path tells of them.
        expect(results(whole).slice(-results(messages).length || Infinity)).toEqual(
          results(messages),
        );
      }),
      { numRuns: 500 },
    );
  });

  it('names the next place for a cut that no result reaches over', () => {
    const calls = (call_id: string): ToldPair => ({
      question: 'q',
      response: null,
      response_parts: [{ type: 'tool_call', call_id, name: 'f', input: {} }],
    });
    const results = (call_id: string): ToldPair => ({
      question: null,
      response: 'a',
      question_parts: [{ type: 'tool_result', call_id, output: 'x' }],
    });
    const pairs = [calls('a'), results('a'), calls('b'), results('b')];
    expect([0, 1, 2, 3, 4].map((from) => cutFrom(pairs, from))).toEqual([0, 2, 2, 4, 4]);
  });

  it('refuses what is too long where it may not be cut', async () => {
    const earlier = [{ question: 'x'.repeat(300), response: 'y', tokens: null }];
    const path = { systemPrompt: null, earlier, question: { question: 'q', response: null } };
    const window = { contextTokens: 200, outputTokens: 100 };
    const count = async (texts: readonly string[]) => texts.map(({ length }) => length);
    await expect(fitToWindow({ ...path, mayCut: false }, window, count)).rejects.toMatchObject({
      code: 'question_too_long',
    });
    expect((await fitToWindow(path, window, count)).messages).toEqual([
      { role: 'user', content: 'q' },
    ]);
  });
});
