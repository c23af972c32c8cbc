import { isObject } from '../../common/is-object.js';
import type { ModelMessage } from '../../llm/language-model.js';

export const ROLES = ['developer', 'system', 'user', 'assistant'] as const;

/** A part of a message's content. */
interface Part {
  type: string;
  text: string;
}

/** A message as OpenAI's clients send it, once `messagesFault` has found nothing. */
export interface ChatMessage {
  role: (typeof ROLES)[number];
  content?: string | null | readonly Part[];
}

/** What is wrong with the `messages` of a request, for people; null when nothing is. */
export function messagesFault(messages: unknown): string | null {
  if (!Array.isArray(messages) || messages.length === 0)
    return 'must be a list with at least one message';
  for (const [at, message] of messages.entries()) {
    const fault = messageFault(message);
    if (fault) return `[${at}]${fault}`;
  }
  return null;
}

function messageFault(message: unknown): string | null {
  if (!isObject(message)) return ' must be an object with role and content';
  const { role, content, tool_calls: toolCalls, function_call: functionCall } = message;
  if (role === 'tool' || role === 'function') return `.role: tools are not supported here`;
  if (!ROLES.includes(role as ChatMessage['role']))
    return `.role must be one of: ${ROLES.join(', ')}`;
  if (isGiven(toolCalls) || isGiven(functionCall)) return ': tools are not supported here';
  return contentFault(role as string, content);
}

function contentFault(role: string, content: unknown): string | null {
  if (typeof content === 'string') return null;
  if (role === 'assistant' && (content === null || content === undefined)) return null;
  if (!Array.isArray(content) || content.length === 0)
    return '.content must be a string or a list of text parts';
  for (const [at, part] of content.entries()) {
    if (!isObject(part) || typeof part.type !== 'string')
      return `.content[${at}] must be an object with a type`;
    if (part.type !== 'text')
      return `.content[${at}].type: only text is supported here, not ${part.type.slice(0, 40)}`;
    if (typeof part.text !== 'string') return `.content[${at}].text must be a string`;
  }
  return null;
}

/** The messages for a model: what systems and developers say comes first, in one. */
export function modelMessages(messages: readonly ChatMessage[]): ModelMessage[] {
  const instructions = messages.filter(isInstruction).map(textOf).join('\n\n');
  const said = messages.filter((message) => !isInstruction(message));
  const system: ModelMessage[] =
    instructions === '' ? [] : [{ role: 'system', content: instructions }];
  return [
    ...system,
    ...said.map((message) => ({
      role: message.role as 'user' | 'assistant',
      content: textOf(message),
    })),
  ];
}

const isInstruction = ({ role }: ChatMessage): boolean => role === 'system' || role === 'developer';

function textOf({ content }: ChatMessage): string {
  if (typeof content === 'string') return content;
  return (content ?? []).map(({ text }) => text).join('');
}

/** Clients send null, or an empty list, for what they do not use. */
export const isGiven = (value: unknown): boolean =>
  value !== undefined && value !== null && !(Array.isArray(value) && value.length === 0);
