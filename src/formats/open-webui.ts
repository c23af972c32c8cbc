import { jsonIn } from '../common/exact-json.js';
import { isObject } from '../common/is-object.js';
import type { Part } from '../tree/parts.js';
import { detailsIn } from './details.js';
import {
  SourceFile,
  type SourceMessage,
  type ImportPart,
  type SourceRole,
  type SourceTree,
  type SourceUsage,
  texts,
} from './source.js';
import { listIn, notesOf, numberIn, objectIn, objectsIn, textIn, timeIn } from './values.js';

type Json = Record<string, unknown>;

/**
 * Open WebUI's export: `{id, title, chat: {history: {messages, currentId}, …}, created_at, …}`,
 * where `messages` has `{id, parentId, childrenIds, role, content, …}` by id.
 */
export const isOpenWebUi = (value: unknown): value is Json => {
  const chat = isObject(value) ? objectIn(value['chat']) : {};
  return isObject(objectIn(chat['history'])['messages']) || Array.isArray(chat['messages']);
};

export function readOpenWebUi(value: Json): SourceTree {
  const chat = objectIn(value['chat']);
  const history = objectIn(chat['history']);
  const models = listIn(chat['models']);
  const byId = Object.entries(objectIn(history['messages']));
  const messages =
    byId.length > 0
      ? byId.map(([id, message]) => messageOf(id, objectIn(message)))
      : flat(objectsIn(chat['messages']));
  return {
    source: 'open_webui',
    id: textIn(value['id']) ?? textIn(chat['id']) ?? '',
    name: textIn(value['title']) ?? textIn(chat['title']),
    model: textIn(models[0]),
    systemPrompt: textIn(objectIn(chat['params'])['system']) ?? textIn(chat['system']),
    createdAt: timeIn(value['created_at']) ?? timeIn(chat['timestamp']),
    updatedAt: timeIn(value['updated_at']),
    archived: value['archived'] === true,
    pinned: value['pinned'] === true,
    messages,
    head: textIn(history['currentId']),
    notes: notesOf(value, ['folder_id', 'meta']),
  };
}

/** Oldest chats have a list alone. */
const flat = (messages: Json[]): SourceMessage[] =>
  messages.map((message, n) => {
    const read = messageOf(textIn(message['id']) ?? `#${n}`, message);
    const before = messages[n - 1];
    return { ...read, parentId: before ? (textIn(before['id']) ?? `#${n - 1}`) : null };
  });

function messageOf(id: string, message: Json): SourceMessage {
  const role = roleOf(message['role']);
  return {
    id,
    parentId: textIn(message['parentId']),
    role,
    parts: [...saidIn(message, role), ...objectsIn(message['files']).map(fileOf)],
    model: role === 'assistant' ? textIn(message['model']) : null,
    at: timeIn(message['timestamp']),
    children: listIn(message['childrenIds']).filter((one) => typeof one === 'string'),
    usage: usageOf(objectIn(message['usage'])),
  };
}

const roleOf = (role: unknown): SourceRole =>
  role === 'user' ? 'user' : role === 'system' ? 'instruction' : 'assistant';

function saidIn(message: Json, role: SourceRole): ImportPart[] {
  const text = textIn(message['content']);
  if (role === 'instruction')
    return text === null ? [] : [{ type: 'instruction', role: 'system', text }];
  const output = objectsIn(message['output']).flatMap(itemOf);
  const parts = output.length > 0 ? output : text === null ? [] : detailsIn(text);
  const sources = objectsIn(message['sources'] ?? message['citations']).flatMap(sourceOf);
  return [...parts, ...sources];
}

/** Items of OpenAI's Responses. */
function itemOf(item: Json): Part[] {
  switch (item['type']) {
    case 'message':
      return objectsIn(item['content']).flatMap(({ text }) => texts(text));
    case 'reasoning':
      return thoughtOf(item);
    case 'function_call':
      return callOf(item);
    case 'function_call_output':
      return resultOf(item);
    default:
      return [otherItem(item)];
  }
}

const otherItem = (value: Json): Part => ({
  type: 'other',
  format: `open_webui.${textIn(value['type']) ?? 'item'}`,
  value,
});

function thoughtOf(item: Json): Part[] {
  const said = (list: unknown): string =>
    objectsIn(list)
      .map(({ text }) => textIn(text) ?? '')
      .join('\n');
  const [text, summary] = [said(item['content']), said(item['summary'])];
  if (text === '' && summary === '') return [];
  return [{ type: 'reasoning', text, ...(summary !== '' && { summary }) }];
}

function callOf(item: Json): Part[] {
  const input = jsonIn(textIn(item['arguments']) ?? 'null');
  const name = textIn(item['name']) ?? 'tool';
  const call_id = textIn(item['call_id']) ?? textIn(item['id']) ?? name;
  return [{ type: 'tool_call', call_id, name, input, provider_executed: true }];
}

function resultOf(item: Json): Part[] {
  const call_id = textIn(item['call_id']);
  if (call_id === null) return [otherItem(item)];
  const said = objectsIn(item['output']).map(({ text }) => textIn(text));
  const isText = said.length > 0 && said.every((one) => one !== null);
  return [
    { type: 'tool_result', call_id, output: isText ? said.join('\n') : (item['output'] ?? null) },
  ];
}

const sourceOf = (value: Json): Part[] => {
  const source = objectIn(value['source']);
  const url = textIn(source['url']) ?? textIn(value['url']);
  const title = textIn(source['name']) ?? textIn(value['title']);
  if (url === null) return [{ type: 'other', format: 'open_webui.source', value }];
  return [{ type: 'source', url, ...(title !== null && { title }) }];
};

const DATA_URL = /^data:[^,;]*(?:;[^,;]*)*;base64,/;

function fileOf(file: Json): ImportPart {
  const inner = objectIn(file['file']);
  const url = textIn(file['url']) ?? '';
  const name = textIn(file['name']) ?? textIn(inner['filename']) ?? undefined;
  const format = `open_webui.${textIn(file['type']) ?? 'file'}`;
  const data = DATA_URL.exec(url);
  if (data) {
    const { url: _, ...rest } = file;
    const bytes = Buffer.from(url.slice(data[0].length), 'base64');
    return new SourceFile({ data: bytes }, name, { type: 'other', format, value: rest });
  }
  const ref = textIn(file['id']) ?? textIn(inner['id']);
  const instead: Part = { type: 'other', format, value: file };
  return ref === null ? instead : new SourceFile({ ref }, name, instead);
}

function usageOf(usage: Json): SourceUsage | undefined {
  const input = numberIn(usage['input_tokens']) ?? numberIn(usage['prompt_tokens']);
  const output = numberIn(usage['output_tokens']) ?? numberIn(usage['completion_tokens']);
  if (input === null && output === null) return undefined;
  return {
    ...(input !== null && { input_tokens: input }),
    ...(output !== null && { output_tokens: output }),
  };
}
