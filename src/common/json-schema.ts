import { PART_BOUNDS } from '../tree/part-rules.js';
import { PLAIN_METADATA } from './metadata.js';
import { ANY_TEXT, METADATA_KEY } from './text-patterns.js';

// Pieces of what the API document says of bodies that are not read by classes.

export const UUID_TEXT = '[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}';
const DIGIT = '[A-Za-z0-9+/]';
/** Base64 as RFC 4648, 4 has it. */
export const BASE64_TEXT = `(${DIGIT}{4})*(${DIGIT}{2}==|${DIGIT}{3}=)?`;

/** Where a file of the web is. */
export const WEB_TEXT = '^[Hh][Tt][Tt][Pp][Ss]?://[^/]';

export const anyObject = { type: 'object', additionalProperties: true } as const;
export const anyText = { type: 'string', pattern: ANY_TEXT } as const;

/** The name of a file, which may be empty. */
export const FILE_NAME = {
  ...{ type: 'string', maxLength: PART_BOUNDS.fileName, pattern: '^[^\\p{Cc}]*$' },
} as const;

export const only = (...values: readonly string[]) => ({ type: 'string', enum: [...values] });

export const orNull = <Schema extends { type: string }>(schema: Schema) => ({
  ...schema,
  type: [schema.type, 'null'],
});

/** Any small object of a client's own (`plainMetadataFault`), or null. */
export const METADATA_SCHEMA = {
  ...{ type: ['object', 'null'], maxProperties: PLAIN_METADATA.keysMax },
  propertyNames: { pattern: METADATA_KEY },
  additionalProperties: { $ref: '#/components/schemas/MetadataValue' },
};
