import { EFFORTS, FORMATS, SUMMARIES, VERBOSITIES } from './format-fields.js';
import { ANY_TEXT } from '../../common/text-patterns.js';
import { TOOL_NAME, TOOLS_MAX } from './tool-fields.js';

const text = { type: 'string' } as const;
const texts = (values: readonly string[]) => ({ ...text, enum: [...values, null], nullable: true });
const anyObject = { type: 'object', additionalProperties: true } as const;
const words = { ...text, pattern: ANY_TEXT };
const name = { ...text, pattern: TOOL_NAME };
const FUNCTION = {
  name,
  description: { ...words, nullable: true },
  parameters: { ...anyObject, nullable: true },
  strict: { type: 'boolean', nullable: true },
};
const listOf = (items: object) => ({ type: 'array', maxItems: TOOLS_MAX, items, nullable: true });
const MODES = { ...text, enum: ['auto', 'none', 'required'] };
const objectOf = (type: string, properties: Record<string, object>): object => ({
  type: 'object',
  required: ['type', ...Object.keys(properties)],
  properties: { type: { ...text, enum: [type] }, ...properties },
});
/** Of which other fields are refused. */
const closed = (schema: object): object => ({ ...schema, additionalProperties: false });
const NAMED = { type: 'object', required: ['name'], properties: { name } };
const ALLOWED_MODE = { ...text, enum: ['auto', 'required'] };

export const TOOLS_SCHEMA = listOf(
  closed({
    type: 'object',
    required: ['type', 'name'],
    properties: { type: { ...text, enum: ['function'] }, ...FUNCTION },
  }),
);
export const COMPLETION_TOOLS_SCHEMA = listOf(
  objectOf('function', { function: { type: 'object', required: ['name'], properties: FUNCTION } }),
);
export const TOOL_CHOICE_SCHEMA = {
  oneOf: [
    MODES,
    closed(objectOf('function', { name })),
    closed(
      objectOf('allowed_tools', {
        mode: ALLOWED_MODE,
        tools: { type: 'array', minItems: 1, items: objectOf('function', { name }) },
      }),
    ),
    { type: 'null' },
  ],
};
export const COMPLETION_CHOICE_SCHEMA = {
  oneOf: [
    MODES,
    objectOf('function', { function: NAMED }),
    objectOf('allowed_tools', {
      allowed_tools: {
        type: 'object',
        required: ['mode', 'tools'],
        properties: {
          mode: ALLOWED_MODE,
          tools: { type: 'array', minItems: 1, items: objectOf('function', { function: NAMED }) },
        },
      },
    }),
    { type: 'null' },
  ],
};

const SCHEMA_NAME = { ...text, pattern: '^[a-zA-Z0-9_-]{1,64}$' };
const SCHEMA = {
  name: SCHEMA_NAME,
  schema: anyObject,
  description: { ...words, nullable: true },
  strict: { type: 'boolean', nullable: true },
};
const PLAIN_FORMAT = objectOf('text', {});
const plain = closed({
  ...PLAIN_FORMAT,
  properties: { type: { ...text, enum: FORMATS.slice(0, 2) } },
});
export const TEXT_SCHEMA = {
  type: 'object',
  nullable: true,
  properties: {
    format: {
      oneOf: [
        plain,
        closed({
          type: 'object',
          required: ['type', 'name', 'schema'],
          properties: { type: { ...text, enum: ['json_schema'] }, ...SCHEMA },
        }),
        { type: 'null' },
      ],
    },
    verbosity: texts(VERBOSITIES),
  },
  additionalProperties: false,
};
export const RESPONSE_FORMAT_SCHEMA = {
  oneOf: [
    plain,
    objectOf('json_schema', {
      json_schema: closed({ type: 'object', required: ['name'], properties: SCHEMA }),
    }),
    { type: 'null' },
  ],
};
export const REASONING_SCHEMA = {
  type: 'object',
  nullable: true,
  properties: {
    effort: texts(EFFORTS),
    summary: texts(SUMMARIES),
    generate_summary: texts(SUMMARIES),
  },
  additionalProperties: false,
};
