import { isObject } from '../common/is-object.js';
import type { Part } from '../tree/parts.js';
import {
  SourceFile,
  type SourceMessage,
  type ImportPart,
  type SourceTree,
  texts,
} from './source.js';
import { notesOf, objectIn, objectsIn, textIn, timeIn } from './values.js';

type Json = Record<string, unknown>;

/** The parent of first messages. */
const NOBODY = '00000000-0000-4000-8000-000000000000';

/** Claude's export: `{uuid, name, created_at, chat_messages: [{uuid, sender, content, …}]}`. */
export const isClaude = (value: unknown): value is Json =>
  isObject(value) && typeof value['uuid'] === 'string' && Array.isArray(value['chat_messages']);

export function readClaude(value: Json): SourceTree {
  const messages = objectsIn(value['chat_messages']);
  return {
    source: 'claude',
    id: textIn(value['uuid']) ?? '',
    name: textIn(value['name']),
    model: textIn(value['model']),
    systemPrompt: null,
    createdAt: timeIn(value['created_at']),
    updatedAt: timeIn(value['updated_at']),
    archived: false,
    pinned: value['is_starred'] === true,
    messages: messages.map((message, n) => messageOf(message, messages[n - 1] ?? null, n)),
    head: textIn(value['current_leaf_message_uuid']),
    notes: notesOf(value, ['summary', 'project']),
  };
}

/** Older exports name no parents: there each message follows the one before it. */
function messageOf(message: Json, before: Json | null, n: number): SourceMessage {
  const parent = message['parent_message_uuid'];
  const flat = before && (textIn(before['uuid']) ?? `#${n - 1}`);
  return {
    id: textIn(message['uuid']) ?? `#${n}`,
    parentId: parent == null ? flat : parent === NOBODY ? null : textIn(parent),
    role: message['sender'] === 'human' ? 'user' : 'assistant',
    parts: [...saidIn(message), ...attachmentsOf(message), ...filesOf(message)],
    model: textIn(message['model']),
    at: timeIn(message['created_at']),
  };
}

function saidIn(message: Json): ImportPart[] {
  const content = objectsIn(message['content']);
  const calls = new Calls();
  const parts = content.flatMap((block) => partsOf(block, calls));
  const hasText = parts.some(({ type }) => type === 'text');
  // Oldest exports have `text` alone; in newer ones it repeats what is in `content`.
  return hasText || content.length > 0 ? parts : texts(message['text']);
}

/** Many exports leave the ids of calls out: then a result belongs to the last call. */
class Calls {
  private last: string | null = null;
  private count = 0;

  begin(id: string | null): string {
    this.last = id ?? `call_${++this.count}`;
    return this.last;
  }

  of(id: string | null): string | null {
    return id ?? this.last;
  }
}

function partsOf(block: Json, calls: Calls): ImportPart[] {
  const type = textIn(block['type']);
  switch (type) {
    case 'text':
      return [...texts(block['text']), ...sourcesOf(block)];
    case 'thinking':
      return thoughtOf(block);
    case 'tool_use': {
      const call_id = calls.begin(textIn(block['id']));
      const name = textIn(block['name']) ?? 'tool';
      return [
        {
          type: 'tool_call',
          call_id,
          name,
          input: block['input'] ?? null,
          provider_executed: true,
        },
      ];
    }
    case 'tool_result':
      return resultOf(block, calls);
    default:
      return [{ type: 'other', format: `claude.${type ?? 'block'}`, value: block }];
  }
}

function thoughtOf(block: Json): Part[] {
  const text = textIn(block['thinking']);
  const opaque = textIn(block['signature']);
  const summary = objectsIn(block['summaries'])
    .map((one) => textIn(one['summary']))
    .filter((one) => one !== null)
    .join('\n');
  if (text === null && summary === '') return [];
  return [
    {
      type: 'reasoning',
      text: text ?? '',
      ...(summary !== '' && { summary }),
      ...(opaque !== null && { opaque: { signature: opaque } }),
    },
  ];
}

function resultOf(block: Json, calls: Calls): Part[] {
  const call_id = calls.of(textIn(block['tool_use_id']));
  if (call_id === null) return [{ type: 'other', format: 'claude.tool_result', value: block }];
  const content = objectsIn(block['content']);
  const isText =
    content.length > 0 && content.every((one) => one['type'] === 'text' && isPlainText(one));
  const output = isText
    ? content.map((one) => one['text'] as string).join('\n')
    : (block['content'] ?? null);
  return [
    { type: 'tool_result', call_id, output, ...(block['is_error'] === true && { is_error: true }) },
  ];
}

const isPlainText = (block: Json): boolean => typeof block['text'] === 'string';

const sourcesOf = (block: Json): Part[] =>
  objectsIn(block['citations']).flatMap((citation) => {
    const details = objectIn(citation['details']);
    const url = textIn(citation['url']) ?? textIn(details['url']);
    const title = textIn(citation['title']) ?? textIn(details['title']);
    return url === null ? [] : [{ type: 'source', url, ...(title !== null && { title }) } as const];
  });

/** What was read out of a document; for one in ten questions that is all there is. */
const attachmentsOf = (message: Json): Part[] =>
  objectsIn(message['attachments']).flatMap(({ extracted_content: text, ...value }) => [
    { type: 'other', format: 'claude.attachment', value } as const,
    ...texts(text),
  ]);

const filesOf = (message: Json): ImportPart[] =>
  objectsIn(message['files']).map((file) => {
    const name = textIn(file['file_name']) ?? undefined;
    const ref = textIn(file['file_uuid']) ?? name ?? '';
    return new SourceFile({ ref }, name, { type: 'other', format: 'claude.file', value: file });
  });
