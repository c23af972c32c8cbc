import type { OnApplicationShutdown } from '@nestjs/common';
import mongoose, { type Model } from 'mongoose';
import { bodyOf, sha256Of, wordsOf } from '../body.js';
import { BRANCHES_SHOWN, ContentStore, type PairRef, type PairWrite, type StoredPair } from '../content-store.js';
import { bucketId, bucketOf, type ChatContents, PAIRS_PER_BUCKET, type StoredQaPair } from './chat-contents.schema.js';
import { fromStoredMetadata, toStoredMetadata } from './metadata.js';
import { MONGO_TIMEOUT_MS, MongoConnection } from './mongo-connection.js';

const DUPLICATE_KEY = 11000;
type Chats = Model<ChatContents>;
type Bucket = Pick<PairRef, 'accountId' | 'rootChatId' | 'chatId' | 'forkSeq' | 'seq'>;

/**
 * The words in MongoDB, as the elements of buckets. Every write is one operation on one document and can be repeated at any time: no
 * transaction is needed, so a standalone server and a replica set run the same code. Text is only ever a value: never a filter's operator,
 * never part of a pipeline.
 */
export class MongoContentStore extends ContentStore implements OnApplicationShutdown {
  override readonly name = 'mongo';
  override readonly table = 'content_journal';
  private readonly mongo: MongoConnection;

  constructor(uri: string) {
    super();
    this.mongo = new MongoConnection(uri);
  }

  override put(pair: PairWrite): Promise<void> {
    const element = elementOf(pair);
    return this.mongo.run(async (chats) => {
      if (pair.version > 1 && (await overwrite(chats, pair, element))) return;
      // A push fails where the pair is stored, and also where another writer made the bucket at the same moment. Only the second time is
      // the bucket certain to be there, so that a push which failed and an overwriting that found nothing mean: a newer version is stored.
      for (let attempt = 1; attempt <= 2; attempt++) {
        if (await pushWhereAbsent(chats, pair, element)) return;
        if (await overwrite(chats, pair, element)) return;
      }
    });
  }

  override async putBranches(pair: PairRef, branches: readonly string[], branchesTotal: number): Promise<void> {
    await this.mongo.run((chats) =>
      chats.updateOne(
        { ...bucketFilter(pair), qa_pairs: mongoose.trusted({ $elemMatch: { seq: pair.seq, response_id: pair.responseId } }) },
        { $set: { 'qa_pairs.$.branches': branches.slice(0, BRANCHES_SHOWN), 'qa_pairs.$.branches_total': branchesTotal } },
      ),
    );
  }

  override async findMany(accountId: string, rootChatId: string, pairs: readonly PairRef[]): Promise<Map<string, StoredPair>> {
    if (pairs.length === 0) return new Map();
    const ids = [...new Set(pairs.map((pair) => bucketId(pair.chatId, bucketOf(pair.seq, pair.forkSeq))))];
    const seqs = [...new Set(pairs.map((pair) => pair.seq))];
    const buckets = await this.mongo.run((chats) =>
      chats
        .find({ _id: mongoose.trusted({ $in: ids }), account_id: accountId, root_chat_id: rootChatId })
        // The neighbours of a pair in its bucket may be megabytes that nobody asked for.
        .select({ qa_pairs: { $filter: { input: '$qa_pairs', cond: { $in: ['$$this.seq', seqs] } } } })
        .setOptions({ readConcern: { level: this.mongo.readConcern }, maxTimeMS: MONGO_TIMEOUT_MS })
        .lean<Pick<ChatContents, 'qa_pairs'>[]>()
        .exec(),
    );
    const wanted = new Set(pairs.map((pair) => pair.responseId));
    const found = buckets.flatMap((bucket) => bucket.qa_pairs).filter((element) => wanted.has(element.response_id));
    return new Map(found.map((element) => [element.response_id, storedOf(element)]));
  }

  override async removeTail(chat: Pick<PairRef, 'accountId' | 'rootChatId' | 'chatId' | 'forkSeq'>, afterSeq: number): Promise<void> {
    const kept = Math.max(0, afterSeq - chat.forkSeq);
    const first = Math.ceil(kept / PAIRS_PER_BUCKET);
    const tail = { account_id: chat.accountId, root_chat_id: chat.rootChatId, chat_id: chat.chatId };
    await this.mongo.run(async (chats) => {
      await chats.deleteMany({ ...tail, bucket: mongoose.trusted({ $gte: first }) });
      if (kept % PAIRS_PER_BUCKET === 0) return;
      await chats.updateOne(bucketFilter({ ...chat, seq: afterSeq }), { $pull: { qa_pairs: { seq: { $gt: afterSeq } } } });
    });
  }

  override ping(): Promise<void> {
    return this.mongo.ping();
  }

  /** After everything that writes has stopped (`onModuleDestroy`). */
  onApplicationShutdown(): Promise<void> {
    return this.mongo.close();
  }
}

/** Finds the bucket of a pair; carries the shard key and the owner like every filter here. */
const bucketFilter = (pair: Bucket) => ({
  _id: bucketId(pair.chatId, bucketOf(pair.seq, pair.forkSeq)),
  account_id: pair.accountId,
  root_chat_id: pair.rootChatId,
});

/** Adds the pair to its bucket, which is made if need be. False if the pair is there, or the bucket was made meanwhile. */
async function pushWhereAbsent(chats: Chats, pair: PairWrite, element: StoredQaPair): Promise<boolean> {
  const bucket = { ...bucketFilter(pair), chat_id: pair.chatId, bucket: bucketOf(pair.seq, pair.forkSeq) };
  try {
    await chats.updateOne(
      // Where the pair is there this matches nothing, so the upsert would make the bucket again, which its _id forbids.
      { ...bucket, 'qa_pairs.seq': mongoose.trusted({ $ne: pair.seq }) },
      { $push: { qa_pairs: { $each: [element], $sort: { seq: 1 } } } },
      { upsert: true },
    );
    return true;
  } catch (error) {
    if ((error as { code?: unknown }).code === DUPLICATE_KEY) return false;
    throw error;
  }
}

/**
 * Replaces the stored pair unless it is newer. An equal version is written again: that is how the relay mends words that were damaged; and
 * another pair at this `seq` is a leftover, since PostgreSQL gives a `seq` to one pair only. False if there is nothing to replace.
 */
async function overwrite(chats: Chats, pair: PairWrite, element: StoredQaPair): Promise<boolean> {
  const replaceable = { seq: pair.seq, $or: [{ version: { $lte: pair.version } }, { response_id: { $ne: pair.responseId } }] };
  const { matchedCount } = await chats.updateOne(
    { ...bucketFilter(pair), qa_pairs: mongoose.trusted({ $elemMatch: replaceable }) },
    { $set: { 'qa_pairs.$': element } },
  );
  return matchedCount > 0;
}

function elementOf(pair: PairWrite): StoredQaPair {
  const { question, response, metadata } = wordsOf(pair.body);
  return {
    question,
    response,
    response_id: pair.responseId,
    timestamp: pair.createdAt,
    branches: pair.branches.slice(0, BRANCHES_SHOWN),
    branches_total: pair.branchesTotal,
    seq: pair.seq,
    version: pair.version,
    message_type: pair.messageType,
    metadata: toStoredMetadata(metadata),
    sha256: pair.sha256.toString('hex'),
  };
}

function storedOf(element: StoredQaPair): StoredPair {
  const { question, response, metadata, version, branches, branches_total: branchesTotal } = element;
  const body = bodyOf({ question, response, metadata: fromStoredMetadata(metadata) });
  return { version, body, sha256: sha256Of(body), branches, branchesTotal };
}
