import { ModelError, type ModelInfo, type ModelMessage } from './language-model.js';
import { countedText, fileTokensOf, partFileTokens, partText } from './message-size.js';
import { cutFrom, messagesOf, questionParts, responseParts, type ToldPair } from './telling.js';
import type { CountTokens } from './token-counter.js';

export interface CountedPair extends ToldPair {
  /** Tokens of both sides, as they were counted before; null where nobody did. */
  tokens: number | null;
}

/** A path on its way to a model. */
export interface Path<Earlier extends CountedPair> {
  systemPrompt: string | null;
  /** Oldest first. */
  earlier: readonly Earlier[];
  question: ToldPair;
  /** Whether pairs were left out of it already; false where absent. */
  isCut?: boolean;
  /** Whether pairs may be left out; true where absent. */
  mayCut?: boolean;
}

/** What a model is given, and what had to be counted for it. */
export interface FittedContext<Earlier extends CountedPair> {
  messages: ModelMessage[];
  counted: Map<Earlier, number>;
}

type Window = Pick<ModelInfo, 'contextTokens' | 'outputTokens'> & { id?: string };

/** What a message costs besides its words: its role and its borders. */
export const MESSAGE_TOKENS = 4;
/** Exchanges that are counted at a time. */
const COUNTED_AT_ONCE = 64;

/** Tokens that are left of a model's window for what it is asked. */
export const roomOf = ({ contextTokens, outputTokens }: Window): number =>
  contextTokens - outputTokens;

/**
 * What a model is given: the system prompt, as many of the earlier pairs as its window has room for
 * beside an answer, and the question. Whole pairs are left out, from the oldest on, and never so
 * that a result loses its call; never the system prompt, never the question. What was counted
 * before is not counted again, and nothing is counted where even the bytes fit.
 * @throws ModelError question_too_long
 */
export async function fitToWindow<Earlier extends CountedPair>(
  path: Path<Earlier>,
  window: Window,
  count: CountTokens,
): Promise<FittedContext<Earlier>> {
  const { systemPrompt, earlier, question, isCut = false, mayCut = true } = path;
  const { from, counted } = await placeOfCut(path, roomOf(window), count);
  if (!mayCut && (isCut || from > 0)) throw mayNotBeCut();
  const pairs = [...earlier, question];
  const cut = cutFrom(pairs, from);
  const messages = messagesOf(systemPrompt, pairs.slice(cut), window.id);
  if (cut === pairs.length || isUnasked(question, messages))
    throw questionTooLong(systemPrompt !== null);
  return { messages, counted };
}

/** Where the newest pairs begin that have room. @throws question_too_long */
async function placeOfCut<Earlier extends CountedPair>(
  { systemPrompt, earlier, question }: Path<Earlier>,
  room: number,
  count: CountTokens,
): Promise<{ from: number; counted: Map<Earlier, number> }> {
  const system = systemPrompt === null ? [] : [systemPrompt];
  const fixed = [...system, ...textsOf(question)];
  const files = filesOf(question) + fixed.length * MESSAGE_TOKENS;
  if (files + bytesOfAll(fixed) + sum(earlier.map(costAtMost)) <= room)
    return { from: 0, counted: new Map() };
  const left = room - files - sum((await count(fixed)) ?? [bytesOfAll(fixed)]);
  if (left < 0) throw questionTooLong(system.length > 0);
  return newestThatFit(earlier, left, count);
}

/** Of a question that is results alone, whether their calls had no room beside them. */
const isUnasked = (question: ToldPair, messages: readonly ModelMessage[]): boolean =>
  questionParts(question).some(({ type }) => type === 'tool_result') &&
  !['user', 'tool'].includes(messages.findLast(({ role }) => role !== 'system')?.role ?? '');

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

/** Counts from the newest pair on, and not beyond the first that has no room. */
async function newestThatFit<Earlier extends CountedPair>(
  earlier: readonly Earlier[],
  room: number,
  count: CountTokens,
) {
  const counted = new Map<Earlier, number>();
  let left = room;
  for (let from = earlier.length; from > 0; from--) {
    const pair = earlier[from - 1]!;
    if (pair.tokens === null && !counted.has(pair))
      await countNewest(earlier.slice(0, from), counted, count);
    left -= (pair.tokens ?? counted.get(pair) ?? bytesOfPair(pair)) + borderOf(pair);
    if (left < 0) return { from, counted };
  }
  return { from: 0, counted };
}

async function countNewest<Earlier extends CountedPair>(
  earlier: readonly Earlier[],
  counted: Map<Earlier, number>,
  count: CountTokens,
) {
  const next = earlier.filter(({ tokens }) => tokens === null).slice(-COUNTED_AT_ONCE);
  const tokens = await count(next.flatMap(textsOf));
  if (!tokens) return;
  let at = 0;
  for (const pair of next)
    counted.set(pair, filesOf(pair) + sum(textsOf(pair).map(() => tokens[at++]!)));
}

async function costsOf(messages: readonly ModelMessage[], count: CountTokens): Promise<number[]> {
  const tokens = await count(messages.map(countedText));
  return messages.map((message, at) =>
    tokens ? MESSAGE_TOKENS + tokens[at]! + fileTokensOf(message) : bytesOf(message),
  );
}

const partsOf = (pair: ToldPair) => [...questionParts(pair), ...responseParts(pair)];
const textsOf = (pair: ToldPair): string[] => partsOf(pair).map(partText);
const filesOf = (pair: ToldPair): number => sum(partsOf(pair).map(partFileTokens));
const borderOf = (pair: ToldPair): number => partsOf(pair).length * MESSAGE_TOKENS;
const bytesOfAll = (texts: readonly string[]): number =>
  sum(texts.map((text) => Buffer.byteLength(text)));
const bytesOfPair = (pair: ToldPair): number => filesOf(pair) + bytesOfAll(textsOf(pair));
const costAtMost = (pair: CountedPair): number =>
  (pair.tokens ?? bytesOfPair(pair)) + borderOf(pair);
const bytesOf = (message: ModelMessage): number =>
  MESSAGE_TOKENS + Buffer.byteLength(countedText(message)) + fileTokensOf(message);
const sum = (numbers: readonly number[]): number =>
  numbers.reduce((total, number) => total + number, 0);

const mayNotBeCut = (): ModelError =>
  new ModelError(
    'question_too_long',
    'The conversation is longer than this model can read, and may not be cut (truncation: disabled).',
  );
const questionTooLong = (withPrompt: boolean): ModelError =>
  new ModelError(
    'question_too_long',
    `The question${withPrompt ? ' with the system prompt' : ''} is longer than this model can read. Shorten it, or choose a model with a larger window.`,
  );
