import type { PLAIN_METADATA } from '../common/metadata.js';
import type { MetadataRules } from '../modules/message/metadata.js';
import type { Components, Schema } from './document.js';
import { ANY_TEXT, METADATA_KEY, SAID_TEXT } from '../common/text-patterns.js';

type PlainRules = typeof PLAIN_METADATA;

const VALUE = '#/components/schemas/MetadataValue';
const WEB_LINK = {
  format: 'uri',
  pattern: '^[Hh][Tt][Tt][Pp][Ss]?://[^/?#\\s\\u0000][^\\s\\u0000]*$',
};

/** Any JSON, with such keys at every level. */
const valueSchema = ({ depthMax }: PlainRules): object => ({
  description: `Any JSON; keys neither begin with \`$\` nor have a dot. At most ${depthMax} levels.`,
  anyOf: [
    { type: 'string', pattern: ANY_TEXT },
    { type: 'number' },
    { type: 'boolean' },
    { type: 'null' },
    { type: 'array', items: { $ref: VALUE } },
    {
      type: 'object',
      propertyNames: { pattern: METADATA_KEY },
      additionalProperties: { $ref: VALUE },
    },
  ],
});

/** What the metadata of a `message_type` with fields of its own are. */
function typedSchema(
  type: keyof MetadataRules['fields'],
  { fields, textCharsMax }: MetadataRules,
): object {
  const { required, optional } = fields[type];
  const said = { type: 'string', minLength: 1, maxLength: textCharsMax, pattern: SAID_TEXT };
  const properties = {
    [required]: { ...said, ...(type === 'link' && WEB_LINK) },
    [optional]: said,
  };
  return {
    if: { properties: { message_type: { const: type } }, required: ['message_type'] },
    then: {
      required: ['metadata'],
      properties: {
        metadata: { type: 'object', required: [required], properties, additionalProperties: false },
      },
    },
  };
}

/** Says what `metadata` must be that are any object. */
export function addPlainMetadataRules(
  schema: Schema,
  schemas: NonNullable<Components['schemas']>,
  rules: PlainRules,
): void {
  schemas['MetadataValue'] ??= valueSchema(rules) as Schema;
  const plain = {
    maxProperties: rules.keysMax,
    propertyNames: { pattern: METADATA_KEY },
    additionalProperties: { $ref: VALUE },
  };
  Object.assign(schema.properties!['metadata'] as Schema, plain);
}

/** Says what `metadata` must be: for each `message_type` something else. */
export function addMetadataRules(
  schema: Schema,
  schemas: NonNullable<Components['schemas']>,
  rules: MetadataRules,
): void {
  addPlainMetadataRules(schema, schemas, rules);
  schema.allOf = [typedSchema('link', rules), typedSchema('code', rules)] as Schema[];
}
