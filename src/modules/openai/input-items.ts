import { isLonger } from '../../common/text-length.js';
import { isObject } from '../../common/is-object.js';
import { compactedText } from './compaction.js';
import { contentFault, type InputContent } from './input-content.js';
import { type ItemType, unreadFault } from './item-fields.js';

export const ROLES = ['user', 'assistant', 'system', 'developer'] as const;
export const PHASES = ['commentary', 'final_answer'] as const;
/** As many as OpenAI takes of one input. */
export const ITEMS_MAX = 2048;
const NAME_CHARS_MAX = 128;
/** As long as OpenAI's; ours and those of other providers are shorter. */
const CALL_ID_CHARS_MAX = 256;

const NAMELESS =
  '.name: messages have none here, as at OpenAI; leave it out, or ask /v1/chat/completions';

/** Items of an input, once `itemsFault` has found nothing. */
export type InputItem = MessageItem | CallItem | ResultItem | ReasoningItem | CompactionItem;

export interface MessageItem {
  type?: 'message';
  id?: string | null;
  role: (typeof ROLES)[number];
  content: string | readonly InputContent[];
  phase?: (typeof PHASES)[number] | null;
  /** Who says it: of chat completions alone. */
  name?: string;
}

export interface CallItem {
  type: 'function_call';
  id?: string | null;
  call_id: string;
  name: string;
  arguments: string;
}

export interface ResultItem {
  type: 'function_call_output';
  id?: string | null;
  call_id: string;
  output: string | readonly InputContent[];
}

export interface ReasoningItem {
  type: 'reasoning';
  id?: string | null;
  summary?: readonly { text: string }[] | null;
  content?: readonly { text: string }[] | null;
  encrypted_content?: string | null;
}

export interface CompactionItem {
  type: 'compaction';
  id?: string | null;
  encrypted_content: string;
}

/** Names an item that is kept here; it stands for it. */
export interface ReferenceItem {
  type: 'item_reference';
  id: string;
}

export type Input = string | readonly (InputItem | ReferenceItem)[];

type FaultOf = (item: Record<string, unknown>) => string | null;

const FAULTS: Readonly<Record<ItemType, FaultOf>> = {
  message: messageFault,
  function_call: callFault,
  function_call_output: resultFault,
  reasoning: reasoningFault,
  compaction: ({ encrypted_content: content }) =>
    typeof content === 'string' && compactedText(content) !== null
      ? null
      : '.encrypted_content must be that of a compaction that was made here',
  item_reference: ({ id }) =>
    typeof id === 'string' && id !== '' ? null : '.id must be the id of an item',
};

/** What is wrong with the `input` of a request, for people; null when nothing is. */
export function inputFault(input: unknown): string | null {
  if (typeof input === 'string') return input.trim() === '' ? 'must not be empty or blank' : null;
  if (!Array.isArray(input)) return 'must be a text or a list of items';
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
  if (!isObject(item)) return ' must be an object with a type, or with role and content';
  const { id } = item;
  // Some clients leave the type out where it goes without saying.
  const type = item['type'] ?? ('role' in item ? 'message' : 'item_reference');
  if (typeof type !== 'string') return '.type must be a string';
  if (id !== undefined && id !== null && typeof id !== 'string') return '.id must be a string';
  if (!isKnown(type))
    return `.type: ${type.slice(0, 40)} cannot be kept here; only ${Object.keys(FAULTS).join(', ')}`;
  return FAULTS[type](item) ?? unreadFault(type, item);
}

const isKnown = (type: string): type is ItemType => Object.hasOwn(FAULTS, type);

function messageFault({ role, content, phase, name }: Record<string, unknown>): string | null {
  if (!ROLES.includes(role as MessageItem['role']))
    return `.role must be one of: ${ROLES.join(', ')}`;
  if (name !== undefined && name !== null) return NAMELESS;
  if (phase !== undefined && phase !== null) {
    if (!PHASES.includes(phase as (typeof PHASES)[number]))
      return `.phase must be one of: ${PHASES.join(', ')}`;
    if (role !== 'assistant') return '.phase is that of a message of the assistant';
  }
  if (typeof content === 'string')
    return content.trim() === '' ? '.content must not be empty or blank' : null;
  return contentFault(content, role === 'user' ? 'question' : 'text', '.content');
}

export function callFault(item: Record<string, unknown>): string | null {
  const { name, arguments: input, namespace } = item;
  const fault = callIdFault(item);
  if (fault) return fault;
  if (typeof name !== 'string' || name === '' || isLonger(name, NAME_CHARS_MAX))
    return `.name must be a string of 1 to ${NAME_CHARS_MAX} characters`;
  if (namespace !== undefined && namespace !== null)
    return '.namespace: tools have none here; leave it out';
  return typeof input === 'string'
    ? null
    : '.arguments must be a string, JSON as the model wrote it';
}

function resultFault(item: Record<string, unknown>): string | null {
  const { output } = item;
  const fault = callIdFault(item);
  if (fault) return fault;
  return typeof output === 'string' ? null : contentFault(output, 'output', '.output');
}

export function callIdFault({ call_id: callId }: Record<string, unknown>): string | null {
  return typeof callId === 'string' && callId !== '' && !isLonger(callId, CALL_ID_CHARS_MAX)
    ? null
    : `.call_id must be a string of 1 to ${CALL_ID_CHARS_MAX} characters`;
}

function reasoningFault(item: Record<string, unknown>): string | null {
  for (const field of ['summary', 'content']) {
    const texts = item[field] ?? [];
    const fits =
      Array.isArray(texts) &&
      texts.every((text) => isObject(text) && typeof text['text'] === 'string');
    if (!fits) return `.${field} must be a list of texts`;
  }
  const { encrypted_content: content } = item;
  return content === undefined || content === null || typeof content === 'string'
    ? null
    : '.encrypted_content must be a string';
}

/** An input as items. */
export const itemsOf = (input: Input): readonly (InputItem | ReferenceItem)[] =>
  typeof input === 'string' ? [{ role: 'user', content: input }] : input;

export const isReference = (item: InputItem | ReferenceItem): item is ReferenceItem =>
  item.type === 'item_reference' || !('type' in item || 'role' in item);
