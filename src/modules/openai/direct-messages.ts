import type { ModelMessage, NamedResult } from '../../llm/language-model.js';
import type { FilePart, QuestionPart, ResponsePart, TextPart } from '../../tree/parts.js';
import type { Turn } from './turns.js';

type Heard = Extract<ModelMessage, { role: 'assistant' }>['content'];

/** Turns that are all that a model is told, as its messages: roles alternate. */
export function messagesOf(turns: readonly Turn[], instructions = ''): ModelMessage[] {
  const names = new Map<string, string>();
  const messages: ModelMessage[] = instructions ? [{ role: 'system', content: instructions }] : [];
  for (const { question, response } of turns) {
    for (const part of question) addAsked(messages, part, names);
    for (const part of response) if (part.type === 'tool_call') names.set(part.call_id, part.name);
    const said = response.flatMap(saidIn);
    const last = messages.at(-1);
    if (said.length === 0) continue;
    if (last?.role === 'assistant') messages.pop();
    const before = last?.role === 'assistant' ? (last.content as typeof said) : [];
    messages.push({ role: 'assistant', content: [...before, ...said] });
  }
  return messages;
}

function addAsked(
  messages: ModelMessage[],
  part: QuestionPart,
  names: ReadonlyMap<string, string>,
): void {
  if (part.type === 'instruction') messages.push({ role: 'system', content: part.text });
  else if (part.type === 'tool_result') {
    const result: NamedResult = { ...part, name: names.get(part.call_id) ?? '' };
    messages.push({ role: 'tool', content: [result] });
  } else if (part.type === 'text' || part.type === 'file') {
    const last = messages.at(-1);
    if (last?.role === 'user') messages.pop();
    const before = last?.role === 'user' ? (last.content as (TextPart | FilePart)[]) : [];
    messages.push({ role: 'user', content: [...before, part] });
  }
}

function saidIn(part: ResponsePart): Exclude<Heard, string>[number][] {
  if (part.type === 'refusal') return [{ type: 'text', text: part.text }];
  return part.type === 'text' ||
    part.type === 'reasoning' ||
    part.type === 'tool_call' ||
    part.type === 'file'
    ? [part]
    : [];
}
