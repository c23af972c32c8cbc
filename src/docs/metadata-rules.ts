import type { Components, Schema } from './document.js';
import { ANY_TEXT, METADATA_KEY, SAID_TEXT } from '../common/text-patterns.js';

const VALUE = '#/components/schemas/MetadataValue';
const said = (more: Partial<Schema>): Schema => ({ type: 'string', minLength: 1, maxLength: 2048, pattern: SAID_TEXT, ...more });

/** Any JSON, with such keys at every level. */
const METADATA_VALUE = {
  description: 'Any JSON; keys neither begin with `$` nor have a dot. At most 8 levels.',
  anyOf: [
    { type: 'string', pattern: ANY_TEXT },
    { type: 'number' },
    { type: 'boolean' },
    { type: 'null' },
    { type: 'array', items: { $ref: VALUE } },
    { type: 'object', propertyNames: { pattern: METADATA_KEY }, additionalProperties: { $ref: VALUE } },
  ],
};

const LINK = {
  type: 'object',
  required: ['url'],
  properties: { url: said({ format: 'uri', pattern: '^[Hh][Tt][Tt][Pp][Ss]?://[^/?#\\s\\u0000][^\\s\\u0000]*$' }), title: said({}) },
  additionalProperties: false,
};
const CODE = {
  type: 'object',
  required: ['language'],
  properties: { language: said({}), filename: said({}) },
  additionalProperties: false,
};

const where = (type: string, metadata: object): object => ({
  if: { properties: { message_type: { const: type } }, required: ['message_type'] },
  then: { required: ['metadata'], properties: { metadata } },
});

/** Says what `metadata` must be: for each `message_type` something else. */
export function addMetadataRules(schema: Schema, schemas: NonNullable<Components['schemas']>): void {
  schemas['MetadataValue'] ??= METADATA_VALUE as Schema;
  const plain = { maxProperties: 64, propertyNames: { pattern: METADATA_KEY }, additionalProperties: { $ref: VALUE } };
  Object.assign(schema.properties!['metadata'] as Schema, plain);
  schema.allOf = [where('link', LINK), where('code', CODE)] as Schema[];
}
