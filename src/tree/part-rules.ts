import type { Part } from './parts.js';

/** A side of a pair. */
export type SideName = 'question' | 'response';

/** What is wrong with a list of parts, and where in it: `.3.call_id`. */
export interface PartFault {
  path: string;
  message: string;
}

/** Why a value is none that a field may have, as a sentence; null when it is. */
type Rule = (value: unknown) => string | null;

/** Of the text of a side, in UTF-8. */
export const QUESTION_BYTES_MAX = 128 * 1024;
export const RESPONSE_BYTES_MAX = 256 * 1024;
export const PARTS_MAX = 500;
/** Of the JSON of a side, beside the words of its text parts. */
export const PARTS_BYTES_MAX = 512 * 1024;
/** In characters. */
export const PART_BOUNDS = { callId: 200, name: 200, mediaType: 255, fileName: 255, url: 8192 };

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;
const MEDIA_TYPE = /^[\w.+-]+\/[\w.+*-]+(?:\s*;.*)?$/;
const CONTROL = /\p{Cc}/u;

const text: Rule = (value) => (typeof value === 'string' ? null : 'must be a string');
const said: Rule = (value) =>
  text(value) ?? ((value as string).trim() === '' ? 'must not be empty or blank' : null);
const upTo =
  (max: number): Rule =>
  (value) =>
    said(value) ?? (isLonger(value as string, max) ? `must have at most ${max} characters` : null);
/** A name for programs. */
const named =
  (max: number): Rule =>
  (value) =>
    upTo(max)(value) ?? (CONTROL.test(value as string) ? 'must not have control characters' : null);
const formed =
  (form: RegExp, what: string): Rule =>
  (value) =>
    text(value) ?? (form.test(value as string) ? null : `must be ${what}`);
const flag: Rule = (value) => (typeof value === 'boolean' ? null : 'must be true or false');
const oneOf =
  (...values: string[]): Rule =>
  (value) =>
    values.includes(value as string) ? null : `must be one of: ${values.join(', ')}`;
const count: Rule = (value) =>
  Number.isSafeInteger(value) && (value as number) >= 0 ? null : 'must be a whole number from 0';
const any: Rule = () => null;
const objects: Rule = (value) =>
  Array.isArray(value) && value.every(isObject) ? null : 'must be a list of objects';
const address: Rule = (value) => {
  if (typeof value !== 'string') return 'must be a string';
  if (value.startsWith('data:')) return null;
  if (isLonger(value, PART_BOUNDS.url)) return `must have at most ${PART_BOUNDS.url} characters`;
  return /^https?:\/\/[^/]/i.test(value) && URL.canParse(value)
    ? null
    : 'must be an absolute http or https URL, or a data: URL';
};

interface Fields {
  required: Readonly<Record<string, Rule>>;
  optional?: Readonly<Record<string, Rule>>;
  /** Whether it may have others. */
  open?: boolean;
}

const callId = named(PART_BOUNDS.callId);
const name = named(PART_BOUNDS.name);
const TEXT: Fields = {
  required: { text },
  optional: { phase: oneOf('commentary', 'final_answer'), annotations: objects },
};
const FILE: Fields = {
  required: { media_type: formed(MEDIA_TYPE, 'a media type like image/png') },
  optional: {
    file_id: formed(UUID, 'a UUID'),
    url: address,
    name: upTo(PART_BOUNDS.fileName),
    bytes: count,
    sha256: formed(/^[0-9a-f]{64}$/, '64 hex digits in lower case'),
    detail: named(20),
  },
};
const RESULT: Fields = { required: { call_id: callId, output: any }, optional: { is_error: flag } };
const DATA: Fields = { required: { name, value: any } };
const OTHER: Fields = { required: { format: name, value: any } };

/** Which parts a side may have, and their fields besides `type`. */
const PARTS: Readonly<Record<SideName, Readonly<Record<string, Fields>>>> = {
  question: {
    text: TEXT,
    instruction: { required: { role: oneOf('system', 'developer'), text: said } },
    file: FILE,
    tool_result: RESULT,
    data: DATA,
    other: OTHER,
  },
  response: {
    text: TEXT,
    file: FILE,
    tool_call: {
      required: { call_id: callId, name, input: any },
      optional: { provider_executed: flag },
    },
    tool_result: RESULT,
    reasoning: { required: { text }, optional: { summary: text, opaque: any } },
    source: { required: {}, optional: { url: text, title: text }, open: true },
    refusal: { required: { text: said } },
    data: DATA,
    other: OTHER,
  },
};

/**
 * What is wrong with the parts of a side; null when nothing is.
 * @param textBytesMax of all its texts together, in UTF-8
 */
export function partsFault(side: SideName, parts: unknown, textBytesMax: number): PartFault | null {
  if (!Array.isArray(parts)) return at('', 'must be a list of parts');
  if (parts.length === 0) return at('', 'must have a part');
  if (parts.length > PARTS_MAX) return at('', `must have at most ${PARTS_MAX} parts`);
  for (const [n, part] of parts.entries()) {
    const fault = partFault(side, part);
    if (fault) return at(`.${n}${fault.path}`, fault.message);
  }
  const sound = parts as Part[];
  return twiceFault(sound) ?? sizeFault(sound, textBytesMax);
}

function partFault(side: SideName, part: unknown): PartFault | null {
  if (!isObject(part)) return at('', 'must be an object');
  const { type } = part;
  const kinds = PARTS[side];
  if (typeof type !== 'string' || !Object.hasOwn(kinds, type))
    return at('.type', `must be one of: ${Object.keys(kinds).join(', ')}`);
  const fields = kinds[type]!;
  return fieldFault(part, fields) ?? (type === 'file' ? sourceFault(part) : null);
}

function fieldFault(
  part: Record<string, unknown>,
  { required, optional = {}, open = false }: Fields,
): PartFault | null {
  const missing = Object.keys(required).find((field) => !Object.hasOwn(part, field));
  if (missing !== undefined) return at(`.${missing}`, 'must be given');
  for (const [field, value] of Object.entries(part)) {
    if (field === 'type') continue;
    const rule = ruleOf(required, field) ?? ruleOf(optional, field);
    if (!rule && !open) return at(`.${field}`, 'there is no such field; leave it out');
    const fault = rule?.(value);
    if (fault) return at(`.${field}`, fault);
  }
  return null;
}

const ruleOf = (rules: Readonly<Record<string, Rule>>, field: string): Rule | undefined =>
  Object.hasOwn(rules, field) ? rules[field] : undefined;

/** A file is in one place. */
function sourceFault({ file_id, url }: Record<string, unknown>): PartFault | null {
  if (file_id !== undefined && url !== undefined) return at('.url', 'goes not with file_id');
  return file_id === undefined && url === undefined
    ? at('.file_id', 'must be given, or a url')
    : null;
}

/** A call is made once, and has one result. */
function twiceFault(parts: readonly Part[]): PartFault | null {
  const seen = new Set<string>();
  for (const [n, part] of parts.entries()) {
    if (part.type !== 'tool_call' && part.type !== 'tool_result') continue;
    const key = `${part.type} ${part.call_id}`;
    if (seen.has(key)) return at(`.${n}.call_id`, 'must not be given twice');
    seen.add(key);
  }
  return null;
}

function sizeFault(parts: readonly Part[], textBytesMax: number): PartFault | null {
  const texts = parts.map((part) => (part.type === 'text' ? part.text : null));
  const words = texts.filter((one) => one !== null).join('\n');
  if (words.trim() === '' && texts.every((one) => one !== null))
    return at('', 'must not be empty or blank');
  if (Buffer.byteLength(words) > textBytesMax)
    return at('', `must have at most ${textBytesMax} bytes of UTF-8 as text`);
  return bytesBesideText(parts) > PARTS_BYTES_MAX
    ? at('', `must have at most ${PARTS_BYTES_MAX} bytes of JSON beside its text; keep a file`)
    : null;
}

/**
 * What a `data:` URL has is taken out of the part and kept as a file, so it does not count here.
 */
const bytesBesideText = (parts: readonly Part[]): number =>
  Buffer.byteLength(
    JSON.stringify(
      parts.map((part) => {
        if (part.type === 'text') return { ...part, text: '' };
        return part.type === 'file' && part.url?.startsWith('data:') ? { ...part, url: '' } : part;
      }),
    ),
  );

const at = (path: string, message: string): PartFault => ({ path, message });

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** In code points, of which each has one or two units. */
const isLonger = (value: string, max: number): boolean =>
  value.length > max && (value.length > 2 * max || [...value].length > max);
