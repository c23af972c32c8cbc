import {
  PARTS_BYTES_MAX,
  PARTS_MAX,
  QUESTION_BYTES_MAX,
  RESPONSE_BYTES_MAX,
} from '../tree/part-rules.js';
import type { MessageTree, TreeMessage } from './message-tree.js';
import type { ImportPart } from './source.js';

/** Messages of one path that make one pair: questions and instructions, then what answers them. */
export interface SourcePair {
  /** The id of its last message, which says all of it: where it begins follows from its path. */
  key: string;
  /** The pair before it; null where it is a first one. */
  parentKey: string | null;
  messages: TreeMessage[];
}

export interface SourcePairs {
  /** Each behind its parent. */
  pairs: SourcePair[];
  /** Key of the pair at whose end its person was; null where there is no pair. */
  head: string | null;
}

/** So many messages of one pair are named in its metadata at most. */
const MESSAGES_MAX = 64;

/** How much of a pair there is at a message. */
interface PairFill {
  /** Its first message. */
  first: TreeMessage;
  messages: number;
  isAnswered: boolean;
  hasQuestion: boolean;
  /** Of the side that is being filled. */
  parts: number;
  partsBytes: number;
  textBytes: number;
}

/**
 * Puts messages together to pairs. A pair ends where a person speaks again, where it is full, where
 * nothing follows, and where its person was: so of a message with two answers two pairs are made,
 * each of which has the question, as where an answer is asked for again. Where a pair begins
 * depends on the messages before it alone, never on what was added to the tree later: so a newer
 * export of a conversation has the same pairs, and more.
 */
export function pairsOf({ messages, head }: MessageTree): SourcePairs {
  const fillings = new Map<TreeMessage, PairFill>();
  const ends = new Set<TreeMessage>(head ? [head] : []);
  for (const message of messages) {
    const before = message.parent && fillings.get(message.parent)!;
    const filling = before && isTaken(before, message) ? filled(before, message) : begun(message);
    fillings.set(message, filling);
    if (filling.first === message && message.parent) ends.add(message.parent);
    if (message.following.length === 0) ends.add(message);
  }
  const pairs = messages.filter((message) => ends.has(message)).map((end) => pairAt(end, fillings));
  return { pairs, head: head?.id ?? null };
}

function pairAt(end: TreeMessage, fillings: Map<TreeMessage, PairFill>): SourcePair {
  const { first } = fillings.get(end)!;
  const messages = [end];
  for (let at = end; at !== first; at = at.parent!) messages.unshift(at.parent!);
  return { key: end.id, parentKey: first.parent?.id ?? null, messages };
}

/** Whether a pair goes on with a message. */
function isTaken(before: PairFill, message: TreeMessage): boolean {
  const { role } = message;
  if (before.messages >= MESSAGES_MAX) return false;
  if (role !== 'assistant' && before.isAnswered) return false;
  if (role === 'user' && before.hasQuestion) return false;
  const after = filled(before, message);
  return (
    after.parts <= PARTS_MAX &&
    after.partsBytes <= PARTS_BYTES_MAX &&
    after.textBytes <= (after.isAnswered ? RESPONSE_BYTES_MAX : QUESTION_BYTES_MAX)
  );
}

const begun = (message: TreeMessage): PairFill =>
  filled({ ...EMPTY, first: message, isAnswered: message.role === 'assistant' }, message);

const EMPTY = { messages: 0, hasQuestion: false, parts: 0, partsBytes: 0, textBytes: 0 };

function filled(before: PairFill, { role, parts }: TreeMessage): PairFill {
  const isAnswered = role === 'assistant';
  const isNewSide = isAnswered !== before.isAnswered;
  const { partsBytes, textBytes } = sizesOf(parts);
  return {
    first: before.first,
    messages: before.messages + 1,
    isAnswered,
    hasQuestion: before.hasQuestion || role === 'user',
    parts: (isNewSide ? 0 : before.parts) + parts.length,
    partsBytes: (isNewSide ? 0 : before.partsBytes) + partsBytes,
    // A line break stands between two texts.
    textBytes: (isNewSide ? 0 : before.textBytes) + textBytes,
  };
}

/** What a list of parts takes of the bounds of a side. */
export function sizesOf(parts: readonly ImportPart[]): { partsBytes: number; textBytes: number } {
  let [partsBytes, textBytes] = [0, 0];
  for (const part of parts) {
    if (part.type === 'text') textBytes += Buffer.byteLength(part.text) + 1;
    else partsBytes += bytesOf(part);
  }
  return { partsBytes, textBytes };
}

/** Of a part as JSON; of a file, what stands in its place. */
export const bytesOf = (part: ImportPart): number => Buffer.byteLength(JSON.stringify(part));

/** The parts of a side in the order of its messages. */
export const sideOf = (messages: readonly TreeMessage[], isResponse: boolean): ImportPart[] =>
  messages
    .filter(({ role }) => (role === 'assistant') === isResponse)
    .flatMap(({ parts }) => parts);
