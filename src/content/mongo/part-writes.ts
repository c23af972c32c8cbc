import type { Collection } from 'mongoose';
import type { PairRef, PairWrite } from '../content-store.js';
import { DUPLICATE_KEY, refusalOf, writeAll } from './bulk.js';
import { type ChatParts, partsId } from './chat-parts.schema.js';
import type { ApartWords } from './stored-words.js';

/** The driver's own collection, as for buckets. */
export type PartsDocuments = Collection<ChatParts>;
type Key = Pick<PairRef, 'accountId' | 'rootChatId' | 'chatId' | 'seq'>;

const filterOf = (pair: Key) => ({
  _id: partsId(pair.accountId, pair.chatId, pair.seq),
  account_id: pair.accountId,
  root_chat_id: pair.rootChatId,
});

/**
 * Writes what some pairs have besides their texts, before their elements say that it is there. A
 * document of a newer version stays. Answers which could not be written.
 */
export async function putParts(
  documents: PartsDocuments,
  writes: readonly { pair: PairWrite; apart: ApartWords }[],
): Promise<Map<string, Error>> {
  const failures = new Map<string, Error>();
  if (writes.length === 0) return failures;
  const operations = writes.map(({ pair, apart }) => ({
    updateOne: {
      filter: { ...filterOf(pair), version: { $lte: pair.version } },
      update: {
        $set: {
          ...{ chat_id: pair.chatId, seq: pair.seq, response_id: pair.responseId },
          ...{ version: pair.version, ...apart },
        },
      },
      upsert: true,
    },
  }));
  const { errors } = await writeAll(documents, operations);
  for (const [i, error] of errors)
    if (error.code !== DUPLICATE_KEY)
      failures.set(writes[i]!.pair.responseId, refusalOf('parts', error));
  return failures;
}

/** Removes what older versions of some pairs had, whose newest has nothing there. */
export async function dropOlderParts(
  documents: PartsDocuments,
  pairs: readonly PairWrite[],
): Promise<void> {
  if (pairs.length === 0) return;
  const operations = pairs.map((pair) => ({
    deleteOne: { filter: { ...filterOf(pair), version: { $lt: pair.version } } },
  }));
  await documents.bulkWrite(operations, { ordered: false });
}
