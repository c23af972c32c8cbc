import { createHash } from 'node:crypto';
import { exactJson } from '../../common/exact-json.js';
import { plainMetadataFault } from '../../common/metadata.js';
import type { Words } from '../../content/content-store.js';
import { type FactField, NOTHING_TOLD } from '../../content/pair.columns.js';
import type { ReadyConversation, ReadyPair } from '../../formats/ready.js';
import type { Source, Tally } from '../../formats/source.js';
import {
  isPlain,
  type Part,
  type QuestionPart,
  type ResponsePart,
  textOf,
} from '../../tree/parts.js';
import type { PlanLine } from '../../tree/import-plan.js';
import type { PairInput } from '../chat/pair-input.js';

/** A conversation that is to be written: its files are kept, its parts are final. */
export interface IncomingConversation {
  source: Source;
  /** Of its id at its source. */
  sourceKey: Buffer;
  digest: Buffer;
  archived: boolean;
  pinned: boolean;
  updatedAt: Date | null;
  root: IncomingChat;
  /** Each behind the pair that it follows. */
  pairs: IncomingPair[];
  /** Key of the pair where its person was. */
  head: string | null;
  /** As its source has them, where that has chats as we do; else they are planned. */
  lines?: GivenLine[];
  messageCount: number;
}

export interface IncomingChat {
  name: string | null;
  chatType?: string;
  model: string | null;
  systemPrompt: string | null;
  metadata: object | null;
  createdAt: Date;
  updatedAt?: Date;
}

/** A chat of our own that comes back. */
export interface GivenLine extends PlanLine {
  fields: IncomingChat;
  isActive: boolean;
  isDeleted: boolean;
}

export interface IncomingPair extends Pick<PairInput, FactField> {
  key: string;
  parentKey: string | null;
  words: Words;
}

/** Names at a source are of any length; so many bytes of a hash tell them apart. */
const KEY_BYTES = 16;
export const keyOf = (name: string): Buffer =>
  createHash('sha256').update(name).digest().subarray(0, KEY_BYTES);

/**
 * A conversation of another program as it is written.
 * @param filed the pair's parts with their files
 */
export async function incomingOf(
  ready: ReadyConversation,
  filed: (parts: ReadyPair['question']) => Promise<Part[] | null>,
  tally: Tally,
): Promise<IncomingConversation> {
  const pairs: IncomingPair[] = [];
  for (const pair of ready.pairs) {
    const words = wordsOf(await filed(pair.question), await filed(pair.response), pair.metadata);
    pairs.push(pairOf(pair, words));
    if (words.question_parts || words.response_parts) tally.add('pairs_with_parts');
  }
  const { source, id, name, model, systemPrompt, createdAt } = ready;
  return {
    source,
    sourceKey: keyOf(id),
    digest: ready.digest,
    archived: ready.archived,
    pinned: ready.pinned,
    updatedAt: ready.updatedAt,
    root: { name, model, systemPrompt, metadata: metadataOf(source, id, ready.notes), createdAt },
    pairs,
    head: ready.head,
    messageCount: ready.messageCount,
  };
}

const pairOf = (pair: ReadyPair, words: Words): IncomingPair => ({
  ...NOTHING_TOLD,
  key: pair.key,
  parentKey: pair.parentKey,
  messageType: 'text',
  status: 'complete',
  model: pair.model,
  usage: pair.usage,
  createdAt: pair.createdAt,
  words,
});

const ID_CHARS_MAX = 500;

/** By which a client finds the chat; what its source noted of it is left out where we cannot. */
function metadataOf(source: Source, id: string, notes: object): object {
  const found = { imported_from: source, imported_id: id.slice(0, ID_CHARS_MAX).toWellFormed() };
  const noted = { ...found, imported_notes: JSON.parse(exactJson(notes)) as object };
  const isEmpty = Object.keys(notes).length === 0;
  return isEmpty || plainMetadataFault(noted) !== null ? found : noted;
}

/** Sides of parts as they are kept: as plain text where they are nothing else. */
export function wordsOf(
  question: Part[] | null,
  response: Part[] | null,
  metadata: Words['metadata'],
): Words {
  const question_parts = kept(question) as QuestionPart[] | null;
  const response_parts = kept(response) as ResponsePart[] | null;
  return {
    question: question && textOf(question),
    response: response && textOf(response),
    metadata,
    ...((question_parts || response_parts) && { question_parts, response_parts }),
  };
}

const kept = (parts: Part[] | null): Part[] | null => (parts && !isPlain(parts) ? parts : null);
