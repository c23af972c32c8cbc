import { type Fields, firstOf, unread } from './unread-fields.js';

/**
 * What is read of an item, by its type. Everything has an `id`; a `status` and who made it
 * (`created_by`) come back from clients with what they were told, and change nothing.
 */
const ITEM_FIELDS = {
  message: ['role', 'content', 'phase', 'name'],
  // What OpenAI’s packages read out of `arguments` themselves stands there too.
  function_call: ['call_id', 'name', 'arguments', 'namespace', 'parsed_arguments'],
  // The name is that of the call.
  function_call_output: ['call_id', 'output', 'name'],
  reasoning: ['summary', 'content', 'encrypted_content'],
  compaction: ['encrypted_content'],
  item_reference: [],
} satisfies Record<string, readonly string[]>;
export type ItemType = keyof typeof ITEM_FIELDS;
const OF_ALL = ['type', 'id', 'status', 'created_by'];
const TEXT = ['type', 'text', 'annotations', 'parsed'];
const FILE = ['type', 'file_id', 'detail'];
/** The same of a part of its content. */
const CONTENT_FIELDS: Readonly<Record<string, readonly string[]>> = {
  input_text: TEXT,
  output_text: TEXT,
  text: TEXT,
  refusal: ['type', 'refusal'],
  input_image: [...FILE, 'image_url'],
  input_file: [...FILE, 'file_url', 'file_data', 'filename'],
};
const THOUGHT = ['type', 'text'];

/** What a client says in an item that nobody here would read; null where there is nothing. */
export function unreadFault(type: ItemType, item: Fields): string | null {
  const field =
    unread(item, [...OF_ALL, ...ITEM_FIELDS[type]]) ??
    firstOf('.summary', item['summary'], (text) => unread(text, THOUGHT)) ??
    firstOf('.content', item['content'], (part) => contentField(type, part)) ??
    firstOf('.output', item['output'], (part) => contentField(type, part));
  return field && `${field} cannot be kept here; leave it out`;
}

function contentField(type: ItemType, part: Fields): string | null {
  if (type === 'reasoning') return unread(part, THOUGHT);
  return unread(part, CONTENT_FIELDS[part['type'] as string] ?? []);
}
