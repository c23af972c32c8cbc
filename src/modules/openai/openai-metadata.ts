import { exactEntries } from '../../common/exact-json.js';
import { isObject } from '../../common/is-object.js';
import { isLonger } from '../../common/text-length.js';
import { ANY_TEXT, METADATA_KEY } from '../../common/text-patterns.js';
import { metadataFault } from '../message/metadata.js';
import { branchIn, NAME_PATTERNS } from './openai-ids.js';

const KEYS_MAX = 16;
const KEY_CHARS_MAX = 64;
const VALUE_CHARS_MAX = 512;

const textOf = (maxLength: number) => ({ type: 'string', maxLength, pattern: ANY_TEXT }) as const;
/** What may be noted, as a schema. */
export const NOTES = {
  type: 'object',
  maxProperties: KEYS_MAX,
  propertyNames: textOf(KEY_CHARS_MAX),
  additionalProperties: textOf(VALUE_CHARS_MAX),
} as object;
/** Keys of a pair's metadata are bound more narrowly, and one of them names a branch. */
export const RESPONSE_NOTES = {
  ...NOTES,
  propertyNames: { ...textOf(KEY_CHARS_MAX), pattern: METADATA_KEY },
  properties: { branch_id: { type: 'string', pattern: NAME_PATTERNS.branch } },
} as object;

/** What people note at a conversation or a response. */
export type Metadata = Record<string, string>;

/** What is wrong with metadata as OpenAI's API has it; null when nothing is. */
export function notesFault(metadata: unknown): string | null {
  if (!isObject(metadata)) return 'must be an object';
  if (Object.keys(metadata).length > KEYS_MAX) return `must have at most ${KEYS_MAX} keys`;
  const entries = Object.entries(metadata);
  if (entries.some(([key]) => isLonger(key, KEY_CHARS_MAX)))
    return `must have keys of at most ${KEY_CHARS_MAX} characters`;
  const isText = (value: unknown): boolean =>
    typeof value === 'string' && !isLonger(value, VALUE_CHARS_MAX);
  return entries.every(([, value]) => isText(value))
    ? null
    : `must have values that are strings of at most ${VALUE_CHARS_MAX} characters`;
}

/** The same of a response, whose metadata is that of its pair, and may name a branch. */
export function responseNotesFault(metadata: unknown): string | null {
  const fault = notesFault(metadata) ?? metadataFault(metadata, 'text');
  if (fault) return fault;
  const { branch_id: branch } = metadata as Metadata;
  return branch !== undefined && branchIn(branch) === null
    ? 'branch_id must be the id of a chat'
    : null;
}

/** Metadata of a pair, which may be any JSON, with the values as text. */
export const notesOf = (metadata: Record<string, unknown> | null): Metadata =>
  Object.fromEntries(
    exactEntries(metadata ?? {}).map(([key, json]) => [
      key,
      json.startsWith('"') ? (JSON.parse(json) as string) : json,
    ]),
  );
