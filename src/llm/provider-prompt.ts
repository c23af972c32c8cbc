import { exactJson } from '../common/exact-json.js';
import { isObject } from '../common/is-object.js';
import type { FilePart, TextPart, ToolCallPart } from '../tree/parts.js';
import type { FileBytes, ModelMessage, NamedResult, ReadFile } from './language-model.js';
import { isList } from './message-size.js';

type UserPart = TextPart | FilePart;
type Assistant = Extract<ModelMessage, { role: 'assistant' }>;
/** Of the chat completions API: a message, or a piece of one. */
type Wire = Record<string, unknown>;

const DATA_URL = /^data:([^;,]*)(?:;[^,]*)?,/;
/** What is text, beside all that says so. */
const TEXTS = /^application\/(json|xml|yaml|x-yaml|javascript|sql|toml)$|\+(json|xml)$/;
/** By its media type, what the API calls a sound. */
const SOUNDS = new Map([
  ['audio/wav', 'wav'],
  ['audio/mp3', 'mp3'],
  ['audio/mpeg', 'mp3'],
]);

/**
 * Messages as they go over the wire. Files out of tools are shown behind the results. Nothing but
 * files is waited for: a wait takes longer than a text, and a long path has a thousand texts.
 */
export async function wireMessages(
  messages: readonly ModelMessage[],
  read: ReadFile,
): Promise<Wire[]> {
  const wire: Wire[] = [];
  let shown: FilePart[] = [];
  const show = async (parts: readonly UserPart[], name?: string): Promise<void> => {
    shown = [];
    if (parts.length > 0) wire.push(userMessage(await contentOf(parts, read), name));
  };
  for (const message of messages) {
    if (message.role === 'user') {
      const { content, name } = message;
      if (typeof content === 'string' && shown.length === 0) wire.push(userMessage(content, name));
      else await show([...shown, ...partsOf(content)], name);
      continue;
    }
    if (shown.length > 0 && message.role !== 'tool') await show(shown);
    if (message.role === 'tool') {
      shown.push(...message.content.flatMap(filesOf));
      wire.push(...message.content.map(resultOf));
    } else wire.push(message.role === 'assistant' ? assistantMessage(message) : { ...message });
  }
  await show(shown);
  return wire;
}

const partsOf = (content: string | readonly UserPart[]): readonly UserPart[] =>
  typeof content === 'string' ? [{ type: 'text', text: content }] : content;

const userMessage = (content: string | Wire[], name: string | undefined): Wire =>
  name === undefined ? { role: 'user', content } : { role: 'user', content, name };

const resultOf = ({ call_id, output }: NamedResult): Wire => ({
  role: 'tool',
  tool_call_id: call_id,
  content: outputText(output),
});

/** Texts in their order, and files by their names; any other JSON as it is. */
function outputText(output: unknown): string {
  if (typeof output === 'string') return output;
  if (!isList(output)) return exactJson(output);
  return output.map((one) => (one.type === 'text' ? one.text : told(one))).join('\n');
}

const filesOf = ({ output }: NamedResult): FilePart[] =>
  isList(output) ? output.filter((one) => one.type === 'file') : [];

/** What the model thought goes back in its provider's own words, where there are any. */
function assistantMessage({ content, name }: Assistant): Wire {
  const named = name !== undefined && { name };
  if (typeof content === 'string') return { role: 'assistant', content, ...named };
  const { details, signatures } = opaqueOf(content);
  const thoughts = content.map((part) => (part.type === 'reasoning' ? part.text : '')).join('');
  const texts = joinedTexts(content);
  const calls = content.filter((part) => part.type === 'tool_call');
  return {
    role: 'assistant',
    content: calls.length > 0 && texts === '' ? null : texts,
    ...(thoughts !== '' && { reasoning_content: thoughts }),
    ...(calls.length > 0 && {
      tool_calls: calls.map((call) => callOf(call, signatures[call.call_id])),
    }),
    ...named,
    ...(details.length > 0 && { reasoning_details: details }),
  };
}

function opaqueOf(parts: Exclude<Assistant['content'], string>) {
  const details: unknown[] = [];
  const signatures: Record<string, unknown> = {};
  for (const part of parts) {
    if (part.type !== 'reasoning' || !isObject(part.opaque)) continue;
    const { reasoning_details: own, thought_signatures: signed } = part.opaque;
    if (Array.isArray(own)) details.push(...(own as unknown[]));
    if (isObject(signed)) Object.assign(signatures, signed);
  }
  return { details, signatures };
}

const joinedTexts = (parts: Exclude<Assistant['content'], string>): string =>
  parts
    .flatMap((part) =>
      part.type === 'text' ? [part.text] : part.type === 'file' ? [told(part)] : [],
    )
    .join('\n');

const callOf = ({ call_id, name, input }: ToolCallPart, signature: unknown): Wire => ({
  id: call_id,
  type: 'function',
  function: { name, arguments: inputText(input) },
  ...(typeof signature === 'string' &&
    signature !== '' && {
      extra_content: { google: { thought_signature: signature } },
    }),
});

/** Always the JSON of an object: providers refuse all else, even what the model wrote itself. */
const inputText = (input: unknown): string =>
  isObject(input) ? exactJson(input) : JSON.stringify({ input });

async function contentOf(parts: readonly UserPart[], read: ReadFile): Promise<string | Wire[]> {
  const content: Wire[] = [];
  for (const part of parts)
    content.push(part.type === 'text' ? textPart(part.text) : await filePart(part, read));
  const [only] = content;
  return content.length === 1 && only!.type === 'text' ? (only!.text as string) : content;
}

const textPart = (text: string): Wire => ({ type: 'text', text });

/**
 * A file as providers take it: a picture as one, sound and PDF as files, text as text. What no
 * provider takes is told by its name.
 */
async function filePart(file: FilePart, read: ReadFile): Promise<Wire> {
  const { media_type: mediaType, url = '', detail } = file;
  const kind = kindOf(mediaType);
  if (kind === 'picture' && /^https?:/i.test(url) && URL.canParse(url))
    return picturePart(new URL(url).href, detail);
  const bytes = kind && (await bytesOf(file, read));
  if (!bytes) return textPart(told(file));
  if (kind === 'text') return textPart(textOf(file, bytes.data));
  const base64 = Buffer.from(bytes.data).toString('base64');
  if (kind === 'picture') return picturePart(`data:${pictureType(bytes)};base64,${base64}`, detail);
  const format = SOUNDS.get(mediaType);
  if (format) return { type: 'input_audio', input_audio: { data: base64, format } };
  const filename = file.name || 'document.pdf';
  return { type: 'file', file: { filename, file_data: `data:${mediaType};base64,${base64}` } };
}

/** How providers take files of a type; null where they do not. */
export function kindOf(mediaType: string): 'picture' | 'text' | 'file' | null {
  if (mediaType.startsWith('image/')) return 'picture';
  if (mediaType.startsWith('text/') || TEXTS.test(mediaType)) return 'text';
  return SOUNDS.has(mediaType) || mediaType === 'application/pdf' ? 'file' : null;
}

const pictureType = ({ media_type: type }: FileBytes): string =>
  type === 'image/*' ? 'image/jpeg' : type;

const picturePart = (url: string, detail: string | undefined): Wire => ({
  type: 'image_url',
  image_url: detail === undefined ? { url } : { url, detail },
});

async function bytesOf(file: FilePart, read: ReadFile): Promise<FileBytes | null> {
  const head = file.url === undefined ? null : DATA_URL.exec(file.url);
  if (!head) return file.file_id === undefined ? null : read(file);
  const rest = file.url!.slice(head[0].length);
  const data = head[0].endsWith(';base64,')
    ? Buffer.from(rest, 'base64')
    : Buffer.from(decodeURIComponent(rest));
  return { data, media_type: file.media_type };
}

const textOf = ({ name }: FilePart, data: Uint8Array): string =>
  `${name === undefined ? '' : `${name}:\n`}${new TextDecoder().decode(data)}`;

const told = ({ name, url, media_type: type }: FilePart): string =>
  `[File ${name ?? (url !== undefined && !DATA_URL.test(url) ? url : 'without a name')}, ${type}]`;
