import mongoose from 'mongoose';
import type { EntityManager } from 'typeorm';
import { ClosesAt } from '../../runtime/shutdown.module.js';
import {
  BRANCHES_SHOWN,
  ContentStore,
  type PairRef,
  type PairWrite,
  type StoredPair,
} from '../content-store.js';
import { askForMirror } from '../mirror.js';
import { bucketFilter, type Buckets, putInto } from './bucket-writes.js';
import {
  bucketId,
  bucketOf,
  type ChatContents,
  PAIRS_PER_BUCKET,
  type StoredQaPair,
} from './chat-contents.schema.js';
import { type ChatParts, partsId } from './chat-parts.schema.js';
import { MONGO_TIMEOUT_MS, MongoConnection } from './mongo-connection.js';
import type { PartsDocuments } from './part-writes.js';
import { bodyOfStored } from './stored-words.js';

/**
 * The words in MongoDB, as the elements of buckets. Every write is one operation on one document
 * and can be repeated at any time: no transaction is needed, so a standalone server and a replica
 * set run the same code. Text is only ever a value: never a filter's operator, never part of a
 * pipeline.
 */
export class MongoContentStore extends ContentStore {
  override readonly name = 'mongo';
  override readonly table = 'content_journal';
  /** The lease of a relay (8 s) is the longest time for which anybody acts on what it once read. */
  override readonly lateMs = 9000;

  override askForBranches(
    tx: EntityManager,
    accountId: string,
    responseIds: readonly string[],
  ): Promise<void> {
    return askForMirror(tx, accountId, responseIds);
  }
  private readonly mongo: MongoConnection;

  constructor(uri: string) {
    super();
    this.mongo = new MongoConnection(uri);
  }

  override async putMany(pairs: readonly PairWrite[]): Promise<ReadonlyMap<string, Error>> {
    if (pairs.length === 0) return new Map();
    return this.mongo.run((chats, parts) =>
      putInto(
        chats.collection as unknown as Buckets,
        parts.collection as unknown as PartsDocuments,
        pairs,
      ),
    );
  }

  override async putBranches(
    pair: PairRef,
    branches: readonly string[],
    branchesTotal: number,
  ): Promise<void> {
    await this.mongo.run((chats) =>
      chats.updateOne(
        {
          ...bucketFilter(pair),
          qa_pairs: mongoose.trusted({
            $elemMatch: { seq: pair.seq, response_id: pair.responseId },
          }),
        },
        {
          $set: {
            'qa_pairs.$.branches': branches.slice(0, BRANCHES_SHOWN),
            'qa_pairs.$.branches_total': branchesTotal,
          },
        },
      ),
    );
  }

  override async findMany(
    accountId: string,
    rootChatId: string,
    pairs: readonly PairRef[],
  ): Promise<Map<string, StoredPair>> {
    if (pairs.length === 0) return new Map();
    const ids = [
      ...new Set(
        pairs.map((pair) => bucketId(accountId, pair.chatId, bucketOf(pair.seq, pair.forkSeq))),
      ),
    ];
    const seqs = [...new Set(pairs.map((pair) => pair.seq))];
    const buckets = await this.mongo.run((chats) =>
      chats
        .find({
          _id: mongoose.trusted({ $in: ids }),
          account_id: accountId,
          root_chat_id: rootChatId,
        })
        // The neighbours of a pair in its bucket may be megabytes that nobody asked for.
        .select({
          qa_pairs: { $filter: { input: '$qa_pairs', cond: { $in: ['$$this.seq', seqs] } } },
        })
        .setOptions({ readConcern: { level: this.mongo.readConcern }, maxTimeMS: MONGO_TIMEOUT_MS })
        .lean<Pick<ChatContents, 'qa_pairs'>[]>()
        .exec(),
    );
    const wanted = new Set(pairs.map((pair) => pair.responseId));
    const found = buckets
      .flatMap((bucket) => bucket.qa_pairs)
      .filter((element) => wanted.has(element.response_id));
    const byId = new Map(found.map((element) => [element.response_id, element]));
    return this.whole(
      pairs.flatMap((pair) => {
        const element = byId.get(pair.responseId);
        return element ? [{ pair, element }] : [];
      }),
    );
  }

  override async findAcross(pairs: readonly PairRef[]): Promise<Map<string, StoredPair>> {
    if (pairs.length === 0) return new Map();
    const names = pairs.map((pair) => bucketFilter(pair)._id);
    const cond = { $in: ['$$this.response_id', pairs.map((pair) => pair.responseId)] };
    const found = await this.mongo.run((chats) =>
      (chats.collection as unknown as Buckets)
        .find(namedOf(pairs, names))
        .project<ChatContents>({
          account_id: 1,
          root_chat_id: 1,
          qa_pairs: { $filter: { input: '$qa_pairs', cond } },
        })
        .withReadConcern({ level: this.mongo.readConcern })
        .maxTimeMS(MONGO_TIMEOUT_MS)
        .toArray(),
    );
    const buckets = new Map(found.map((bucket) => [bucket._id, bucket]));
    return this.whole(
      pairs.flatMap((pair, i) => {
        const element = elementIn(buckets.get(names[i]!), pair);
        return element ? [{ pair, element }] : [];
      }),
    );
  }

  /** Elements with what is kept apart of them, which is asked for only where there is some. */
  private async whole(found: readonly FoundPair[]): Promise<Map<string, StoredPair>> {
    const apart = found.filter(({ element }) => element.parts_apart);
    const documents = apart.length > 0 ? await this.apartOf(apart.map(({ pair }) => pair)) : null;
    return new Map(
      found.map(({ pair, element }) => [
        pair.responseId,
        storedOf(element, documents?.get(pair.responseId)),
      ]),
    );
  }

  private async apartOf(pairs: readonly PairRef[]): Promise<Map<string, ChatParts>> {
    const names = pairs.map((pair) => partsId(pair.accountId, pair.chatId, pair.seq));
    const documents = await this.mongo.run((_chats, parts) =>
      (parts.collection as unknown as PartsDocuments)
        .find(namedOf(pairs, names))
        .withReadConcern({ level: this.mongo.readConcern })
        .maxTimeMS(MONGO_TIMEOUT_MS)
        .toArray(),
    );
    return new Map(documents.map((document) => [document.response_id, document]));
  }

  override async removeTail(
    chat: Pick<PairRef, 'accountId' | 'rootChatId' | 'chatId' | 'forkSeq'>,
    afterSeq: number,
  ): Promise<void> {
    const kept = Math.max(0, afterSeq - chat.forkSeq);
    const first = Math.ceil(kept / PAIRS_PER_BUCKET);
    const tail = {
      account_id: chat.accountId,
      root_chat_id: chat.rootChatId,
      chat_id: chat.chatId,
    };
    await this.mongo.run(async (chats, parts) => {
      await parts.deleteMany({ ...tail, seq: mongoose.trusted({ $gt: afterSeq }) });
      await chats.deleteMany({ ...tail, bucket: mongoose.trusted({ $gte: first }) });
      if (kept % PAIRS_PER_BUCKET === 0) return;
      await chats.updateOne(bucketFilter({ ...chat, seq: afterSeq }), {
        $pull: { qa_pairs: { seq: { $gt: afterSeq } } },
      });
    });
  }

  override ping(): Promise<void> {
    return this.mongo.ping();
  }

  override tryToWrite(): Promise<void> {
    return this.mongo.tryToWrite();
  }

  @ClosesAt('mongo')
  close(): Promise<void> {
    return this.mongo.close();
  }
}

/** Finds documents of some pairs by their names; with shard keys and owners like every filter. */
const namedOf = (pairs: readonly PairRef[], names: readonly string[]) => ({
  _id: oneOf(names),
  account_id: oneOf(pairs.map(({ accountId }) => accountId)),
  root_chat_id: oneOf(pairs.map(({ rootChatId }) => rootChatId)),
});
const oneOf = (values: readonly string[]) => ({ $in: [...new Set(values)] });

const elementIn = (bucket: ChatContents | undefined, pair: PairRef): StoredQaPair | undefined =>
  bucket?.account_id === pair.accountId && bucket.root_chat_id === pair.rootChatId
    ? bucket.qa_pairs.find((element) => element.response_id === pair.responseId)
    : undefined;

interface FoundPair {
  pair: PairRef;
  element: StoredQaPair;
}

/**
 * Where what is kept apart is of a newer version, its element is still to come: then the store has
 * that version, and its words are not to be had here yet.
 */
function storedOf(element: StoredQaPair, apart: ChatParts | undefined): StoredPair {
  const { branches, branches_total: branchesTotal } = element;
  const version = Math.max(element.version, apart?.version ?? 0);
  return { version, ...bodyOfStored(element, apart), branches, branchesTotal };
}
