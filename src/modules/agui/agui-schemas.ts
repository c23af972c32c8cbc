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
import { FILE_KINDS, ROLES } from './agui-message.js';

const said = { type: 'string', minLength: 1, pattern: SAID_TEXT } as const;
const name = { ...said, maxLength: NAME_CHARS_MAX };
const object = (properties: Record<string, object>, ...required: string[]) => ({
  ...{ ...anyObject, required, properties },
});

const mimeType = { type: 'string', pattern: '^[\\w.+-]+/[\\w.+-]+$' };
const SOURCES = [
  object(
    {
      ...{ type: only('data'), mimeType },
      value: {
        type: 'string',
        pattern: `^${BASE64_TEXT}$`,
      },
    },
    ...['type', 'value'],
  ),
  object(
    {
      ...{ type: only('url'), mimeType },
      value: {
        ...{ type: 'string', format: 'uri', maxLength: PART_BOUNDS.url },
        pattern: WEB_TEXT,
      },
    },
    ...['type', 'value'],
  ),
  object(
    { ...{ type: only('file'), mimeType }, value: { type: 'string', pattern: `^${UUID_TEXT}$` } },
    ...['type', 'value'],
  ),
];
const text = (words: object) => object({ type: only('text'), text: words }, 'type', 'text');
const FILE = object(
  {
    type: only(...FILE_KINDS),
    source: { anyOf: SOURCES },
    metadata: object({
      filename: FILE_NAME,
    }),
  },
  ...['type', 'source'],
);

const message = (roles: readonly string[], fields: Record<string, object>, ...required: string[]) =>
  object(
    {
      id: { ...name, description: 'Of an answer: its `response_id`, as the run told it.' },
      role: only(...roles),
      ...fields,
    },
    ...['id', 'role', ...required],
  );

const METADATA = {
  ...METADATA_SCHEMA,
  description: 'Of a new message: kept with its pair.',
};

/** Schemas of the document that have names. */
export const AGUI_MESSAGES = {
  AguiQuestion: message(
    ['user'],
    {
      content: {
        description:
          'A text, or a list of parts: `text`, `image`, `audio`, `video`, `document` with a `source` of the type `data` (kept as a file of the account), `url` or `file`.',
        anyOf: [
          said,
          {
            ...{ type: 'array', items: { anyOf: [text(anyText), FILE] } },
            contains: { anyOf: [text(said), FILE] },
          },
        ],
      },
      name: { ...orNull(name), description: 'The `author` of its pair.' },
      metadata: METADATA,
    },
    'content',
  ),
  AguiInstruction: message(['system', 'developer'], { content: said }, 'content'),
  AguiResult: message(
    ['tool'],
    {
      toolCallId: {
        ...{ type: 'string', minLength: 1, maxLength: PART_BOUNDS.callId, pattern: NAME_TEXT },
        description: 'The call that it answers.',
      },
      content: {
        anyOf: [
          anyText,
          { type: 'array', items: { ...text(anyText), additionalProperties: false } },
        ],
      },
      error: { description: 'Why the tool failed.' },
    },
    'toolCallId',
  ),
  AguiAnswer: message(['assistant', 'reasoning', 'activity'], {}),
};
const ref = (one: keyof typeof AGUI_MESSAGES) => ({ $ref: `#/components/schemas/${one}` });

export const ANY_AGUI_MESSAGE = {
  anyOf: (['AguiQuestion', 'AguiInstruction', 'AguiResult', 'AguiAnswer'] as const).map(ref),
};

/** A message as it is told by us. */
export const TOLD_AGUI_MESSAGE = object(
  {
    id: { type: 'string', description: 'Of an answer: its `response_id`.' },
    role: only(...ROLES),
    content: {
      description:
        'A text, or a list of parts: `text`, `image`, `audio`, `video`, `document` with a `source` of the type `data` or `url`.',
    },
    toolCallId: { type: 'string', description: 'Of a result: the call that it answers.' },
    error: { type: 'string', description: 'Of a result: why the tool failed.' },
    name: { type: 'string', description: 'Of a question: the `author` of its pair.' },
    metadata: { type: 'object', description: 'Of a question: kept with its pair.' },
  },
  ...['id', 'role'],
);

/** Something is said: by a person, by a tool, by an answer that is wanted again. */
export const AGUI_SAYING = {
  anyOf: [
    { properties: { messages: { contains: ref('AguiQuestion') } } },
    { properties: { messages: { contains: ref('AguiResult') } } },
    { properties: { messages: { contains: ref('AguiAnswer') } } },
    { required: ['resume'], properties: { resume: { type: 'array', minItems: 1 } } },
  ],
};

export const FORWARDED_PROPS = {
  anyOf: [
    object({ model: orNull(name) }),
    ...[anyText, { type: 'number' }, { type: 'boolean' }, { type: 'array', items: {} }],
    { type: 'null' },
  ],
};
