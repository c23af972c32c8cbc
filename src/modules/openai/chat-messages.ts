import { isObject } from '../../common/is-object.js';
import { isSpeakerName } from '../../llm/speakers.js';
import { contentFault, type InputContent, isGiven } from './input-content.js';
import { callFault, callIdFault, type InputItem } from './input-items.js';
import { sealed } from './sealed-thoughts.js';

export const ROLES = ['developer', 'system', 'user', 'assistant', 'tool'] as const;
const CALLS_MAX = 128;

/** A part of a message's content. */
interface Part {
  type: string;
  text?: string;
  refusal?: string;
  image_url?: { url: string; detail?: string };
  file?: { file_data?: string; file_id?: string; filename?: string };
}

interface ToolCall {
  id: string;
  type: 'function';
  function: { name: string; arguments: string };
  /** What only a provider can read of it. */
  extra_content?: { google?: { thought_signature?: string } | null } | null;
}

/** A message as OpenAI's clients send it, once `messagesFault` has found nothing. */
export interface ChatMessage {
  role: (typeof ROLES)[number];
  /** Who speaks; of a tool its name. */
  name?: string | null;
  content?: string | null | readonly Part[];
  refusal?: string | null;
  tool_calls?: readonly ToolCall[] | null;
  tool_call_id?: string;
  reasoning_content?: string | null;
  /** What only a provider can read of its thoughts. */
  reasoning_details?: readonly object[] | null;
}

/** What is wrong with the `messages` of a request, for people; null when nothing is. */
export function messagesFault(messages: unknown): string | null {
  if (!Array.isArray(messages) || messages.length === 0)
    return 'must be a list with at least one message';
  for (const [at, message] of messages.entries()) {
    const fault = messageFault(message);
    if (fault) return `[${at}]${fault}`;
  }
  return toolNameFault(messages as ChatMessage[]);
}

/** The call says it already: what is told of it twice is the same. */
function toolNameFault(messages: readonly ChatMessage[]): string | null {
  const called = new Map<string, string>();
  for (const [at, { role, name, tool_calls: calls, tool_call_id: id }] of messages.entries()) {
    if (role === 'assistant') calls?.forEach((call) => called.set(call.id, call.function.name));
    if (role === 'tool' && isGiven(name) && called.get(id!) !== name)
      return `[${at}].name must be that of the function whose call stands before it; leave it out`;
  }
  return null;
}

function messageFault(message: unknown): string | null {
  if (!isObject(message)) return ' must be an object with role and content';
  const { role, content } = message;
  const fault = headFault(message);
  if (fault) return fault;
  if (role === 'tool')
    return (
      callIdFault({ call_id: message['tool_call_id'] })?.replace('.call_id', '.tool_call_id') ??
      contentOf(content, 'output')
    );
  if (role !== 'assistant') return contentOf(content, role === 'user' ? 'question' : 'text');
  return assistantFault(message);
}

function headFault({ role, name, audio, ...others }: Record<string, unknown>): string | null {
  if (role === 'function' || isGiven(others['function_call']))
    return ': functions in this older form are not supported here; say tools';
  if (!ROLES.includes(role as ChatMessage['role']))
    return `.role must be one of: ${ROLES.join(', ')}`;
  if (isGiven(audio)) return '.audio: models do not speak here';
  return isGiven(name) && !isName(name) ? NAME_RULE : null;
}

function assistantFault({
  content,
  tool_calls: calls,
  refusal,
  reasoning_details: details,
}: Record<string, unknown>): string | null {
  if (isGiven(details) && !isListOfObjects(details))
    return '.reasoning_details must be a list of objects';
  if (isGiven(refusal) && typeof refusal !== 'string') return '.refusal must be a string';
  const fault = isGiven(calls) ? callsFault(calls) : null;
  if (fault) return fault;
  const isEmpty = !isGiven(content) || content === '' || isEmptyList(content);
  return isEmpty ? null : contentOf(content, 'text');
}

function callsFault(calls: unknown): string | null {
  if (!Array.isArray(calls) || calls.length > CALLS_MAX)
    return `.tool_calls must be a list of at most ${CALLS_MAX} calls`;
  for (const [at, call] of calls.entries()) {
    const fault = toolCallFault(call);
    if (fault) return `.tool_calls[${at}]${fault}`;
  }
  return null;
}

const isName = (name: unknown): boolean => typeof name === 'string' && isSpeakerName(name);
const NAME_RULE = '.name must have 1 to 64 characters, without blanks and none of < | \\ / >';

const isListOfObjects = (value: unknown): boolean => Array.isArray(value) && value.every(isObject);

const isEmptyList = (value: unknown): boolean => Array.isArray(value) && value.length === 0;

function toolCallFault(call: unknown): string | null {
  if (!isObject(call)) return ' must be an object';
  const { id, type, function: made } = call;
  if (type !== 'function' || !isObject(made))
    return '.type: only calls of functions are supported here';
  return callFault({ ...made, call_id: id })?.replace('.call_id', '.id') ?? extraFault(call);
}

/** Other providers may say there what they like. */
function extraFault({ extra_content: extra }: Record<string, unknown>): string | null {
  const google = isObject(extra) ? extra['google'] : null;
  const signature = isObject(google) ? google['thought_signature'] : null;
  return isGiven(signature) && typeof signature !== 'string'
    ? '.extra_content.google.thought_signature must be a string'
    : null;
}

/** Empty texts are taken, as OpenAI does. */
function contentOf(content: unknown, place: 'question' | 'text' | 'output'): string | null {
  if (typeof content === 'string') return null;
  if (!Array.isArray(content) || content.length === 0)
    return '.content must be a string or a list of parts';
  for (const [at, part] of content.entries()) {
    const fault = isObject(part) ? partFault(part, place) : ' must be an object with a type';
    if (fault) return `.content[${at}]${fault}`;
  }
  return null;
}

function partFault(
  part: Record<string, unknown>,
  place: 'question' | 'text' | 'output',
): string | null {
  const { type } = part;
  if (type === 'text') return typeof part['text'] === 'string' ? null : '.text must be a string';
  const inner = type === 'image_url' ? part['image_url'] : type === 'file' ? part['file'] : {};
  if (!isObject(inner)) return `.${type as string} must be an object`;
  const fault = contentFault([contentPart(part as unknown as Part)], place, '');
  return fault?.replace(/^\[0\]/, '') ?? null;
}

/** A part as responses have it. */
function contentPart({ type, image_url: image, file, ...part }: Part): InputContent {
  if (type === 'image_url')
    return { type: 'input_image', image_url: image!.url, detail: image!.detail };
  return type === 'file' ? { type: 'input_file', ...file } : { type, ...part };
}

/** Messages as items of responses, in their order. */
export const itemsOfMessages = (messages: readonly ChatMessage[]): InputItem[] =>
  messages.flatMap(itemsOfMessage);

function itemsOfMessage(message: ChatMessage): InputItem[] {
  const { role, tool_calls: calls, name } = message;
  const content = contentIn(message);
  const named = name ? { name } : {};
  if (role === 'tool')
    return [{ type: 'function_call_output', call_id: message.tool_call_id!, output: content }];
  if (role !== 'assistant') return [{ role, content, ...named }];
  const isSaid = content.length > 0 || !calls?.length || name;
  return [
    ...thoughtsIn(message),
    ...(isSaid ? [{ role, content, ...named } as const] : []),
    ...(calls ?? []).map(({ id, function: made }) => ({
      ...({ type: 'function_call', call_id: id } as const),
      ...{ name: made.name, arguments: made.arguments },
    })),
  ];
}

function thoughtsIn({
  reasoning_content: thought,
  reasoning_details: details,
  tool_calls: calls,
}: ChatMessage): InputItem[] {
  const signatures = (calls ?? []).flatMap(({ id, extra_content: extra }) => {
    const signature = extra?.google?.thought_signature;
    return signature ? [[id, signature] as const] : [];
  });
  const opaque = {
    ...(details?.length && { reasoning_details: details }),
    ...(signatures.length > 0 && { thought_signatures: Object.fromEntries(signatures) }),
  };
  const isOpaque = Object.keys(opaque).length > 0;
  if (!thought && !isOpaque) return [];
  const content = thought ? [{ text: thought }] : [];
  return [{ type: 'reasoning', content, encrypted_content: isOpaque ? sealed(opaque) : null }];
}

function contentIn({ content, refusal }: ChatMessage): string | InputContent[] {
  const parts = typeof content === 'string' ? content : (content ?? []).map(contentPart);
  if (!refusal) return parts;
  const said = typeof parts === 'string' ? [{ type: 'text', text: parts }] : parts;
  return [...said.filter(({ text }) => text !== ''), { type: 'refusal', refusal }];
}

/** What is wrong with the names in messages to a branch: only who asks can be kept there. */
export function branchNameFault(messages: readonly ChatMessage[]): string | null {
  const at = messages.findIndex(
    ({ role, name }) => (role === 'system' || role === 'developer') && isGiven(name),
  );
  return at < 0
    ? null
    : `[${at}].name: a branch keeps the names of users alone; say it in the content`;
}

/** What systems and developers say, in one; empty where they say nothing. */
export const instructionsIn = (messages: readonly ChatMessage[]): string =>
  messages
    .filter(({ role }) => role === 'system' || role === 'developer')
    .map(({ content }) =>
      typeof content === 'string' ? content : (content ?? []).map(({ text }) => text).join('\n'),
    )
    .join('\n\n');
