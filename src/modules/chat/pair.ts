import { isPlainBody } from '../../content/body.js';
import type { PairWrite } from '../../content/content-store.js';
import { FACT_COLUMNS, type FactField, type PairField } from '../../content/pair.columns.js';
import type { Message } from './message.entity.js';

/** A pair without its words and branches. */
export type BarePair = Pick<Message, PairField>;

/** A QA pair with its words, as a path shows it. */
export interface Pair extends BarePair {
  /** JSON of all that was said (`content/body.ts`), served as it was stored. */
  body: string;
  branches: readonly string[];
  branchesTotal: number;
}

/** What the body of two texts does not say. */
const NOTHING_BESIDE = ',"question_parts":null,"response_parts":null,"settings":null';

/** How each of the facts is written into the JSON of a pair. */
const WRITERS = FACT_COLUMNS.map(([field, { name, as = name, type, isOurs }]) => {
  const key = `,"${as}":`;
  const none = `${key}null`;
  const jsonOf =
    type === 'timestamptz'
      ? (value: unknown) => `"${(value as Date).toISOString()}"`
      : isOurs
        ? (value: unknown) => `"${value as string}"`
        : JSON.stringify;
  return (pair: Pick<Pair, FactField>) => (pair[field] === null ? none : key + jsonOf(pair[field]));
});

/**
 * The public JSON of a pair (`QaPairDto`), around the one thing that only PostgreSQL knows when a
 * pair is made: its `seq`.
 */
export function pairJsonAround(pair: Omit<Pair, 'seq'>): { before: string; after: string } {
  const { branches, body } = pair;
  // The words are spliced in as text: they were serialised once, when they came in, and are never
  // parsed on their way out. So is what of the rest needs no escaping: `JSON.stringify` of an
  // object a pair took a tenth of the time of a page.
  let facts = '';
  for (const write of WRITERS) facts += write(pair);
  return {
    before: `{"response_id":"${pair.responseId}","chat_id":"${pair.chatId}","seq":`,
    after:
      `,${body.slice(1, -1)}${isPlainBody(body) ? NOTHING_BESIDE : ''}${facts}` +
      `,"branches":${branches.length === 0 ? '[]' : JSON.stringify(branches)},"branches_total":${pair.branchesTotal},"version":${pair.version}}`,
  };
}

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
