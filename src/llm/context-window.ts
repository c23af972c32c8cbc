import { ModelError, type ModelInfo, type ModelMessage } from './language-model.js';

/** One earlier exchange that the model is to know. */
export interface Exchange {
  question: string;
  /** Null where a question was stored without an answer. */
  response: string | null;
}

/** What a message costs besides its words: its role and its borders. */
const MESSAGE_TOKENS = 4;

/**
 * What a model is given: the system prompt, as many of the earlier pairs as its window has room for beside an answer, and the question.
 * Whole pairs are left out, from the oldest on; never the system prompt, never the question.
 * @param earlier oldest first
 * @param countTokens must not count more tokens than a text has bytes in UTF-8; no tokenizer does
 * @throws ModelError question_too_long
 */
export function fitToWindow(
  systemPrompt: string | null,
  earlier: readonly Exchange[],
  question: string,
  { contextTokens, outputTokens }: Pick<ModelInfo, 'contextTokens' | 'outputTokens'>,
  countTokens: (text: string) => number,
): ModelMessage[] {
  const room = contextTokens - outputTokens;
  const system: ModelMessage[] = systemPrompt === null ? [] : [{ role: 'system', content: systemPrompt }];
  const asked: ModelMessage = { role: 'user', content: question };
  const pairs = earlier.map(messagesOf);
  const everything = [...system, ...pairs.flat(), asked];
  // Counting is slow; a short chat is known to fit without it.
  if (costOf(everything, Buffer.byteLength) <= room) return everything;
  const left = room - costOf([...system, asked], countTokens);
  if (left < 0) throw questionTooLong(system.length > 0);
  return [...system, ...newestThatFit(pairs, left, countTokens).flat(), asked];
}

/** Whether the window has room for the messages as they are, for those who choose their context themselves. */
export function fitsWindow(
  messages: readonly ModelMessage[],
  { contextTokens }: Pick<ModelInfo, 'contextTokens'>,
  countTokens: (text: string) => number,
): boolean {
  return costOf(messages, Buffer.byteLength) <= contextTokens || costOf(messages, countTokens) <= contextTokens;
}

function newestThatFit(pairs: ModelMessage[][], room: number, countTokens: (text: string) => number): ModelMessage[][] {
  let left = room;
  for (let at = pairs.length - 1; at >= 0; at--) {
    left -= costOf(pairs[at]!, countTokens);
    if (left < 0) return pairs.slice(at + 1);
  }
  return pairs;
}

function messagesOf({ question, response }: Exchange): ModelMessage[] {
  const asked: ModelMessage = { role: 'user', content: question };
  return response === null ? [asked] : [asked, { role: 'assistant', content: response }];
}

const costOf = (messages: readonly ModelMessage[], count: (text: string) => number): number =>
  messages.reduce((sum, { content }) => sum + MESSAGE_TOKENS + count(content), 0);

const questionTooLong = (withPrompt: boolean): ModelError =>
  new ModelError(
    'question_too_long',
    `The question${withPrompt ? ' with the system prompt' : ''} is longer than this model can read. Shorten it, or choose a model with a larger window.`,
  );
