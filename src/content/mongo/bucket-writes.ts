import type { Collection, mongo } from 'mongoose';
import { BRANCHES_SHOWN, type PairRef, type PairWrite } from '../content-store.js';
import {
  bucketId,
  bucketOf,
  type ChatContents,
  type StoredQaPair,
} from './chat-contents.schema.js';
import { DUPLICATE_KEY, refusalOf, writeAll } from './bulk.js';
import { dropOlderParts, type PartsDocuments, putParts } from './part-writes.js';
import { type ApartWords, type StoredWords, storedWordsOf } from './stored-words.js';

/**
 * The driver's own collection: Mongoose would look through all words for casts, which takes longer
 * than the rest of a write.
 */
export type Buckets = Collection<ChatContents>;
type Operation = mongo.AnyBulkWriteOperation<ChatContents>;

interface Write {
  pair: PairWrite;
  element: StoredQaPair;
  /** What goes into a document of its own. */
  apart: ApartWords | null;
}

/**
 * Puts pairs into their buckets, each by operations on one document that can be repeated at any
 * time; what is too long for a bucket before that into a document of its own. Whoever reads between
 * the two sees versions that differ, and looks again. Answers which could not be written.
 * @throws when nothing is known of any of them
 */
export async function putInto(
  buckets: Buckets,
  documents: PartsDocuments,
  pairs: readonly PairWrite[],
): Promise<Map<string, Error>> {
  const writes = pairs.toSorted(inOneOrder).map(writeOf);
  const failures = await putParts(
    documents,
    writes.flatMap(({ pair, apart }) => (apart ? [{ pair, apart }] : [])),
  );
  let left = writes.filter(({ pair }) => !failures.has(pair.responseId));
  const stored: Write[] = [];
  // A push fails where the pair is stored, and also where another writer made the bucket at the
  // same moment. Only the second time is the bucket certain to be there, so that a push which
  // failed and an overwriting that found nothing mean: a newer version is stored.
  for (let attempt = 1; attempt <= 2 && left.length > 0; attempt++) {
    left = await pushWhereAbsent(buckets, left, failures);
    stored.push(...left);
    if (left.length > 0) left = await overwrite(buckets, left, failures);
  }
  await dropOlderParts(
    documents,
    stored.flatMap(({ pair, apart }) => (!apart && pair.version > 1 ? [pair] : [])),
  );
  return failures;
}

/**
 * All writers come to documents in one order: an engine that runs the operations of one call in one
 * transaction (DocumentDB, and so FerretDB) lets two that meet in opposite orders wait for each
 * other, a second at a time.
 */
function inOneOrder(a: PairWrite, b: PairWrite): number {
  const [chat, other] = [`${a.accountId}:${a.chatId}`, `${b.accountId}:${b.chatId}`];
  if (chat === other) return a.seq - b.seq;
  return chat < other ? -1 : 1;
}

/** Finds the bucket of a pair; carries the shard key and the owner like every filter here. */
export const bucketFilter = (
  pair: Pick<PairRef, 'accountId' | 'rootChatId' | 'chatId' | 'forkSeq' | 'seq'>,
) => ({
  _id: bucketId(pair.accountId, pair.chatId, bucketOf(pair.seq, pair.forkSeq)),
  account_id: pair.accountId,
  root_chat_id: pair.rootChatId,
});

/**
 * Adds pairs to their buckets, which are made if need be. Answers those that are there, or whose
 * bucket was made meanwhile.
 */
async function pushWhereAbsent(
  buckets: Buckets,
  writes: readonly Write[],
  failures: Map<string, Error>,
): Promise<Write[]> {
  const add = ({ pair, element }: Write): Operation => ({
    updateOne: {
      // Where the pair is there this matches nothing, so the upsert would make the bucket again,
      // which its _id forbids.
      filter: {
        ...bucketFilter(pair),
        chat_id: pair.chatId,
        bucket: bucketOf(pair.seq, pair.forkSeq),
        'qa_pairs.seq': { $ne: pair.seq },
      },
      update: { $push: { qa_pairs: { $each: [element], $sort: { seq: 1 } } } },
      upsert: true,
    },
  });
  const { errors } = await writeAll(buckets, writes.map(add));
  return writes.filter(({ pair }, i) => {
    const error = errors.get(i);
    if (error && error.code !== DUPLICATE_KEY)
      failures.set(pair.responseId, refusalOf('words', error));
    return error?.code === DUPLICATE_KEY;
  });
}

/**
 * Replaces the stored pairs unless they are newer. An equal version is written again: that is how
 * the relay mends words that were damaged; and another pair at this `seq` is a leftover, since
 * PostgreSQL gives a `seq` to one pair only. Answers what is left to do: nothing if all were found,
 * else all of them, as MongoDB says only how many there were.
 */
async function overwrite(
  buckets: Buckets,
  writes: readonly Write[],
  failures: Map<string, Error>,
): Promise<Write[]> {
  const replace = ({ pair, element }: Write): Operation => ({
    updateOne: {
      filter: {
        ...bucketFilter(pair),
        qa_pairs: {
          $elemMatch: {
            seq: pair.seq,
            $or: [{ version: { $lte: pair.version } }, { response_id: { $ne: pair.responseId } }],
          },
        },
      },
      update: { $set: { 'qa_pairs.$': element } },
    },
  });
  const { matched, errors } = await writeAll(buckets, writes.map(replace));
  for (const [i, error] of errors)
    failures.set(writes[i]!.pair.responseId, refusalOf('words', error));
  return matched + errors.size === writes.length
    ? []
    : writes.filter((_write, i) => !errors.has(i));
}

function writeOf(pair: PairWrite): Write {
  const { element, apart } = storedWordsOf(pair.body);
  return { pair, element: elementOf(pair, element), apart };
}

function elementOf(pair: PairWrite, words: StoredWords): StoredQaPair {
  return {
    ...words,
    response_id: pair.responseId,
    timestamp: pair.createdAt,
    branches: pair.branches.slice(0, BRANCHES_SHOWN),
    branches_total: pair.branchesTotal,
    seq: pair.seq,
    version: pair.version,
    message_type: pair.messageType,
    sha256: pair.sha256.toString('hex'),
  };
}
