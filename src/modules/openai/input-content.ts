import { isObject } from '../../common/is-object.js';
import { isLonger } from '../../common/text-length.js';
import type { FilePart, TextPart } from '../../tree/parts.js';
import { dataUrlType, FILE_NAME_CHARS_MAX, isBase64 } from './data-urls.js';

/** Types that stand for a text; the older name is that of completions. */
export const TEXTS: readonly string[] = ['input_text', 'output_text', 'text'];
export const DETAILS = ['auto', 'low', 'high', 'original'];

/** A part of an item's content, once `contentFault` has found nothing. */
export interface InputContent {
  type: string;
  text?: string;
  refusal?: string;
  annotations?: readonly unknown[] | null;
  image_url?: string | null;
  file_id?: string | null;
  file_url?: string | null;
  file_data?: string | null;
  filename?: string | null;
  detail?: string | null;
}

/** What may stand where: files in questions and in what tools say, texts everywhere. */
export type ContentPlace = 'question' | 'output' | 'text';

type FaultOf = (part: Record<string, unknown>) => string | null;

const FILES: Readonly<Record<string, FaultOf>> = { input_image: imageFault, input_file: fileFault };

/** What is wrong with the list of parts at `path`, for people; null when nothing is. */
export function contentFault(content: unknown, place: ContentPlace, path: string): string | null {
  if (!Array.isArray(content) || content.length === 0)
    return `${path} must be a string or a list of parts`;
  let says = place === 'output';
  for (const [at, part] of content.entries()) {
    const fault = partFault(part, place);
    if (fault) return `${path}[${at}]${fault}`;
    const { type, text, refusal } = part as InputContent;
    says ||= Object.hasOwn(FILES, type) || `${text ?? ''}${refusal ?? ''}`.trim() !== '';
  }
  return says ? null : `${path} must not be empty or blank`;
}

function partFault(part: unknown, place: ContentPlace): string | null {
  if (!isObject(part) || typeof part['type'] !== 'string') return ' must be an object with a type';
  const { type } = part;
  if (TEXTS.includes(type)) return textFault(part);
  if (type === 'refusal' && place === 'text')
    return typeof part['refusal'] === 'string' ? null : '.refusal must be a string';
  if (place !== 'text' && Object.hasOwn(FILES, type)) return FILES[type]!(part);
  return `.type: ${type.slice(0, 40)} cannot stand here`;
}

function textFault({ text, annotations }: Record<string, unknown>): string | null {
  if (typeof text !== 'string') return '.text must be a string';
  const fits = !isGiven(annotations) || (Array.isArray(annotations) && annotations.every(isObject));
  return fits ? null : '.annotations must be a list of objects';
}

function imageFault(part: Record<string, unknown>): string | null {
  return detailFault(part) ?? sourceFault(part, ['image_url', 'file_id']);
}

function fileFault(part: Record<string, unknown>): string | null {
  const { filename } = part;
  if (
    isGiven(filename) &&
    (typeof filename !== 'string' || isLonger(filename, FILE_NAME_CHARS_MAX))
  )
    return `.filename must be a string of at most ${FILE_NAME_CHARS_MAX} characters`;
  return detailFault(part) ?? sourceFault(part, ['file_data', 'file_id', 'file_url']);
}

function detailFault({ detail }: Record<string, unknown>): string | null {
  return !isGiven(detail) || DETAILS.includes(detail as string)
    ? null
    : `.detail must be one of: ${DETAILS.join(', ')}`;
}

/** Exactly one of the fields that can say where the bytes are. */
function sourceFault(part: Record<string, unknown>, fields: readonly string[]): string | null {
  const given = fields.filter((field) => isGiven(part[field]));
  if (given.length !== 1) return ` must have one of: ${fields.join(', ')}`;
  const [field] = given as [string];
  const value = part[field];
  if (typeof value !== 'string' || value === '') return `.${field} must be a string`;
  return field === 'file_id' ? null : bytesFault(field, value);
}

function bytesFault(field: string, value: string): string | null {
  if (value.startsWith('data:'))
    return dataUrlType(value) === null
      ? `.${field} must be a data URL with a media type and base64`
      : null;
  // Some clients send the base64 of a file alone.
  if (field === 'file_data')
    return isBase64(value) ? null : '.file_data must be base64 or a data URL';
  return /^https?:\/\//i.test(value) && URL.canParse(value)
    ? null
    : `.${field} must be an http or https URL${field === 'image_url' ? ', or a data URL' : ''}`;
}

/** Clients send null for what they do not use. */
export const isGiven = (value: unknown): boolean => value !== undefined && value !== null;

/** The parts that a content stands for. Bytes are in `url`, as a data URL, until they are kept. */
export const contentParts = (
  content: string | readonly InputContent[],
  phase?: TextPart['phase'] | null,
): (TextPart | FilePart | { type: 'refusal'; text: string })[] =>
  typeof content === 'string'
    ? [textPart(content, phase)]
    : content.map((part) =>
        part.type === 'refusal'
          ? { type: 'refusal', text: part.refusal! }
          : Object.hasOwn(FILES, part.type)
            ? filePart(part)
            : textPart(part.text!, phase, part.annotations),
      );

const textPart = (
  text: string,
  phase?: TextPart['phase'] | null,
  annotations?: readonly unknown[] | null,
): TextPart => ({
  type: 'text',
  text,
  ...(phase && { phase }),
  ...(annotations && annotations.length > 0 && { annotations: [...annotations] }),
});

function filePart({ type, ...part }: InputContent): FilePart {
  const url =
    part.image_url ?? part.file_url ?? (part.file_data ? asDataUrl(part.file_data) : null);
  return {
    type: 'file',
    ...(part.file_id ? { file_id: part.file_id } : { url: url! }),
    media_type: url?.startsWith('data:')
      ? dataUrlType(url)!
      : type === 'input_image'
        ? 'image/*'
        : 'application/octet-stream',
    ...(part.filename && { name: part.filename }),
    ...(part.detail && { detail: part.detail }),
  };
}

const asDataUrl = (data: string): string =>
  data.startsWith('data:') ? data : `data:application/octet-stream;base64,${data}`;
