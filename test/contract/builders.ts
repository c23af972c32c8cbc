import { createHash } from 'node:crypto';
import { newId } from '../../src/common/ids.js';
import { bodyOf, sha256Of } from '../../src/content/body.js';
import type { ContentStore, PairRef, PairWrite, Words } from '../../src/content/content-store.js';

const MADE_AT = new Date('2026-01-02T03:04:05.678Z');

/** A chat that owns the pairs after `forkSeq`; a root unless it is said otherwise. */
export type ChatKey = Pick<PairRef, 'accountId' | 'rootChatId' | 'chatId' | 'forkSeq'>;

export function aChat(known: Partial<ChatKey> = {}): ChatKey {
  const chatId = known.chatId ?? newId();
  return { accountId: newId(), rootChatId: chatId, chatId, forkSeq: 0, ...known };
}

/**
 * A pair of the chat; the same chat and seq give the same `responseId`, so that versions of one
 * pair can be made one by one.
 */
export function aPair(chat: ChatKey, given: Partial<PairWrite & Words> = {}): PairWrite {
  const { seq = chat.forkSeq + 1, version = 1, branches = [] } = given;
  const { question = `question ${seq}`, response = `response ${version}`, metadata = null } = given;
  const {
    responseId = responseIdOf(chat, seq),
    branchesTotal = branches.length,
    createdAt = MADE_AT,
  } = given;
  const { question_parts, response_parts, settings } = given;
  const body = bodyOf({ question, response, metadata, question_parts, response_parts, settings });
  return {
    ...chat,
    responseId,
    seq,
    version,
    body,
    sha256: sha256Of(body),
    messageType: 'text',
    createdAt,
    branches,
    branchesTotal,
  };
}

/** Parts of about so many bytes of JSON. */
export const partsOf = (bytes: number): Pick<Words, 'question_parts' | 'response_parts'> => ({
  question_parts: [{ type: 'data', name: 'n', value: { text: 'x'.repeat(bytes / 2) } }],
  response_parts: [
    { type: 'tool_call', call_id: 'c', name: 'f', input: { list: [1, 'x'.repeat(bytes / 2)] } },
  ],
});

/** A UUID made of that of the chat and the seq: the same every time. */
export function responseIdOf(chat: ChatKey, seq: number): string {
  const hex = createHash('sha256').update(`${chat.chatId} ${seq}`).digest('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-7${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}

export const seqsUpTo = (count: number): number[] => Array.from({ length: count }, (_, i) => i + 1);

/**
 * Writes the pair although a loaded machine may refuse some of many writes at once, which a store
 * is free to do.
 */
export async function putAtLast(store: ContentStore, pair: PairWrite): Promise<void> {
  for (let attemptsLeft = 9; ; attemptsLeft--) {
    try {
      for (const failure of (await store.putMany([pair])).values()) throw failure;
      return;
    } catch (error) {
      if (attemptsLeft === 0) throw error;
    }
  }
}
