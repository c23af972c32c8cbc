import { Held } from '../../common/fields.js';
import { isObject } from '../../common/is-object.js';
import { PLAIN_METADATA, plainMetadataFault } from '../../common/metadata.js';
import { isLonger } from '../../common/text-length.js';
import type { MessageType } from '../chat/message.entity.js';

const TEXT_CHARS_MAX = 2048;
const FIELDS = {
  link: { required: 'url', optional: 'title' },
  code: { required: 'language', optional: 'filename' },
} as const satisfies Record<Exclude<MessageType, 'text'>, { required: string; optional: string }>;

/** For the API document, which says the same (docs/metadata-rules.ts). */
export const METADATA_RULES = { ...PLAIN_METADATA, textCharsMax: TEXT_CHARS_MAX, fields: FIELDS };
export type MetadataRules = typeof METADATA_RULES;

/**
 * Metadata must be what its `message_type` asks for, and must come back from both stores unchanged.
 */
export const IsMetadata = (): PropertyDecorator =>
  Held('isMetadata', (value, args) => metadataFault(value, typeOf(args?.object)), METADATA_RULES);

const typeOf = (body: unknown): unknown =>
  (body as { message_type?: unknown } | undefined)?.message_type ?? 'text';

/**
 * What is wrong with the metadata of a message of this type, as a sentence; null when nothing is.
 */
export function metadataFault(metadata: unknown, type: unknown): string | null {
  if (metadata === undefined || metadata === null)
    return type === 'link' || type === 'code' ? missing(type) : null;
  if ((type === 'link' || type === 'code') && isObject(metadata)) return typedFault(metadata, type);
  return plainMetadataFault(metadata);
}

const missing = (type: 'link' | 'code'): string =>
  `must be an object with ${FIELDS[type].required} for message_type ${type}`;

function typedFault(fields: Record<string, unknown>, type: 'link' | 'code'): string | null {
  const { required, optional } = FIELDS[type];
  const stray = Object.keys(fields).find((key) => key !== required && key !== optional);
  if (stray !== undefined)
    return `has no field ${stray}; ${type} knows ${required} and ${optional}`;
  if (!isShortText(fields[required]))
    return `needs ${required}: text of 1 to ${TEXT_CHARS_MAX} characters`;
  if (fields[optional] !== undefined && !isShortText(fields[optional]))
    return `${optional} must be text of 1 to ${TEXT_CHARS_MAX} characters`;
  return type === 'link' && !isWebLink(fields['url'] as string)
    ? 'url must be an absolute http or https URL'
    : null;
}

const isShortText = (value: unknown): boolean =>
  typeof value === 'string' && value.trim() !== '' && !isLonger(value, TEXT_CHARS_MAX);

function isWebLink(url: string): boolean {
  return (
    URL.canParse(url) &&
    /^https?:\/\/[^/]/i.test(url) &&
    ['http:', 'https:'].includes(new URL(url).protocol)
  );
}
