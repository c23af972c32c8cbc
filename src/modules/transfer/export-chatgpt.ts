import { exactJson } from '../../common/exact-json.js';
import { isObject } from '../../common/is-object.js';
import { wordsOf } from '../../content/body.js';
import type { OtherPart, Part, TextPart } from '../../tree/parts.js';
import type { Pair } from '../chat/pair.js';
import type { ExportedTree } from './export-reader.service.js';
import type { ExportChat } from './export.sql.js';

/** One node of ChatGPT's `mapping`, but for where it stands. */
interface Message {
  role: 'user' | 'assistant' | 'system' | 'tool';
  content: object;
  recipient?: string;
  metadata?: object;
}

const ROOT = 'root';
const firstNode = (responseId: string): string => `${responseId}:0`;
const seconds = (at: Date): number => at.getTime() / 1000;

/** A conversation as ChatGPT exports it, in pieces: any viewer of such files opens it. */
export async function* chatGptPieces({ chats, pairsOf }: ExportedTree): AsyncGenerator<string> {
  const [root] = chats as [ExportChat];
  const active = chats.find((chat) => chat.active) ?? root;
  const next = continuations(chats);
  yield headOf(root);
  yield `"${ROOT}":${JSON.stringify({ id: ROOT, parent: null, children: next(null), message: null })}`;
  let current = ROOT;
  /** The last node of each pair behind which a branch leaves. */
  const ends = new Map<string | null, string>([[null, ROOT]]);
  for (const chat of chats) {
    let parent = ends.get(chat.fork_response_id) ?? ROOT;
    for await (const [pair, following] of withNext(pairsOf(chat))) {
      const branches = next(pair.responseId);
      const after = [...(following ? [firstNode(following.responseId)] : []), ...branches];
      yield nodesOf(pair, parent, after);
      parent = `${pair.responseId}:${messagesOf(pair).length - 1}`;
      if (pair.responseId === active.last_response_id) current = parent;
      if (branches.length > 0) ends.set(pair.responseId, parent);
    }
  }
  yield `},"current_node":${JSON.stringify(current)}}`;
}

function headOf(root: ExportChat): string {
  const { chat_id: id, name: title, archived, pinned, model } = root;
  const head = {
    ...{ id, conversation_id: id, title, is_archived: archived, is_starred: pinned },
    ...{ create_time: seconds(root.created_at), update_time: seconds(root.updated_at) },
    default_model_slug: model,
  };
  return `${JSON.stringify(head).slice(0, -1)},"mapping":{`;
}

/** The first nodes of the branches that leave behind a pair; null: before the first one. */
function continuations(chats: readonly ExportChat[]): (responseId: string | null) => string[] {
  const nodes = new Map<string | null, string[]>();
  for (const { fork_response_id: fork, first_response_id: first } of chats)
    if (first !== null) nodes.set(fork, [...(nodes.get(fork) ?? []), firstNode(first)]);
  return (responseId) => nodes.get(responseId) ?? [];
}

async function* withNext(
  pairs: AsyncIterable<Pair>,
): AsyncGenerator<readonly [Pair, Pair | undefined]> {
  let before: Pair | undefined;
  for await (const pair of pairs) {
    if (before) yield [before, pair];
    before = pair;
  }
  if (before) yield [before, undefined];
}

function nodesOf(pair: Pair, parent: string, after: readonly string[]): string {
  const messages = messagesOf(pair);
  const id = (n: number): string => `${pair.responseId}:${n}`;
  return messages
    .map((message, n) => {
      const children = n === messages.length - 1 ? after : [id(n + 1)];
      const node = { id: id(n), parent: n === 0 ? parent : id(n - 1), children };
      const said = `"message":${messageJson(id(n), message, pair)}`;
      return `,"${id(n)}":${JSON.stringify(node).slice(0, -1)},${said}}`;
    })
    .join('');
}

function messageJson(id: string, message: Message, { createdAt, model }: Pair): string {
  const { role, content, recipient = 'all', metadata } = message;
  return exactJson({
    id,
    author: { role, name: null, metadata: {} },
    create_time: seconds(createdAt),
    content,
    status: 'finished_successfully',
    weight: 1,
    metadata: { ...(role === 'assistant' && model !== null && { model_slug: model }), ...metadata },
    recipient,
  });
}

/** A pair has one message at least: what was erased, and what nobody said, has an empty one. */
function messagesOf({ body }: Pair): Message[] {
  const words = wordsOf(body);
  const question = words.question_parts ?? textParts(words.question);
  const response = words.response_parts ?? textParts(words.response);
  const messages = [...questionMessages(question), ...response.flatMap(responseMessage)];
  return messages.length > 0 ? messages : [{ role: 'user', content: text([]) }];
}

const textParts = (said: string | null): TextPart[] =>
  said === null ? [] : [{ type: 'text', text: said }];
const text = (parts: unknown[]): object =>
  parts.every((part) => typeof part === 'string')
    ? { content_type: 'text', parts }
    : { content_type: 'multimodal_text', parts };

function questionMessages(parts: readonly Part[]): Message[] {
  const rules = parts.flatMap((part): Message[] =>
    part.type === 'instruction' ? [{ role: 'system', content: text([part.text]) }] : [],
  );
  const said = parts.filter(({ type }) => type !== 'instruction').map(pieceOf);
  return said.length > 0 ? [...rules, { role: 'user', content: text(said) }] : rules;
}

function responseMessage(part: Part): Message[] {
  switch (part.type) {
    case 'reasoning': {
      const thoughts = [{ summary: part.summary ?? '', content: part.text }];
      return [{ role: 'assistant', content: { content_type: 'thoughts', thoughts } }];
    }
    case 'tool_call': {
      const code = { content_type: 'code', language: 'json', text: exactJson(part.input) };
      return [{ role: 'assistant', content: code, recipient: part.name }];
    }
    case 'tool_result': {
      const output = typeof part.output === 'string' ? part.output : exactJson(part.output);
      return [{ role: 'tool', content: { content_type: 'execution_output', text: output } }];
    }
    case 'source': {
      const citations = [{ metadata: { type: 'webpage', title: part.title, url: part.url } }];
      return [{ role: 'assistant', content: text([]), metadata: { citations } }];
    }
    default:
      return [{ role: 'assistant', content: text([pieceOf(part)]) }];
  }
}

/** What came from there goes back word for word: so what is brought in again is the same. */
function isOfChatGpt({ format, value }: OtherPart): boolean {
  if (!isObject(value)) return false;
  const { content_type: type = 'piece' } = value;
  return typeof type === 'string' && format === `chatgpt.${type}`;
}

/** What stands in `parts` of a message. */
function pieceOf(part: Part): unknown {
  if (part.type === 'text' || part.type === 'refusal') return part.text;
  if (part.type === 'other' && isOfChatGpt(part)) return part.value;
  if (part.type !== 'file' || part.file_id === undefined)
    return { content_type: `banyan.${part.type}`, ...part };
  const pointer = `file-service://${part.file_id}`;
  return { content_type: 'image_asset_pointer', asset_pointer: pointer, size_bytes: part.bytes };
}
