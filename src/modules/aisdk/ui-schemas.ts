import {
  anyObject,
  anyText,
  BASE64_TEXT,
  FILE_NAME,
  METADATA_SCHEMA,
  only,
  orNull,
  UUID_TEXT,
  WEB_TEXT,
} from '../../common/json-schema.js';
import { NAME_CHARS_MAX } from '../../common/name.js';
import { NAME_TEXT, SAID_TEXT } from '../../common/text-patterns.js';
import { PART_BOUNDS } from '../../tree/part-rules.js';
import { PARTS_MAX, STEP } from './ui-parts.js';

const TOOLS_MAX = 128;
const WHOLE_MAX = Number.MAX_SAFE_INTEGER;

const name = { type: 'string', minLength: 1, maxLength: NAME_CHARS_MAX, pattern: SAID_TEXT };
const part = (properties: Record<string, object>, ...required: string[]) => ({
  ...{ ...anyObject, required: ['type', ...required], properties },
});

const TEXT = part({ type: only('text'), text: anyText }, 'text');
const SAID = part({ type: only('text'), text: { ...anyText, pattern: SAID_TEXT } }, 'text');
const STEP_START = part({ type: only(STEP.type) });
const fileAt = (url: object, ...required: string[]) =>
  part(
    {
      ...{ type: only('file'), url: { type: 'string', ...url } },
      mediaType: { type: 'string', pattern: '^[\\w.+-]+/[\\w.+*-]+$' },
      filename: FILE_NAME,
    },
    ...['url', ...required],
  );
const DATA_HEAD = '^data:([\\w.+-]+/[\\w.+-]+)?(;charset=[\\w.+-]+)?';
const FILES = [
  fileAt({ format: 'uri', maxLength: PART_BOUNDS.url, pattern: WEB_TEXT }, 'mediaType'),
  fileAt({ pattern: `${DATA_HEAD};base64,${BASE64_TEXT}$` }),
  fileAt({ pattern: `${DATA_HEAD},([ -$&-~]|%[0-9a-fA-F]{2})*$` }),
  fileAt({ pattern: `^/api/v1/files/${UUID_TEXT}/content$` }),
];
/** Kept as it is. */
const OTHER = part({
  type: {
    ...{ type: 'string', minLength: 1, maxLength: PART_BOUNDS.name, pattern: NAME_TEXT },
    not: { anyOf: [{ enum: ['text', 'file', STEP.type] }, { pattern: '^data-\\s+$' }] },
  },
});
/** What a tool of the page gave. */
const RESULT = part(
  {
    type: { type: 'string', pattern: '^(tool-.*|dynamic-tool)$' },
    toolCallId: {
      ...{ type: 'string', minLength: 1, maxLength: PART_BOUNDS.callId, pattern: NAME_TEXT },
    },
    state: { type: 'string', enum: ['output-available', 'output-error', 'output-denied'] },
    errorText: anyText,
    approval: anyObject,
    providerExecuted: { type: 'boolean', enum: [false] },
    preliminary: { type: 'boolean', enum: [false] },
  },
  ...['toolCallId', 'state'],
);

/** A `UIMessage` of the AI SDK, as far as it is read here. */
const message = (role: string, fields: Record<string, object>, ...required: string[]) => ({
  ...anyObject,
  required: ['id', 'role', ...required],
  properties: {
    id: { ...name, description: 'Of an answer: its `response_id`, as `start` told it.' },
    role: only(role),
    content: orNull(anyText),
    metadata: { ...orNull(anyObject), description: 'Of a new message: kept with its pair.' },
    ...fields,
  },
});
const listOf = (items: object, contains?: object) => ({
  ...{ type: 'array', maxItems: PARTS_MAX, items, ...(contains && { contains }) },
});
const CONTENT = { content: { ...anyText, pattern: SAID_TEXT }, parts: { type: 'null' } };
const METADATA = {
  ...METADATA_SCHEMA,
  description:
    'Any small object (64 keys, 16 KiB), kept with the pair. What this server told in it (`branchId`, `seq` …) is left out.',
};
const SAYING = [SAID, ...FILES, OTHER];

/** What a person says: text, files (a `data:` URL becomes a file of the account), and any other. */
const ASKING = [
  message(
    'user',
    {
      parts: listOf({ anyOf: [TEXT, ...FILES, OTHER, STEP_START] }, { anyOf: SAYING }),
      metadata: METADATA,
    },
    'parts',
  ),
  message('user', { ...CONTENT, metadata: METADATA }, 'content'),
];
/** What systems say is told to the model; it is text. */
const SYSTEMS = [
  message('system', { parts: listOf({ anyOf: [TEXT, STEP_START] }, SAID) }, 'parts'),
  message('system', CONTENT, 'content'),
];
/** Of the answers on the path the ids are read, and results of tools that are new. */
const ANSWER = message('assistant', { parts: orNull(listOf({ anyOf: [RESULT, TEXT, OTHER] })) });
/** An answer with results of its calls: it is gone on with. */
const ANSWERED = message(
  'assistant',
  { id: { type: 'string', format: 'uuid' }, parts: listOf({ anyOf: [RESULT] }, RESULT) },
  'parts',
);

/** Schemas of the document that have names. */
export const UI_MESSAGES = {
  UiQuestion: { description: 'What a person says.', anyOf: ASKING },
  UiInstruction: { description: 'What a system says.', anyOf: SYSTEMS },
  UiAnswer: ANSWER,
  UiAnswered: ANSWERED,
};
const ref = (one: keyof typeof UI_MESSAGES) => ({ $ref: `#/components/schemas/${one}` });

export const ANY_UI_MESSAGE = {
  anyOf: [ref('UiQuestion'), ref('UiInstruction'), ref('UiAnswer')],
};
export const ONE_UI_MESSAGE = { anyOf: [ref('UiQuestion'), ref('UiAnswered')] };

/** What is said: by all messages of the path, or by the new one alone. */
export const UI_SAYING = {
  anyOf: [
    {
      required: ['messages'],
      properties: { messages: { contains: ref('UiQuestion') }, message: ref('UiQuestion') },
    },
    { required: ['message'], properties: { message: ref('UiQuestion') } },
    {
      required: ['message'],
      properties: { message: ref('UiAnswered'), trigger: only('submit-message') },
    },
  ],
};

const TOOL = {
  ...anyObject,
  properties: {
    description: orNull(anyText),
    parameters: orNull(anyObject),
    inputSchema: orNull(anyObject),
  },
};
const TOOL_NAME = { ...name, pattern: NAME_TEXT };

/** JSON schemas by the names of the tools, or a list of functions with names. */
export const UI_TOOLS = [
  {
    ...{ type: 'object', maxProperties: TOOLS_MAX, propertyNames: TOOL_NAME },
    additionalProperties: TOOL,
  },
  {
    ...{ type: 'array', maxItems: TOOLS_MAX },
    items: { ...TOOL, required: ['name'], properties: { ...TOOL.properties, name: TOOL_NAME } },
  },
];

const number = (minimum: number, maximum: number) => ({
  ...{ type: ['number', 'null'], format: 'double', minimum, maximum },
});
const whole = (minimum: number) => ({ type: ['integer', 'null'], minimum, maximum: WHOLE_MAX });

/** How assistant-ui says what a model is set to; null is nothing. */
export const UI_CALL_SETTINGS = {
  type: 'object',
  properties: {
    maxTokens: whole(1),
    maxOutputTokens: whole(1),
    temperature: number(0, 2),
    topP: number(0, 1),
    presencePenalty: number(-2, 2),
    frequencyPenalty: number(-2, 2),
    seed: whole(-WHOLE_MAX),
  },
  additionalProperties: { type: 'null' },
};

export const UI_CONFIG = {
  type: 'object',
  properties: { modelName: name },
  additionalProperties: { type: 'null' },
};
