import { jsonIn } from '../common/exact-json.js';
import { isObject } from '../common/is-object.js';
import type { Part } from '../tree/parts.js';
import {
  SourceFile,
  type SourceMessage,
  type ImportPart,
  type SourceTree,
  texts,
} from './source.js';
import { notesOf, numberIn, objectIn, objectsIn, textIn, timeIn } from './values.js';

type Json = Record<string, unknown>;

/** The parent of first messages. */
const NOBODY = '00000000-0000-0000-0000-000000000000';

/**
 * LibreChat's export: `{conversationId, title, options, messages}`, its messages flat, or nested in
 * each other's `children` (`messagesTree`, or `recursive`).
 */
export const isLibreChat = (value: unknown): value is Json =>
  isObject(value) &&
  typeof value['conversationId'] === 'string' &&
  (Array.isArray(value['messages']) || Array.isArray(value['messagesTree']));

export function readLibreChat(value: Json): SourceTree {
  const options = objectIn(value['options']);
  const exportedAt = timeIn(value['exportAt']);
  return {
    source: 'librechat',
    id: textIn(value['conversationId']) ?? '',
    name: textIn(value['title']),
    model: textIn(options['model']) ?? textIn(value['model']),
    systemPrompt: textIn(options['promptPrefix']) ?? textIn(options['system']),
    createdAt: timeIn(value['createdAt']),
    updatedAt: timeIn(value['updatedAt']) ?? exportedAt,
    archived: value['isArchived'] === true,
    pinned: false,
    messages: flat(value['messagesTree'] ?? value['messages']),
    head: null,
    notes: notesOf(value, ['endpoint']),
  };
}

/** Without calls of itself: a conversation is as deep as it is long. */
function flat(value: unknown): SourceMessage[] {
  const waiting = objectsIn(value).map((message) => ({ message, above: null as string | null }));
  for (let n = 0; n < waiting.length; n++) {
    const { message } = waiting[n]!;
    const above = textIn(message['messageId']);
    for (const child of objectsIn(message['children'])) waiting.push({ message: child, above });
  }
  return waiting.map(({ message, above }, n) => messageOf(message, above, n));
}

function messageOf(message: Json, above: string | null, n: number): SourceMessage {
  const parent = textIn(message['parentMessageId']) ?? above;
  const isUser = message['isCreatedByUser'] === true;
  const tokens = numberIn(message['tokenCount']);
  return {
    id: textIn(message['messageId']) ?? `#${n}`,
    parentId: parent === NOBODY ? null : parent,
    role: isUser ? 'user' : 'assistant',
    parts: [...saidIn(message), ...filesOf(message)],
    model: isUser ? null : textIn(message['model']),
    at: timeIn(message['createdAt']),
    ...(!isUser && tokens !== null && { usage: { output_tokens: tokens } }),
  };
}

function saidIn(message: Json): ImportPart[] {
  const parts = objectsIn(message['content']).flatMap(partsOf);
  return parts.length > 0 ? parts : texts(message['text']);
}

function partsOf(block: Json): ImportPart[] {
  const type = textIn(block['type']);
  switch (type) {
    case 'text':
      return texts(isObject(block['text']) ? block['text']['value'] : block['text']);
    case 'think':
    case 'reasoning': {
      const text = textIn(block['think']) ?? textIn(block['reasoning']);
      return text === null ? [] : [{ type: 'reasoning', text }];
    }
    case 'tool_call':
      return callOf(objectIn(block['tool_call']));
    case 'error':
      return [{ type: 'other', format: 'librechat.error', value: block }];
    default:
      return [fileOf(objectIn(block[type ?? '']), block)];
  }
}

/** A call with what came of it. */
function callOf(call: Json): ImportPart[] {
  const call_id = textIn(call['id']) ?? `call_${textIn(call['name']) ?? 'tool'}`;
  const args = call['args'];
  const input = typeof args === 'string' ? jsonIn(args) : (args ?? null);
  const name = textIn(call['name']) ?? 'tool';
  const made: Part = { type: 'tool_call', call_id, name, input, provider_executed: true };
  const { output } = call;
  return output == null ? [made] : [made, { type: 'tool_result', call_id, output }];
}

const filesOf = (message: Json): ImportPart[] =>
  objectsIn(message['files']).map((file) => fileOf(file, file));

function fileOf(file: Json, value: Json): ImportPart {
  const instead: Part = {
    type: 'other',
    format: `librechat.${textIn(value['type']) ?? 'file'}`,
    value,
  };
  const ref = textIn(file['file_id']) ?? textIn(file['filename']);
  if (ref === null) return instead;
  return new SourceFile({ ref }, textIn(file['filename']) ?? undefined, instead);
}
