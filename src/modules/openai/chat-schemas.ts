import { ANY_TEXT } from '../../common/text-patterns.js';
import { DETAILS } from './input-content.js';

const text = { type: 'string' } as const;
const words = { ...text, pattern: ANY_TEXT };
const name = {
  ...text,
  ...{
    minLength: 1,
    maxLength: 64,
    pattern: '^[^\\s<|\\\\/>\\u0000-\\u001f\\u007f-\\u009f]+$',
    nullable: true,
  },
};
const callId = { ...words, minLength: 1, maxLength: 256 };
const http = { ...text, pattern: '^https?://[a-z0-9]+(\\.[a-z]+)*$' };
const objectOf = (required: readonly string[], properties: Record<string, object>) => ({
  type: 'object',
  required,
  properties,
});
const typed = (type: string, properties: Record<string, object>) =>
  objectOf(['type', ...Object.keys(properties)], {
    type: { ...text, enum: [type] },
    ...properties,
  });

const TEXT = typed('text', { text: words });
const FILES = [
  typed('image_url', {
    image_url: objectOf(['url'], { url: http, detail: { ...text, enum: [...DETAILS] } }),
  }),
  typed('file', { file: objectOf(['file_id'], { file_id: { ...words, minLength: 1 } }) }),
];
const partsOf = (...items: object[]) => ({ type: 'array', minItems: 1, items: { oneOf: items } });
const messageOf = (
  roles: readonly string[],
  contents: object[],
  more: Record<string, object> = {},
  required: readonly string[] = ['content'],
) =>
  objectOf(['role', ...required], {
    role: { ...text, enum: roles },
    content: { oneOf: contents },
    ...more,
  });
const NAMED = {
  name: { ...name, description: 'Who speaks. In a branch it is kept of a user, as `author`.' },
};

/** Only an assistant may have said nothing. */
export const MESSAGES_SCHEMA = {
  type: 'array',
  minItems: 1,
  items: {
    oneOf: [
      messageOf(['user'], [words, partsOf(TEXT, ...FILES)], NAMED),
      messageOf(['system', 'developer'], [words, partsOf(TEXT)], NAMED),
      messageOf(
        ['assistant'],
        [words, partsOf(TEXT), { type: 'null' }],
        {
          ...NAMED,
          refusal: { ...words, nullable: true },
          tool_calls: {
            type: 'array',
            maxItems: 128,
            items: objectOf(['id', 'type', 'function'], {
              id: callId,
              type: { ...text, enum: ['function'] },
              function: objectOf(['name', 'arguments'], {
                name: { ...words, minLength: 1, maxLength: 128 },
                arguments: words,
              }),
            }),
          },
        },
        [],
      ),
      messageOf(['tool'], [words, partsOf(TEXT)], { tool_call_id: callId }, [
        'content',
        'tool_call_id',
      ]),
    ],
  },
} as object;
