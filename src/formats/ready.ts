import { createHash } from 'node:crypto';
import { bounded } from './bounds.js';
import { isChatGpt, readChatGpt } from './chatgpt.js';
import { isClaude, readClaude } from './claude.js';
import { cleaned } from './clean.js';
import { isLibreChat, readLibreChat } from './librechat.js';
import { treeOf } from './message-tree.js';
import { isOpenWebUi, readOpenWebUi } from './open-webui.js';
import { pairsOf, sideOf, type SourcePair } from './pairs.js';
import type { ImportPart, SourceTree, SourceUsage, Tally } from './source.js';

/** A pair that is to be written, its files not yet looked for. */
export interface ReadyPair {
  key: string;
  parentKey: string | null;
  /** Null where the assistant speaks first, or again. */
  question: ImportPart[] | null;
  /** Null where nobody has answered. */
  response: ImportPart[] | null;
  model: string | null;
  usage: SourceUsage | null;
  createdAt: Date;
  metadata: Record<string, unknown>;
}

/** A conversation as pairs, each behind the one that it follows. */
export interface ReadyConversation extends Omit<SourceTree, 'messages' | 'head' | 'createdAt'> {
  createdAt: Date;
  pairs: ReadyPair[];
  /** Key of the pair where its person was. */
  head: string | null;
  /** How many messages it has in which something is said. */
  messageCount: number;
  /** Of its JSON: the same again is known by it. */
  digest: Buffer;
}

/** Which is asked first does not matter: no conversation looks like two of them. */
const READERS = [
  [isChatGpt, readChatGpt],
  [isClaude, readClaude],
  [isLibreChat, readLibreChat],
  [isOpenWebUi, readOpenWebUi],
] as const;

/** A conversation of whatever source; null where it is none that we know. */
export function conversationOf(value: unknown, tally: Tally): ReadyConversation | null {
  for (const [is, read] of READERS) if (is(value)) return readyOf(read(value), value, tally);
  return null;
}

function readyOf(source: SourceTree, value: unknown, tally: Tally): ReadyConversation {
  const digest = createHash('sha256').update(JSON.stringify(value)).digest();
  const tree = bounded(source, tally);
  const messages = treeOf(tree, tally);
  const { pairs, head } = pairsOf(messages);
  const createdAt = tree.createdAt ?? tree.updatedAt ?? new Date();
  const { messages: _, ...rest } = tree;
  return {
    ...rest,
    id: tree.id === '' ? digest.toString('hex') : cleaned(tree.id, tally),
    createdAt,
    pairs: withTimes(pairs, createdAt).map(([pair, at]) => readyPair(pair, at, tree, tally)),
    head,
    messageCount: messages.messages.length,
    digest,
  };
}

/** A pair without a time has that of the pair before it. */
function withTimes(pairs: SourcePair[], createdAt: Date): [SourcePair, Date][] {
  const times = new Map<string, Date>();
  return pairs.map((pair) => {
    const own = pair.messages.find(({ at }) => at !== null)?.at;
    const before = pair.parentKey === null ? undefined : times.get(pair.parentKey);
    const at = own ?? before ?? createdAt;
    times.set(pair.key, at);
    return [pair, at];
  });
}

function readyPair(pair: SourcePair, createdAt: Date, tree: SourceTree, tally: Tally): ReadyPair {
  const { key, parentKey, messages } = pair;
  const [question, response] = [sideOf(messages, false), sideOf(messages, true)];
  const last = messages.at(-1)!;
  const model = messages.findLast((one) => one.role === 'assistant' && one.model !== null)?.model;
  return {
    key,
    parentKey,
    question: question.length > 0 ? question : null,
    response: response.length > 0 ? response : null,
    model: model === undefined ? null : cleaned(model!.slice(0, MODEL_CHARS_MAX), tally),
    usage: last.usage ?? null,
    createdAt,
    metadata: { imported: cleaned(originOf(tree, messages), tally) },
  };
}

const MODEL_CHARS_MAX = 200;
const ID_CHARS_MAX = 100;

/** Where the messages of a pair come from: a pair has one time and one model, and they had each. */
const originOf = ({ source }: SourceTree, messages: SourcePair['messages']) => ({
  source,
  messages: messages.map(({ id, role, at, model }) => ({
    id: id.slice(0, ID_CHARS_MAX),
    role,
    ...(at && { at: at.toISOString() }),
    ...(model !== null && { model: model.slice(0, ID_CHARS_MAX) }),
  })),
});
