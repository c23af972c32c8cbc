import type { Parameter, Schema } from './document.js';

/**
 * What is true of a field wherever it stands: said once here, and only where its class says nothing
 * else.
 */
interface Entry {
  example?: unknown;
  format?: string;
  description?: string;
}

const ROOT = '019aa1b2-c3d4-7e5f-8a6b-7c8d9e0f1a2b';
const BRANCH = '019aa1b4-1f2e-7d3c-8b4a-5c6d7e8f9a0b';
const PAIR = '019aa1b3-0d4e-7a6b-9c8d-2e3f4a5b6c7d';
const id = (example: string, description?: string): Entry => ({
  format: 'uuid',
  example,
  description,
});
const instant = (description?: string): Entry => ({
  format: 'date-time',
  example: '2026-11-21T09:30:00.000Z',
  description,
});

/**
 * The examples tell one story: a chat about Norway and a branch of it. Fields are shown in this
 * order, others after them.
 */
const ENTRIES: Readonly<Record<string, Entry>> = {
  response_id: id(PAIR, 'The QA pair.'),
  chat_id: id(ROOT, 'The chat: a root or a branch.'),
  root_chat_id: id(ROOT, 'The root of the conversation; its own id for a root.'),
  active_chat_id: id(BRANCH, 'The branch that the person is in.'),
  parent_chat_id: id(ROOT),
  chat_uuid: id(ROOT),
  branch_chat_id: id(BRANCH),
  parent_response_id: id(PAIR),
  fork_response_id: id(
    PAIR,
    'The last inherited pair; null for a root, and for a branch before the first pair.',
  ),
  fork_seq: { example: 0, description: 'How many pairs are inherited.' },
  depth: { example: 0, description: 'How many forks lie between this chat and the root.' },
  account_id: id('019aa1b0-5e6f-7081-92a3-b4c5d6e7f809'),
  import_id: id('019aa1b9-5e6f-7081-92b3-c4d5e6f70819'),
  api_key_id: id('019aa1b5-7a8b-7c9d-8e0f-1a2b3c4d5e6f'),
  webhook_id: id('019aa1b6-2b3c-7d4e-9f5a-6b7c8d9e0f1a'),
  file_id: id('019aa1b8-4d5e-7f60-8a7b-8c9d0e1f2a3b'),
  delivery_id: id('019aa1b7-3c4d-7e5f-8a6b-7c8d9e0f1a2b'),
  api_key: { example: 'bak_AZqfN8tMc0-YlL7yq3u2eA_0m1v0w9mXo3h1kq4v7n0aYb2cQy8dJ5eLr6fTs9gUwI' },
  access_token: {
    example: 'eyJhbGciOiJIUzI1NiIsInR5cCI6ImF0K2p3dCJ9.eyJpc3MiOiJiYW55YW4ifQ.c2lnbmF0dXJl',
  },
  refresh_token: {
    example: 'brt_AZqfN8tMc0-YlL7yq3u2eA_0m1v0w9mXo3h1kq4v7n0aYb2cQy8dJ5eLr6fTs9gUwI',
  },
  seq: { example: 1, description: 'Position on the path, from 1, without gaps.' },
  question: { example: 'Where does the midnight sun begin?' },
  response: { example: 'At the Arctic Circle.', description: 'Null while there is none.' },
  question_parts: { example: null },
  response_parts: { example: null },
  chat_type: { example: 'standard' },
  message_type: { example: 'text' },
  name: { example: 'Trip to Norway' },
  author: { example: null, description: 'Who asked, where several people share a chat.' },
  active: {
    example: true,
    description: 'Whether the person is in this chat: true for exactly one chat of a conversation.',
  },
  message_count: { example: 1, description: 'Length of the path, inherited pairs included.' },
  total: { example: 1 },
  pinned: { example: false, description: 'Holds for the whole conversation.' },
  archived: { example: false, description: 'Holds for the whole conversation.' },
  status: { example: 'complete' },
  metadata: {
    example: null,
    description:
      'What belongs to the `message_type`: `{url, title?}`, `{language, filename?}`, or any small object.',
  },
  model: {
    example: null,
    description: 'Which model answers, or answered; null for the default, and where none did.',
  },
  system_prompt: { example: null, description: 'Given to the model before the conversation.' },
  usage: { example: null, description: 'Tokens; null where no model answered.' },
  input_tokens: { example: 12 },
  output_tokens: { example: 48 },
  code: { example: 'model_failed' },
  message: { example: 'The model could not answer. Try again.' },
  branches: { example: [], description: 'Branches made at this pair, oldest first, at most 100.' },
  branches_total: { example: 0, description: 'How many branches were made at this pair.' },
  version: { example: 1, description: 'Rises when the words are written anew.' },
  revision: { example: 7 },
  timestamp: instant('When the pair was made.'),
  created_at: instant(),
  updated_at: instant(),
  next_cursor: { example: null, description: 'Opaque; null when this is the last page.' },
  prev_cursor: { example: null, description: 'Opaque; null when this is the first page.' },
};
const ORDER = Object.keys(ENTRIES);

/**
 * Fills the gaps of a component schema: formats, descriptions and examples of known fields, whole
 * numbers, one order.
 */
export function completeSchema(schema: Schema): void {
  if (!schema.properties) return;
  const fields = Object.entries(schema.properties).sort(
    ([left], [right]) => placeOf(left) - placeOf(right),
  );
  for (const [name, field] of fields) {
    if (!('$ref' in field)) complete(field, ENTRIES[name]);
  }
  schema.properties = Object.fromEntries(fields);
}

/** The same for a parameter in a path or a query. One with a default need not be sent. */
export function completeParameter(parameter: Parameter): void {
  const schema = parameter.schema as Schema | undefined;
  if (!schema) return;
  const { description, ...entry } = ENTRIES[parameter.name] ?? {};
  complete(
    schema,
    parameter.in === 'path'
      ? { format: entry.format }
      : entry.format
        ? { format: entry.format }
        : undefined,
  );
  // Of a class of all parameters with one beginning; each is a text.
  if (schema.type === 'string') delete schema.additionalProperties;
  if (parameter.in !== 'path' && schema.default !== undefined) parameter.required = false;
  if (description && !parameter.description && parameter.name.endsWith('_id'))
    parameter.description = description;
}

/** Every number of this API counts something, but for those that say otherwise. */
const isCount = ({ type, format }: Schema): boolean => type === 'number' && format !== 'double';
/** Ids of OpenAI's API say by a pattern that they are no plain ones. */
const takesFormat = (schema: Schema): boolean => isText(schema) && !schema.pattern;

function complete(schema: Schema, entry: Entry = {}): void {
  // The plugin gives the type of the class besides, which would forbid the other kinds.
  if (schema.oneOf) delete schema.type;
  if (isCount(schema)) schema.type = 'integer';
  if (entry.format && takesFormat(schema)) schema.format ??= entry.format;
  if (entry.description) schema.description ??= entry.description;
  if (entry.example !== undefined && schema.example === undefined && fits(entry.example, schema))
    schema.example = entry.example;
}

const typesOf = ({ type }: Schema): readonly unknown[] => [type].flat();
const isText = (schema: Schema): boolean => typesOf(schema).includes('string');

/**
 * An example is taken only where its kind is right: a field of the same name may be another thing
 * elsewhere.
 */
function fits(example: unknown, schema: Schema): boolean {
  if (Array.isArray(schema.enum) && !schema.enum.includes(example as never)) return false;
  if (example === null) return typesOf(schema).includes('null') || 'anyOf' in schema;
  if (Array.isArray(example)) return schema.type === 'array';
  const kinds: Record<string, string> = { string: 'string', number: 'integer', boolean: 'boolean' };
  return typesOf(schema).includes(kinds[typeof example]);
}

function placeOf(name: string): number {
  const place = ORDER.indexOf(name);
  return place < 0 ? ORDER.length : place;
}
