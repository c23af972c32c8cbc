import { ModelError, type ModelInfo, type ModelMessage } from './language-model.js';
import { countedText, fileTokensOf } from './message-size.js';
import type { CountTokens } from './token-counter.js';

/** One earlier exchange that the model is to know. */
export interface Exchange {
  /** Null where the model spoke first. */
  question: string | null;
  /** Null where a question was stored without an answer. */
  response: string | null;
}

export interface CountedExchange extends Exchange {
  /** Tokens of both sides, as they were counted before; null where nobody did. */
  tokens: number | null;
}

/** What a model is given, and what had to be counted for it. */
export interface Fitted<Earlier extends CountedExchange> {
  messages: ModelMessage[];
  counted: Map<Earlier, number>;
}

/** What a message costs besides its words: its role and its borders. */
export const MESSAGE_TOKENS = 4;
/** Exchanges that are counted at a time. */
const COUNTED_AT_ONCE = 64;

/** Tokens that are left of a model's window for what it is asked. */
export const roomOf = ({
  contextTokens,
  outputTokens,
}: Pick<ModelInfo, 'contextTokens' | 'outputTokens'>): number => contextTokens - outputTokens;

/**
 * What a model is given: the system prompt, as many of the earlier pairs as its window has room for
 * beside an answer, and the question. Whole pairs are left out, from the oldest on; never the
 * system prompt, never the question. What was counted before is not counted again, and nothing is
 * counted where even the bytes fit.
 * @param earlier oldest first
 * @throws ModelError question_too_long
 */
export async function fitToWindow<Earlier extends CountedExchange>(
  systemPrompt: string | null,
  earlier: readonly Earlier[],
  question: string | null,
  window: Pick<ModelInfo, 'contextTokens' | 'outputTokens'>,
  count: CountTokens,
): Promise<Fitted<Earlier>> {
  const system: ModelMessage[] =
    systemPrompt === null ? [] : [{ role: 'system', content: systemPrompt }];
  const last: ModelMessage[] = question === null ? [] : [{ role: 'user', content: question }];
  const fixed = [...system, ...last];
  const messagesFrom = (from: number): ModelMessage[] => [
    ...system,
    ...earlier.slice(from).flatMap(messagesOf),
    ...last,
  ];
  const room = roomOf(window);
  if (sum(fixed.map(bytesOf)) + sum(earlier.map(costAtMost)) <= room)
    return { messages: messagesFrom(0), counted: new Map() };
  const left = room - sum(await costsOf(fixed, count));
  if (left < 0) throw questionTooLong(system.length > 0);
  const { from, counted } = await newestThatFit(earlier, left, count);
  return { messages: messagesFrom(from), counted };
}

/**
 * Whether the window has room for the messages as they are, for those who choose their context
 * themselves.
 */
export async function fitsWindow(
  messages: readonly ModelMessage[],
  { contextTokens }: Pick<ModelInfo, 'contextTokens'>,
  count: CountTokens,
): Promise<boolean> {
  if (sum(messages.map(bytesOf)) <= contextTokens) return true;
  let left = contextTokens;
  for (let at = 0; at < messages.length && left >= 0; at += COUNTED_AT_ONCE) {
    left -= sum(await costsOf(messages.slice(at, at + COUNTED_AT_ONCE), count));
  }
  return left >= 0;
}

/**
 * Where the newest exchanges begin that have room together. Counts from the newest on, and not
 * beyond the first that has none.
 */
async function newestThatFit<Earlier extends CountedExchange>(
  earlier: readonly Earlier[],
  room: number,
  count: CountTokens,
) {
  const counted = new Map<Earlier, number>();
  let left = room;
  for (let from = earlier.length; from > 0; from--) {
    const exchange = earlier[from - 1]!;
    if (exchange.tokens === null && !counted.has(exchange))
      await countNewest(earlier.slice(0, from), counted, count);
    const tokens = exchange.tokens ?? counted.get(exchange) ?? textBytes(exchange);
    left -= tokens + borderOf(exchange);
    if (left < 0) return { from, counted };
  }
  return { from: 0, counted };
}

async function countNewest<Earlier extends CountedExchange>(
  earlier: readonly Earlier[],
  counted: Map<Earlier, number>,
  count: CountTokens,
) {
  const next = earlier.filter(({ tokens }) => tokens === null).slice(-COUNTED_AT_ONCE);
  const tokens = await count(next.flatMap(textsOf));
  if (!tokens) return;
  let at = 0;
  for (const exchange of next)
    counted.set(exchange, sum(textsOf(exchange).map(() => tokens[at++]!)));
}

async function costsOf(messages: readonly ModelMessage[], count: CountTokens): Promise<number[]> {
  const tokens = await count(messages.map(countedText));
  return messages.map((message, at) =>
    tokens ? MESSAGE_TOKENS + tokens[at]! + fileTokensOf(message) : bytesOf(message),
  );
}

function messagesOf({ question, response }: Exchange): ModelMessage[] {
  return [
    ...(question === null ? [] : [{ role: 'user', content: question } as const]),
    ...(response === null ? [] : [{ role: 'assistant', content: response } as const]),
  ];
}

const textsOf = ({ question, response }: Exchange): string[] =>
  [question, response].filter((text) => text !== null);
const textBytes = (exchange: Exchange): number =>
  sum(textsOf(exchange).map((text) => Buffer.byteLength(text)));
const borderOf = (exchange: Exchange): number => textsOf(exchange).length * MESSAGE_TOKENS;
const costAtMost = (exchange: CountedExchange): number =>
  (exchange.tokens ?? textBytes(exchange)) + borderOf(exchange);
const bytesOf = (message: ModelMessage): number =>
  MESSAGE_TOKENS + Buffer.byteLength(countedText(message)) + fileTokensOf(message);
const sum = (numbers: readonly number[]): number =>
  numbers.reduce((total, number) => total + number, 0);

const questionTooLong = (withPrompt: boolean): ModelError =>
  new ModelError(
    'question_too_long',
    `The question${withPrompt ? ' with the system prompt' : ''} is longer than this model can read. Shorten it, or choose a model with a larger window.`,
  );
