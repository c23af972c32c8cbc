import { jsonIn } from '../common/exact-json.js';
import { isObject } from '../common/is-object.js';
import type { Part } from '../tree/parts.js';
import {
  SourceFile,
  type SourceMessage,
  type ImportPart,
  type SourceRole,
  type SourceTree,
  texts,
} from './source.js';
import { listIn, notesOf, objectIn, objectsIn, textIn, timeIn } from './values.js';

/**
 * ChatGPT's export: `{id | conversation_id, title, create_time, mapping, current_node, …}`, where
 * `mapping` has `{id, parent, children, message}` by id. The first node has no message.
 */
export const isChatGpt = (value: unknown): value is Record<string, unknown> =>
  isObject(value) && isObject(value['mapping']);

type Json = Record<string, unknown>;

export function readChatGpt(value: Json): SourceTree {
  const nodes = Object.entries(objectIn(value['mapping'])).map(
    ([id, node]) => [id, objectIn(node)] as const,
  );
  const calls = new Calls(new Map(nodes));
  return {
    source: 'chatgpt',
    id: textIn(value['conversation_id']) ?? textIn(value['id']) ?? '',
    name: textIn(value['title']),
    model: textIn(value['default_model_slug']),
    systemPrompt: null,
    createdAt: timeIn(value['create_time']),
    updatedAt: timeIn(value['update_time']),
    archived: value['is_archived'] === true,
    pinned: value['is_starred'] === true,
    messages: nodes.map(([id, node]) => messageOf(id, node, calls)),
    head: textIn(value['current_node']),
    notes: notesOf(value, ['gizmo_id', 'conversation_template_id', 'memory_scope']),
  };
}

/** Results name no call: theirs is the nearest one above them. */
class Calls {
  constructor(private readonly nodes: ReadonlyMap<string, Json>) {}

  before(id: string): string | null {
    const seen = new Set<string>();
    for (let at = this.parentOf(id); at !== null && !seen.has(at); at = this.parentOf(at)) {
      seen.add(at);
      const message = objectIn(this.nodes.get(at)?.['message']);
      const role = objectIn(message['author'])['role'];
      if (role === 'assistant' && isCall(message)) return at;
      if (role === 'user') return null;
    }
    return null;
  }

  private parentOf(id: string): string | null {
    return textIn(this.nodes.get(id)?.['parent']);
  }
}

const isCall = (message: Json): boolean => {
  const to = textIn(message['recipient']);
  return to !== null && to !== 'all';
};

function messageOf(id: string, node: Json, calls: Calls): SourceMessage {
  const message = objectIn(node['message']);
  const author = objectIn(message['author']);
  const metadata = objectIn(message['metadata']);
  const role = textIn(author['role']) ?? 'system';
  const content = objectIn(message['content']);
  return {
    id,
    parentId: textIn(node['parent']) ?? textIn(metadata['parent_id']),
    role: roleOf(role, content),
    parts: [...partsOf(id, role, message, calls), ...attachmentsOf(metadata, content)],
    model: textIn(metadata['model_slug']),
    at: timeIn(message['create_time']),
    children: listIn(node['children']).filter((one) => typeof one === 'string'),
  };
}

const CONTEXTS = new Set(['user_editable_context', 'model_editable_context']);

function roleOf(role: string, content: Json): SourceRole {
  if (CONTEXTS.has(String(content['content_type']))) return 'instruction';
  if (role === 'user') return 'user';
  return role === 'assistant' || role === 'tool' ? 'assistant' : 'instruction';
}

function partsOf(id: string, role: string, message: Json, calls: Calls): ImportPart[] {
  const content = objectIn(message['content']);
  const said = saidIn(content);
  if (role === 'tool') return resultOf(id, message, said, calls);
  if (role === 'assistant' && isCall(message) && said.length > 0) {
    const text = said.map((part) => (part.type === 'text' ? part.text : '')).join('\n');
    const name = textIn(message['recipient'])!;
    return [{ type: 'tool_call', call_id: id, name, input: jsonIn(text), provider_executed: true }];
  }
  if (role === 'system' || role === 'developer')
    return said.map((part) =>
      part.type === 'text' ? { type: 'instruction', role, text: part.text } : part,
    );
  return [...said, ...sourcesOf(objectIn(message['metadata']))];
}

function resultOf(id: string, message: Json, said: ImportPart[], calls: Calls): ImportPart[] {
  if (said.length === 0) return [];
  const content = objectIn(message['content']);
  const call = calls.before(id);
  const name = textIn(objectIn(message['author'])['name']);
  const [only] = said;
  const output =
    said.length > 1 || only!.type === 'source_file'
      ? said
      : only!.type === 'text'
        ? only!.text
        : content;
  const value = { name, output };
  if (call === null) return [{ type: 'other', format: 'chatgpt.tool', value }];
  const isError = content['content_type'] === 'system_error';
  return [{ type: 'tool_result', call_id: call, output, ...(isError && { is_error: true }) }];
}

/** By `content_type`; what has no name here is kept word for word. */
function saidIn(content: Json): ImportPart[] {
  const type = textIn(content['content_type']);
  switch (type) {
    case null:
    case 'text':
    case 'multimodal_text':
      return listIn(content['parts']).flatMap(pieceOf);
    case 'code':
    case 'execution_output':
      return texts(content['text']);
    case 'thoughts':
      return objectsIn(content['thoughts']).flatMap((thought) => {
        const text = textIn(thought['content']) ?? '';
        const summary = textIn(thought['summary']);
        if (text === '' && summary === null) return [];
        return [{ type: 'reasoning', text, ...(summary !== null && { summary }) } as const];
      });
    default:
      return hasWords(content) ? [other(type, content)] : [];
  }
}

const other = (type: string, value: unknown): Part => ({
  type: 'other',
  format: `chatgpt.${type}`,
  value,
});

/** Whether there is any text in it besides its type. */
const hasWords = ({ content_type: _, ...content }: Json): boolean =>
  Object.values(content).some((value) => value != null && value !== '');

function pieceOf(piece: unknown): ImportPart[] {
  if (typeof piece === 'string') return texts(piece);
  if (!isObject(piece)) return [];
  const type = textIn(piece['content_type']) ?? 'piece';
  if (type === 'audio_transcription') return texts(piece['text']);
  const pointer = textIn(piece['asset_pointer']);
  if (pointer === null) return [other(type, piece)];
  return [new SourceFile({ ref: refOf(pointer) }, undefined, other(type, piece))];
}

/** `file-service://file-abc`, `sediment://file_abc`. */
const refOf = (pointer: string): string =>
  pointer.replace(/^[a-z-]+:\/\//, '').replace(/[#?].*$/, '');

/** Files beside a question; pictures stand in its content too. */
function attachmentsOf(metadata: Json, content: Json): ImportPart[] {
  const shown = new Set(
    objectsIn(content['parts']).flatMap(({ asset_pointer: pointer }) =>
      typeof pointer === 'string' ? [refOf(pointer)] : [],
    ),
  );
  return objectsIn(metadata['attachments']).flatMap((file) => {
    const id = textIn(file['id']);
    if (id === null || shown.has(id)) return [];
    return [
      new SourceFile({ ref: id }, textIn(file['name']) ?? undefined, other('attachment', file)),
    ];
  });
}

function sourcesOf(metadata: Json): Part[] {
  const cited = objectsIn(metadata['citations']).map(({ metadata: inner }) => objectIn(inner));
  const referred = objectsIn(metadata['content_references']).flatMap((one) => [
    one,
    ...objectsIn(one['items']),
  ]);
  const byUrl = new Map<string, Part>();
  for (const { url, title } of [...cited, ...referred]) {
    if (typeof url !== 'string' || url === '' || byUrl.has(url)) continue;
    byUrl.set(url, { type: 'source', url, ...(typeof title === 'string' && { title }) });
  }
  return [...byUrl.values()];
}
