import { isPlainBody } from '../../content/body.js';
import type { PairWrite } from '../../content/content-store.js';
import type { AnswerError, MessageStatus, MessageType, AnswerUsage } from './message.entity.js';

/** A QA pair with its words, as a path shows it. */
export interface Pair {
  responseId: string;
  /** The owner. */
  chatId: string;
  seq: number;
  version: number;
  messageType: MessageType;
  status: MessageStatus;
  author: string | null;
  model: string | null;
  usage: AnswerUsage | null;
  error: AnswerError | null;
  createdAt: Date;
  /** JSON of all that was said (`content/body.ts`), served as it was stored. */
  body: string;
  branches: readonly string[];
  branchesTotal: number;
}

/** What the body of two texts does not say. */
const NOTHING_BESIDE = ',"question_parts":null,"response_parts":null,"settings":null';

/**
 * The public JSON of a pair (`QaPairDto`), around the one thing that only PostgreSQL knows when a
 * pair is made: its `seq`.
 */
export function pairJsonAround(pair: Omit<Pair, 'seq'>): { before: string; after: string } {
  const { author, status, model, usage, error, branches } = pair;
  // The words are spliced in as text: they were serialised once, when they came in, and are never
  // parsed on their way out. So is what of the rest needs no escaping: `JSON.stringify` of an
  // object a pair took a tenth of the time of a page.
  return {
    before: `{"response_id":"${pair.responseId}","chat_id":"${pair.chatId}","seq":`,
    after:
      `,${pair.body.slice(1, -1)}${isPlainBody(pair.body) ? NOTHING_BESIDE : ''},"message_type":"${pair.messageType}","author":${jsonOf(author)},"status":"${status}","model":${jsonOf(model)}` +
      `,"usage":${jsonOf(usage)}${error ? `,"error":${jsonOf(error)}` : ''},"timestamp":"${pair.createdAt.toISOString()}"` +
      `,"branches":${branches.length === 0 ? '[]' : jsonOf(branches)},"branches_total":${pair.branchesTotal},"version":${pair.version}}`,
  };
}

const jsonOf = (value: unknown): string => (value === null ? 'null' : JSON.stringify(value));

export const pairJson = (pair: Pair): string => pairJsonAt(pair, pair.seq);

/** The same of a pair whose `seq` was just given. */
export function pairJsonAt(pair: Omit<Pair, 'seq'>, seq: number): string {
  const { before, after } = pairJsonAround(pair);
  return `${before}${seq}${after}`;
}

export const pairsJson = (pairs: readonly Pair[]): string => `[${pairs.map(pairJson).join(',')}]`;

/**
 * What the content store is given of a pair. Field by field: a spread of twenty fields and one more
 * is a dictionary for V8, ten times as dear, and it and all that it holds live until a full
 * collection.
 */
export const pairWrite = (
  pair: Omit<Pair, 'seq'>,
  {
    accountId,
    rootChatId,
    forkSeq,
    seq,
    sha256,
  }: Pick<PairWrite, 'accountId' | 'rootChatId' | 'forkSeq' | 'seq' | 'sha256'>,
): PairWrite => ({
  accountId,
  rootChatId,
  chatId: pair.chatId,
  forkSeq,
  responseId: pair.responseId,
  seq,
  version: pair.version,
  body: pair.body,
  sha256,
  messageType: pair.messageType,
  createdAt: pair.createdAt,
  branches: pair.branches,
  branchesTotal: pair.branchesTotal,
});
