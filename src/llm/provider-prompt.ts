import { exactJson } from '../common/exact-json.js';
import { isObject } from '../common/is-object.js';
import type { FilePart, TextPart, ToolCallPart } from '../tree/parts.js';
import type { FileBytes, ModelMessage, NamedResult, ReadFile } from './language-model.js';
import { isList } from './message-size.js';
import type { CallOptions } from './provider-types.js';

type Prompt = CallOptions['prompt'];
type UserContent = Extract<Prompt[number], { role: 'user' }>['content'];
type AssistantContent = Extract<Prompt[number], { role: 'assistant' }>['content'];
type Assistant = Extract<ModelMessage, { role: 'assistant' }>;

const DATA_URL = /^data:([^;,]*)(?:;[^,]*)?,/;
/** What is text, beside all that says so. */
const TEXTS = /^application\/(json|xml|yaml|x-yaml|javascript|sql|toml)$|\+(json|xml)$/;
const AUDIO = ['audio/wav', 'audio/mp3', 'audio/mpeg'];

/** Messages as the library takes them. Files out of tools are shown behind the results. */
export async function promptOf(messages: readonly ModelMessage[], read: ReadFile): Promise<Prompt> {
  const prompt: Prompt = [];
  let shown: FilePart[] = [];
  const show = async (
    more: readonly (TextPart | FilePart)[] = [],
    name?: string,
  ): Promise<void> => {
    const parts = [...shown, ...more];
    shown = [];
    if (parts.length > 0) prompt.push(userMessage(await contentOf(parts, read), name));
  };
  for (const message of messages) {
    if (message.role === 'user') {
      await show(partsOf(message.content), message.name);
      continue;
    }
    if (message.role === 'tool') shown.push(...message.content.flatMap(filesOf));
    else await show();
    prompt.push(otherMessage(message));
  }
  await show();
  return prompt;
}

const partsOf = (content: string | readonly (TextPart | FilePart)[]) =>
  typeof content === 'string' ? [{ type: 'text' as const, text: content }] : content;

/** Fields that the library knows not, beside those that it makes. */
const beside = (fields: Record<string, unknown>) => ({
  providerOptions: { openaiCompatible: fields as never },
});

/** The library looks for them at the text, where that is all there is. */
function userMessage(content: UserContent, name: string | undefined): Prompt[number] {
  if (name === undefined) return { role: 'user', content };
  const [only] = content;
  if (content.length === 1 && only!.type === 'text')
    return { role: 'user', content: [{ ...only!, ...beside({ name }) }] };
  return { role: 'user', content, ...beside({ name }) };
}

function otherMessage(message: Exclude<ModelMessage, { role: 'user' }>): Prompt[number] {
  if (message.role === 'system') {
    const { name, ...system } = message;
    return name === undefined ? system : { ...system, ...beside({ name }) };
  }
  if (message.role === 'tool') return { role: 'tool', content: message.content.map(resultOf) };
  return assistantMessage(message);
}

const resultOf = ({ call_id, name, output }: NamedResult) => ({
  type: 'tool-result' as const,
  toolCallId: call_id,
  toolName: name,
  output: { type: 'text' as const, value: outputText(output) },
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
function assistantMessage({ content, name }: Assistant): Prompt[number] {
  const parts = typeof content === 'string' ? [{ type: 'text' as const, text: content }] : content;
  const opaque: object[] = [];
  const signatures: Record<string, unknown> = {};
  for (const part of parts) {
    if (part.type !== 'reasoning' || !isObject(part.opaque)) continue;
    const { reasoning_details: details, thought_signatures: signed } = part.opaque;
    if (Array.isArray(details)) opaque.push(...(details as object[]));
    if (isObject(signed)) Object.assign(signatures, signed);
  }
  const texts = joinedTexts(parts);
  const thoughts = parts.flatMap((part) =>
    part.type === 'reasoning' && part.text !== '' ? [part] : [],
  );
  const calls = parts.filter((part) => part.type === 'tool_call');
  return {
    role: 'assistant',
    content: [
      ...thoughts.map(({ text }) => ({ type: 'reasoning' as const, text })),
      ...(texts === '' ? [] : [{ type: 'text' as const, text: texts }]),
      ...calls.map((call) => callOf(call, signatures[call.call_id])),
    ],
    ...((opaque.length > 0 || name !== undefined) &&
      beside({
        ...(name !== undefined && { name }),
        ...(opaque.length > 0 && { reasoning_details: opaque }),
      })),
  };
}

const joinedTexts = (parts: Exclude<Assistant['content'], string>): string =>
  parts
    .flatMap((part) =>
      part.type === 'text' ? [part.text] : part.type === 'file' ? [told(part)] : [],
    )
    .join('\n');

function callOf(
  { call_id, name, input }: ToolCallPart,
  signature: unknown,
): AssistantContent[number] {
  return {
    type: 'tool-call',
    toolCallId: call_id,
    toolName: name,
    input: {},
    providerOptions: {
      // The library would write the input anew, and lose digits.
      openaiCompatible: { function: { name, arguments: inputText(input) } },
      ...(typeof signature === 'string' && { google: { thoughtSignature: signature } }),
    },
  };
}

/** Always the JSON of an object: providers refuse all else, even what the model wrote itself. */
const inputText = (input: unknown): string =>
  isObject(input) ? exactJson(input) : JSON.stringify({ input });

async function contentOf(
  parts: readonly (TextPart | FilePart)[],
  read: ReadFile,
): Promise<UserContent> {
  const content: UserContent = [];
  for (const part of parts)
    content.push(
      part.type === 'text' ? { type: 'text', text: part.text } : await fileContent(part, read),
    );
  return content;
}

/**
 * A file as providers take it: a picture as one, sound and PDF as files, text as text. What no
 * provider takes is told by its name.
 */
async function fileContent(file: FilePart, read: ReadFile): Promise<UserContent[number]> {
  const { media_type: mediaType, url = '', name: filename, detail } = file;
  const kind = kindOf(mediaType);
  if (kind === 'picture' && /^https?:/i.test(url) && URL.canParse(url))
    return pictureOf(mediaType, new URL(url), detail);
  const bytes = kind && (await bytesOf(file, read));
  if (!bytes) return { type: 'text', text: told(file) };
  if (kind === 'picture') return pictureOf(bytes.media_type, bytes.data, detail);
  if (kind === 'text') return { type: 'text', text: textOf(file, bytes.data) };
  return { type: 'file', mediaType, data: bytes.data, ...(filename && { filename }) };
}

/** How providers take files of a type; null where they do not. */
export function kindOf(mediaType: string): 'picture' | 'text' | 'file' | null {
  if (mediaType.startsWith('image/')) return 'picture';
  if (mediaType.startsWith('text/') || TEXTS.test(mediaType)) return 'text';
  return AUDIO.includes(mediaType) || mediaType === 'application/pdf' ? 'file' : null;
}

function pictureOf(
  mediaType: string,
  data: URL | Uint8Array,
  detail: string | undefined,
): UserContent[number] {
  if (detail === undefined) return { type: 'file', mediaType, data };
  const url =
    data instanceof URL
      ? data.href
      : `data:${mediaType};base64,${Buffer.from(data).toString('base64')}`;
  const image_url = { url, detail };
  // The library knows no detail; what is said here stands in the place of what it makes.
  return {
    type: 'file',
    mediaType,
    data: new URL('data:,'),
    providerOptions: { openaiCompatible: { image_url } },
  };
}

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
