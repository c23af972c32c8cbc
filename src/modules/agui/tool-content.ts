import { exactJson } from '../../common/exact-json.js';
import { isObject } from '../../common/is-object.js';
import type { FilePart, ToolCallPart, ToolResultPart } from '../../tree/parts.js';
import type { UrlOf } from '../client-chat/client-files.service.js';
import { fileContent } from './agui-message.js';

/** Whether it is a text: what begins with U+0000 is a number to `exactJson`. */
const isText = (value: unknown): value is string =>
  typeof value === 'string' && !value.startsWith('\0');

/** What a model wrote for a tool: the JSON, or a text that was none. */
export const argumentsOf = ({ input }: ToolCallPart): string =>
  isText(input) ? input : exactJson(input);

/** What a tool gave: a text, parts, or any JSON as a text. */
export function contentOfResult({ output }: ToolResultPart, urlOf: UrlOf): unknown {
  if (isText(output)) return output;
  return isParts(output) ? output.map((part) => contentPart(part, urlOf)) : exactJson(output);
}

type OutputPart = { type: 'text'; text: string } | FilePart;

const isParts = (output: unknown): output is OutputPart[] =>
  Array.isArray(output) &&
  output.length > 0 &&
  output.every((part) => isObject(part) && (part['type'] === 'text' || part['type'] === 'file'));

const contentPart = (part: OutputPart, urlOf: UrlOf): unknown =>
  part.type === 'text' ? { type: 'text', text: part.text } : fileContent(part, urlOf);

/** A message of the role `tool`, without its id. */
export const resultFields = (result: ToolResultPart, urlOf: UrlOf) => {
  const content = contentOfResult(result, urlOf);
  return {
    toolCallId: result.call_id,
    content,
    ...(result.is_error && { error: typeof content === 'string' ? content : 'The tool failed.' }),
  };
};
