import { isObject } from '../../common/is-object.js';
import type { ModelMessage } from '../../llm/language-model.js';
import { QUESTION_BYTES_MAX, RESPONSE_BYTES_MAX } from '../message/message.dto.js';

const ROLES = ['user', 'assistant', 'system', 'developer'] as const;
export const TEXTS = ['input_text', 'output_text', 'text'];
/** As many as OpenAI takes of one input. */
const ITEMS_MAX = 2048;

/** An item of an input, once `inputFault` has found nothing. */
export interface InputItem {
  role: (typeof ROLES)[number];
  content: string | readonly { text: string }[];
}

export type Input = string | readonly InputItem[];

/** A pair of texts. */
export interface TextPair {
  question: string;
  response: string | null;
}

/** What was said, apart from what the model is told to be. */
export interface Told {
  /** What systems and developers say; empty where they say nothing. */
  instructions: string;
  pairs: TextPair[];
}

/** What is wrong with the `input` of a request, for people; null when nothing is. */
export function inputFault(input: unknown): string | null {
  if (typeof input === 'string') return input.trim() === '' ? 'must not be empty or blank' : null;
  return itemsFault(input, ITEMS_MAX);
}

/** The same of a list. */
export function itemsFault(items: unknown, max: number): string | null {
  if (!Array.isArray(items) || items.length === 0 || items.length > max)
    return `must be a list of 1 to ${max} items`;
  for (const [at, item] of items.entries()) {
    const fault = itemFault(item);
    if (fault) return `[${at}]${fault}`;
  }
  return null;
}

function itemFault(item: unknown): string | null {
  if (!isObject(item)) return ' must be an object with role and content';
  const { type = 'message', role, content } = item;
  if (typeof type !== 'string') return '.type must be a string';
  if (type !== 'message')
    return `.type: only messages are supported here, not ${type.slice(0, 40)}`;
  if (!ROLES.includes(role as InputItem['role']))
    return `.role must be one of: ${ROLES.join(', ')}`;
  if (typeof content === 'string')
    return content.trim() === '' ? '.content must not be empty or blank' : null;
  if (!Array.isArray(content) || content.length === 0)
    return '.content must be a string or a list of text parts';
  return partsFault(content);
}

function partsFault(parts: unknown[]): string | null {
  for (const [at, part] of parts.entries()) {
    if (!isObject(part) || typeof part.type !== 'string')
      return `.content[${at}] must be an object with a type`;
    if (!TEXTS.includes(part.type))
      return `.content[${at}].type: only text is supported here, not ${part.type.slice(0, 40)}`;
    if (typeof part.text !== 'string') return `.content[${at}].text must be a string`;
  }
  return textOf(parts as { text: string }[]).trim() === ''
    ? '.content must not be empty or blank'
    : null;
}

/**
 * Items as pairs: what a user says is a question, and what the assistant says right behind it its
 * response. A question without one is a pair without a response.
 * @returns why not, where the order or the length of the items does not allow it
 */
export function toldIn(items: readonly InputItem[]): Told | string {
  const told: Told = { instructions: '', pairs: [] };
  const instructions: string[] = [];
  let open: TextPair | null = null;
  for (const [at, { role, content }] of items.entries()) {
    const text = textOf(content);
    if (role === 'user') told.pairs.push((open = { question: text, response: null }));
    else if (role !== 'assistant') instructions.push(text);
    else if (open) {
      open.response = text;
      open = null;
    } else
      return `[${at}].role: what an assistant says is stored as the response to the question before it, and there is none`;
  }
  return lengthFault(told.pairs) ?? { ...told, instructions: instructions.join('\n\n') };
}

function lengthFault(pairs: readonly TextPair[]): string | null {
  for (const { question, response } of pairs) {
    if (Buffer.byteLength(question) > QUESTION_BYTES_MAX)
      return `: a message of a user must have at most ${QUESTION_BYTES_MAX} bytes of UTF-8`;
    if (Buffer.byteLength(response ?? '') > RESPONSE_BYTES_MAX)
      return `: a message of an assistant must have at most ${RESPONSE_BYTES_MAX} bytes of UTF-8`;
  }
  return null;
}

/** An input as items. */
export const itemsOf = (input: Input): readonly InputItem[] =>
  typeof input === 'string' ? [{ role: 'user', content: input }] : input;

/**
 * The items for a model that is told nothing else: what systems and developers say comes first, in
 * one.
 */
export function messagesOf(items: readonly InputItem[], instructions: string): ModelMessage[] {
  const isInstruction = ({ role }: InputItem): boolean => role === 'system' || role === 'developer';
  const prompt = [
    instructions,
    ...items.filter(isInstruction).map(({ content }) => textOf(content)),
  ]
    .filter(Boolean)
    .join('\n\n');
  const said = items.filter((item) => !isInstruction(item));
  const system: ModelMessage[] = prompt === '' ? [] : [{ role: 'system', content: prompt }];
  return [
    ...system,
    ...said.map(({ role, content }) => ({
      role: role as 'user' | 'assistant',
      content: textOf(content),
    })),
  ];
}

const textOf = (content: InputItem['content']): string =>
  typeof content === 'string' ? content : content.map(({ text }) => text).join('');
