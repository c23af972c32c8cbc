import { exactJson } from '../../common/exact-json.js';
import type { FilePart, ResponsePart, SourcePart, ToolResultPart } from '../../tree/parts.js';
import type { UrlOf } from '../client-chat/client-files.service.js';

/** A part of a `UIMessage`. */
export type UiPart = { type: string } & Record<string, unknown>;

/** Of one message. */
export const PARTS_MAX = 1000;

/** Begins each turn of the model in a message that has several, or more than a text. */
export const STEP: UiPart = { type: 'step-start' };

/** The format of `other` parts that are a UI part which has no name here. */
export const UI_FORMAT = 'ai-sdk:ui-part';
const NO_JSON = 'The model wrote an input that is no JSON.';

/** Whether it is a text: what begins with U+0000 is a number to `exactJson`. */
const isText = (value: unknown): value is string =>
  typeof value === 'string' && !value.startsWith('\0');

/** Why a call has no input that a tool could run with; null where it has. */
export const inputFault = (input: unknown): string | null => (isText(input) ? NO_JSON : null);

/** How the AI SDK says how a tool ended. */
export type UiOutput =
  { state: 'output-available'; output: unknown } | { state: 'output-error'; errorText: string };

export function outputOf({ output, is_error: isError }: ToolResultPart): UiOutput {
  if (!isError) return { state: 'output-available', output };
  const errorText = isText(output) ? output : exactJson(output);
  return { state: 'output-error', errorText };
}

/** What can be shown of a source. */
export function sourcePart(source: SourcePart, sourceId: string): UiPart {
  const { url, title, media_type: mediaType, name } = source;
  if (url !== undefined)
    return { type: 'source-url', sourceId, url, ...(title !== undefined && { title }) };
  return {
    type: 'source-document',
    sourceId,
    mediaType: typeof mediaType === 'string' ? mediaType : 'text/plain',
    title: title ?? 'Source',
    ...(typeof name === 'string' && { filename: name }),
  };
}

export function filePart(file: FilePart, urlOf: UrlOf): UiPart {
  const { media_type: mediaType, name } = file;
  const filename = name ? { filename: name } : {};
  return { type: 'file', mediaType, ...filename, url: urlOf(file) };
}

/** A part of a client's own, or one that no page knows. */
export function ownPart(part: Extract<ResponsePart, { type: 'data' | 'other' }>): UiPart {
  if (part.type === 'data') return { type: `data-${part.name}`, data: part.value };
  const { format, value } = part;
  return format === UI_FORMAT
    ? (value as UiPart)
    : { type: 'data-banyan-other', data: { format, value } };
}
