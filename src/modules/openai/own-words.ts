import { isObject } from '../../common/is-object.js';
import { invalidField } from '../../common/problems.js';
import type { ChatMessage } from './chat-messages.js';
import { isGiven } from './input-content.js';
import type { CompletionTool } from './openai.dto.js';
import { FUNCTION_FIELDS } from './tool-fields.js';
import { type Fields, firstOf, unread, within } from './unread-fields.js';

const INSTRUCTION = ['role', 'content', 'name'];
/** What is read of a message here, by who speaks. */
const MESSAGE_FIELDS: Readonly<Record<ChatMessage['role'], readonly string[]>> = {
  system: INSTRUCTION,
  developer: INSTRUCTION,
  user: ['role', 'content', 'name'],
  assistant: [
    ...['role', 'content', 'name', 'refusal', 'tool_calls', 'reasoning_content'],
    ...['reasoning_details', 'audio', 'function_call'],
  ],
  tool: ['role', 'content', 'name', 'tool_call_id'],
};
/** The same of a part of its content, by its type; and of what stands in it under that name. */
const PART_FIELDS: Readonly<Record<string, { part: readonly string[]; inner: string[] }>> = {
  text: { part: ['type', 'text'], inner: [] },
  refusal: { part: ['type', 'refusal'], inner: [] },
  image_url: { part: ['type', 'image_url'], inner: ['url', 'detail'] },
  file: { part: ['type', 'file'], inner: ['file_data', 'file_id', 'filename'] },
};
const NOT_KEPT = 'cannot be kept in a branch; leave it out';
const CALL_FIELDS = ['id', 'type', 'function', 'extra_content'];
const CALLED_FIELDS = ['name', 'arguments'];
const SIGNATURE_FIELDS = ['thought_signature'];
/**
 * What OpenAI’s packages put into answers themselves, and send back with them: what they read out
 * of `content` and `arguments`, and the place of a call among others. It is said there already.
 */
const REPEATED = { message: 'parsed', call: 'index', function: 'parsed_arguments' };

/**
 * The same messages in the client's own words, where there is something in them that only a
 * provider knows (`cache_control`, say): it is then told all of them as they came. Null where there
 * is nothing. @throws 422 for a file beside it that only this server knows
 */
export function ownWords(messages: readonly ChatMessage[]): readonly object[] | null {
  const further = furtherField(messages);
  if (further === null) return null;
  const at = messages.findIndex(({ content }) => Array.isArray(content) && content.some(isNamed));
  if (at >= 0)
    throw invalidField(
      'messages',
      `[${at}]: a file cannot be named by its id beside ${further}, which only a provider knows; send the bytes, or leave that out`,
    );
  return messages.map(withoutRepeated);
}

/** The same of tools, of those that a model is told at all. */
export function ownTools(
  tools: readonly CompletionTool[] | null | undefined,
  told: readonly { name: string }[] = [],
): readonly object[] | null {
  if (furtherTool(tools) === null) return null;
  const names = new Set(told.map(({ name }) => name));
  return tools!.filter(({ function: made }) => names.has(made.name));
}

/** What is wrong with what tools say besides, in a branch. */
export function branchToolsFault(tools: unknown): string | null {
  const further = furtherTool(tools);
  return further && `${further} ${NOT_KEPT}`;
}

const furtherTool = (tools: unknown): string | null =>
  firstOf(
    '',
    tools,
    (tool) => unread(tool, ['type', 'function']) ?? within(tool, 'function', FUNCTION_FIELDS),
  );

/**
 * What is wrong with what messages to a branch say besides; only those that are read there are
 * looked at.
 */
export function branchWordsFault(messages: readonly ChatMessage[]): string | null {
  const answered = messages.findLastIndex(({ role }) => role === 'assistant');
  const isRead = ({ role }: ChatMessage, at: number): boolean =>
    at > answered || role === 'system' || role === 'developer';
  const further = furtherField(messages, isRead);
  return further && `${further} ${NOT_KEPT}`;
}

/** Where the first field stands that is not read here. */
function furtherField(
  messages: readonly ChatMessage[],
  isRead: (message: ChatMessage, at: number) => boolean = () => true,
): string | null {
  for (const [at, message] of messages.entries()) {
    const further = isRead(message, at) ? furtherIn(message) : null;
    if (further !== null) return `[${at}]${further}`;
  }
  return null;
}

const furtherIn = (message: ChatMessage): string | null =>
  unread(message, [...MESSAGE_FIELDS[message.role], REPEATED.message]) ??
  firstOf('.content', message.content, partField) ??
  firstOf('.tool_calls', message.tool_calls, callField);

function partField(part: Fields): string | null {
  const type = part['type'] as string;
  const known = PART_FIELDS[type];
  return known ? (unread(part, known.part) ?? within(part, type, known.inner)) : null;
}

function callField(call: Fields): string | null {
  const extra = call['extra_content'];
  const signature = isObject(extra) ? within(extra, 'google', SIGNATURE_FIELDS) : null;
  return (
    unread(call, [...CALL_FIELDS, REPEATED.call]) ??
    within(call, 'function', [...CALLED_FIELDS, REPEATED.function]) ??
    within(call, 'extra_content', ['google']) ??
    (signature && `.extra_content${signature}`)
  );
}

/** Whether a part is a file of this server. */
const isNamed = (part: { file?: { file_id?: string | null } }): boolean =>
  isGiven(part.file?.file_id);

function withoutRepeated(message: ChatMessage): object {
  const {
    [REPEATED.message]: _parsed,
    tool_calls: calls,
    ...rest
  } = message as ChatMessage & Fields;
  if (!Array.isArray(calls)) return rest;
  return { ...rest, tool_calls: (calls as Fields[]).map(plainCall) };
}

function plainCall({ [REPEATED.call]: _index, function: made, ...call }: Fields): object {
  const { [REPEATED.function]: _parsed, ...plain } = made as Fields;
  return { ...call, function: plain };
}
