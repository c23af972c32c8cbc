import { ANY_TEXT, SAID_TEXT } from '../../common/text-patterns.js';
import { PHASES } from './input-items.js';
import { DETAILS, TEXTS } from './input-content.js';

const text = { type: 'string' } as const;
const said = { ...text, minLength: 1, pattern: SAID_TEXT };
const words = { ...text, pattern: ANY_TEXT };
const nullable = { ...words, nullable: true };
const callId = { ...words, minLength: 1, maxLength: 256 };
const http = { ...text, pattern: '^https?://[a-z0-9]+(\\.[a-z]+)*$' };
const fileId = { ...words, minLength: 1 };
const detail = { ...text, enum: [...DETAILS] };

const typed = (
  type: readonly string[],
  required: readonly string[],
  properties: Record<string, object>,
) => ({
  type: 'object',
  required: ['type', ...required],
  properties: { type: { ...text, enum: type }, ...properties },
  additionalProperties: false,
});
/** Of every item: they come back as they went out. */
const OF_ALL = { id: nullable, status: nullable };

const NOTES = { type: 'array', items: { type: 'object', additionalProperties: true } };
const TEXT_PARTS = typed(TEXTS, ['text'], {
  ...{ text: said, annotations: { ...NOTES, nullable: true } },
  logprobs: { ...NOTES, maxItems: 0, nullable: true },
});
const partsOf = (...items: object[]) => ({ type: 'array', minItems: 1, items: { oneOf: items } });
const FILES = [
  typed(['input_image'], ['image_url'], { image_url: http, detail }),
  typed(['input_image'], ['file_id'], { file_id: fileId, detail }),
  typed(['input_file'], ['file_url'], { file_url: http, filename: { ...words, maxLength: 255 } }),
  typed(['input_file'], ['file_id'], { file_id: fileId, filename: { ...words, maxLength: 255 } }),
];
const messageOf = (roles: readonly string[], parts: object, more: Record<string, object> = {}) => ({
  type: 'object',
  required: ['role', 'content'],
  properties: {
    type: { ...text, enum: ['message'] },
    ...OF_ALL,
    role: { ...text, enum: roles },
    name: { type: 'null', description: 'Refused: messages have no names here.' },
    content: { oneOf: [said, parts] },
    ...more,
  },
  additionalProperties: false,
});

/** An item of an input that says everything itself. */
const ITEMS = [
  messageOf(['user'], partsOf(TEXT_PARTS, ...FILES)),
  messageOf(['system', 'developer'], partsOf(TEXT_PARTS)),
  messageOf(
    ['assistant'],
    partsOf(TEXT_PARTS, typed(['refusal'], ['refusal'], { refusal: said })),
    { phase: { ...text, enum: [...PHASES, null], nullable: true } },
  ),
  typed(['function_call'], ['call_id', 'name', 'arguments'], {
    ...{ ...OF_ALL, call_id: callId, arguments: words },
    name: { ...words, minLength: 1, maxLength: 128 },
  }),
  typed(['function_call_output'], ['call_id', 'output'], {
    ...{ ...OF_ALL, call_id: callId },
    output: { oneOf: [words, partsOf(TEXT_PARTS, ...FILES)] },
  }),
  typed(['reasoning'], ['summary'], {
    ...OF_ALL,
    summary: { type: 'array', items: typed(['summary_text'], ['text'], { text: words }) },
    content: {
      ...{ type: 'array', nullable: true },
      items: typed(['reasoning_text'], ['text'], { text: words }),
    },
    encrypted_content: nullable,
  }),
];

export const INPUT_ITEM_SCHEMA = {
  oneOf: [
    ...ITEMS,
    typed(['compaction'], ['encrypted_content'], {
      ...{ ...OF_ALL, encrypted_content: { ...words, minLength: 1 } },
    }),
    typed(['item_reference'], ['id'], { id: { ...words, minLength: 1 } }),
  ],
} as object;
