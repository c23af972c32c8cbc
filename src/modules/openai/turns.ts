import { jsonIn } from '../../common/exact-json.js';
import {
  type InstructionPart,
  type Part,
  type QuestionPart,
  type ResponsePart,
  sideOf,
  type TextPart,
} from '../../tree/parts.js';
import {
  PARTS_BYTES_MAX,
  PARTS_MAX,
  QUESTION_BYTES_MAX,
  RESPONSE_BYTES_MAX,
} from '../../tree/part-rules.js';
import { invalidField } from '../../common/problems.js';
import type { ModelMessage } from '../../llm/language-model.js';
import { messagesOf, type ToldPair } from '../../llm/telling.js';
import type { Draft, WholePair } from '../message/append.service.js';
import { compactedText } from './compaction.js';
import { contentParts } from './input-content.js';
import type { CallItem, InputItem, MessageItem, ReasoningItem, ResultItem } from './input-items.js';
import { itemIn } from './openai-ids.js';
import { unsealed } from './sealed-thoughts.js';

/**
 * What becomes a pair: what people, systems and tools say, and what the model says behind it. A
 * side that nobody has is empty.
 */
export interface Turn {
  question: QuestionPart[];
  response: ResponsePart[];
  /** The pair that one of its items is a part of, as the item's id says. */
  known: string | null;
  /** The name of who says the question, in chat completions. */
  author?: string;
  /** The same of the response. */
  speaker?: string;
}

/**
 * Items as turns, in their order. A message of a user begins one, and so does what a tool gave
 * behind an answer; of two answers in a row the second has no question. What systems and developers
 * say goes with the question behind it. What somebody says by name is nobody else's turn.
 */
export function turnsOf(items: readonly InputItem[]): Turn[] {
  const sheet = new Sheet();
  for (const item of items) sheet.add(item);
  return sheet.end();
}

class Sheet {
  private readonly turns: Turn[] = [];
  /** What was said to the model since the last question, and belongs to the next one. */
  private waiting: Turn = emptyTurn();

  add(item: InputItem): void {
    if (item.type === 'function_call') this.answer(item, [callPart(item)]);
    else if (item.type === 'reasoning') this.answer(item, [reasoningPart(item)]);
    else if (item.type === 'function_call_output') this.result(item);
    else if (item.type === 'compaction')
      this.instruct(item, 'developer', compactedText(item.encrypted_content)!);
    else if (item.role === 'assistant') this.say(item);
    else if (item.role === 'user')
      this.ask(item, contentParts(item.content) as QuestionPart[], item.name);
    else this.instruct(item, item.role, textOf(item), item.name);
  }

  end(): Turn[] {
    this.settle();
    return this.turns;
  }

  private ask(item: InputItem, parts: QuestionPart[], author?: string): void {
    if (this.waiting.author !== undefined) this.settle();
    const { question, known } = this.takeWaiting();
    this.turns.push({
      question: [...question, ...parts],
      response: [],
      known: knownBy(item) ?? known,
      ...(author !== undefined && { author }),
    });
  }

  private instruct(
    item: InputItem,
    role: InstructionPart['role'],
    text: string,
    author?: string,
  ): void {
    if (this.waiting.author !== author) this.settle();
    if (author !== undefined) this.waiting.author = author;
    this.waiting.question.push({ type: 'instruction', role, text });
    this.waiting.known ??= knownBy(item);
  }

  private result(item: ResultItem): void {
    const { call_id, output } = item;
    const part: QuestionPart = {
      type: 'tool_result',
      call_id,
      output: typeof output === 'string' ? output : contentParts(output),
    };
    const last = this.turns.at(-1);
    // Results of calls that were made together are one question.
    const isMore = last && last.response.length === 0 && this.waiting.question.length === 0;
    if (isMore && last.question.every(({ type }) => type === 'tool_result')) {
      last.question.push(part);
      last.known ??= knownBy(item);
    } else this.ask(item, [part]);
  }

  private say(item: MessageItem): void {
    this.answer(item, contentParts(item.content, item.phase), item.name);
  }

  private answer(item: InputItem, parts: ResponsePart[], speaker?: string): void {
    this.settle();
    const last = this.turns.at(-1);
    const isSecond = last && isSaid(parts) && isSaid(last.response) && !isOfPair(last, item);
    if (last && !isSecond && !isOther(last, speaker)) {
      last.response.push(...parts);
      last.known = knownBy(item) ?? last.known;
      if (speaker !== undefined) last.speaker = speaker;
    } else
      this.turns.push({
        ...{ question: [], response: [...parts], known: knownBy(item) },
        ...(speaker !== undefined && { speaker }),
      });
  }

  /** Instructions that no question came behind go with the one before, or are one by themselves. */
  private settle(): void {
    const waiting = this.takeWaiting();
    const { question, author } = waiting;
    if (question.length === 0) return;
    const last = this.turns.at(-1);
    const isOfLast = last && last.response.length === 0 && author === undefined;
    if (isOfLast && !isNamedInstruction(last)) last.question.push(...question);
    else this.turns.push(waiting);
  }

  private takeWaiting(): Turn {
    const { waiting } = this;
    this.waiting = emptyTurn();
    return waiting;
  }
}

const emptyTurn = (): Turn => ({ question: [], response: [], known: null });

/** The pair that an item is a part of, if its id is one of ours. */
const knownBy = ({ id }: InputItem): string | null => itemIn(id)?.responseId ?? null;

const isOfPair = ({ known }: Turn, item: InputItem): boolean =>
  known !== null && knownBy(item) === known;

const isOther = ({ speaker }: Turn, next: string | undefined): boolean =>
  speaker !== undefined && next !== undefined && speaker !== next;

const isNamedInstruction = ({ author, question }: Turn): boolean =>
  author !== undefined && question.every(({ type }) => type === 'instruction');

const isSaid = (parts: readonly ResponsePart[]): boolean =>
  parts.some(({ type }) => type === 'text' || type === 'refusal');

const textOf = ({ content }: MessageItem): string =>
  contentParts(content)
    .map((part) => (part as TextPart).text)
    .join('\n');

const callPart = ({ call_id, name, arguments: input }: CallItem): ResponsePart => ({
  type: 'tool_call',
  call_id,
  name,
  input: jsonIn(input),
});

function reasoningPart({ summary, content, encrypted_content }: ReasoningItem): ResponsePart {
  const joined = (texts: readonly { text: string }[] | null | undefined): string =>
    (texts ?? []).map(({ text }) => text).join('\n');
  const short = joined(summary);
  return {
    type: 'reasoning',
    text: joined(content),
    ...(short && { summary: short }),
    ...(encrypted_content && { opaque: unsealed(encrypted_content) }),
  };
}

/** A turn as a pair that is there as a whole. */
export const spokenOf = ({ question, response }: Turn): WholePair => ({
  question: null,
  response: null,
  question_parts: question,
  response_parts: response.length > 0 ? response : null,
});

/** The same to be appended: nobody is asked for an answer that it has not. */
export const draftOf = (turn: Turn): Draft => {
  const { response_parts, question_parts } = spokenOf(turn);
  return { said: { question_parts }, response: null, response_parts };
};

/** @throws 422 for a side that is too long */
export function assertFit(turns: readonly Turn[], field: string): void {
  for (const { question, response } of turns) {
    const fault =
      sideFault(question, 'a question', QUESTION_BYTES_MAX) ??
      sideFault(response, 'an answer', RESPONSE_BYTES_MAX);
    if (fault) throw invalidField(field, fault);
  }
}

function sideFault(parts: readonly Part[], what: string, textMax: number): string | null {
  if (parts.length > PARTS_MAX) return `: ${what} must have at most ${PARTS_MAX} parts`;
  const { text, parts: others } = sideOf(parts);
  if (Buffer.byteLength(text ?? '') > textMax)
    return `: the text of ${what} must have at most ${textMax} bytes of UTF-8`;
  const beside = others?.filter(({ type }) => type !== 'text') ?? [];
  return Buffer.byteLength(JSON.stringify(beside)) > PARTS_BYTES_MAX
    ? `: what ${what} has beside its text must have at most ${PARTS_BYTES_MAX} bytes as JSON`
    : null;
}

/** @throws 422 for a result of a call that is not there, and for a call that is there twice */
export function assertResults(turns: readonly Turn[], field = 'input'): void {
  const calls = new Set<string>();
  for (const { question, response } of turns) {
    for (const part of question)
      if (part.type === 'tool_result' && !calls.has(part.call_id))
        throw invalidField(field, `has a result for ${part.call_id}, which nobody has called`);
    for (const part of response) {
      if (part.type !== 'tool_call') continue;
      if (calls.has(part.call_id)) throw invalidField(field, `calls ${part.call_id} twice`);
      calls.add(part.call_id);
    }
  }
}

/** A turn as the model is told it. */
export const toldOf = ({ question, response, author, speaker }: Turn): ToldPair => ({
  question: null,
  response: null,
  author: author ?? null,
  speaker: speaker ?? null,
  question_parts: question.length > 0 ? question : null,
  response_parts: response.length > 0 ? response : null,
});

/** Of whom a client's thoughts are that nobody keeps here: it knows to whom it sends them. */
const THE_ASKED = 'the model that is asked';

/** What a model is told where nothing is kept: all that the client sends, thoughts too. */
export const toldByClient = (instructions: string | null, turns: readonly Turn[]): ModelMessage[] =>
  messagesOf(
    instructions,
    turns.map((turn) => ({ ...toldOf(turn), model: THE_ASKED })),
    THE_ASKED,
  );
