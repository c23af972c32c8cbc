import type { FilePart, Part } from '../tree/parts.js';
import type { ModelMessage } from './language-model.js';

/** A picture of any size, as OpenAI counts one of 1024 × 1024 in detail. */
const PICTURE_TOKENS = 1105;
/** One that is glanced at (`detail: low`). */
const GLANCE_TOKENS = 85;
/** A guess for what is heard or turned into pages; nobody tells before it is asked. */
const BYTES_PER_FILE_TOKEN = 32;
const BYTES_PER_TEXT_TOKEN = 4;
/** Where it is not known how long a file is. */
const FILE_TOKENS = 1105;

/** All words of a message that a model reads: also thoughts, inputs and outputs of tools. */
export function countedText({ content }: ModelMessage): string {
  return typeof content === 'string' ? content : content.map(partText).join('\n');
}

/** What its files cost, in tokens: an estimate. */
export function fileTokensOf({ content }: ModelMessage): number {
  if (typeof content === 'string') return 0;
  return content.reduce((sum, part) => sum + partFileTokens(part), 0);
}

/** What the files of a part cost, in tokens: an estimate. */
export const partFileTokens = (part: Part): number =>
  filesIn(part).reduce((sum, file) => sum + tokensOf(file), 0);

/** The words of a part that a model reads. */
export function partText(part: Part): string {
  switch (part.type) {
    case 'text':
    case 'instruction':
    case 'refusal':
      return part.text;
    case 'reasoning':
      return part.opaque === undefined ? part.text : `${part.text}${jsonOf(part.opaque)}`;
    case 'tool_call':
      return `${part.name} ${jsonOf(part.input)}`;
    case 'tool_result':
      return isList(part.output)
        ? part.output.map((one) => (one.type === 'text' ? one.text : '')).join('\n')
        : jsonOf(part.output);
    case 'file':
      return part.name ?? '';
    default:
      return '';
  }
}

function filesIn(part: Part): FilePart[] {
  if (part.type === 'file') return [part];
  if (part.type !== 'tool_result' || !isList(part.output)) return [];
  return part.output.filter((one) => one.type === 'file');
}

/** Whether an output is a list of texts and files, and no other JSON. */
export const isList = (
  output: unknown,
): output is readonly (FilePart | { type: 'text'; text: string })[] =>
  Array.isArray(output) &&
  output.length > 0 &&
  output.every(
    (one: { type?: unknown; text?: unknown; media_type?: unknown } | null) =>
      (one?.type === 'text' && typeof one.text === 'string') ||
      (one?.type === 'file' && typeof one.media_type === 'string'),
  );

const jsonOf = (value: unknown): string =>
  typeof value === 'string' ? value : (JSON.stringify(value) ?? '');

function tokensOf({ media_type: type, bytes, detail }: FilePart): number {
  if (type.startsWith('image/')) return detail === 'low' ? GLANCE_TOKENS : PICTURE_TOKENS;
  if (bytes === undefined) return FILE_TOKENS;
  return Math.ceil(
    bytes / (type.startsWith('text/') ? BYTES_PER_TEXT_TOKEN : BYTES_PER_FILE_TOKEN),
  );
}
