import { setTimeout as sleep } from 'node:timers/promises';
import type { Collection } from 'mongoose';
import type { ChatContents, StoredQaPair } from './chat-contents.schema.js';
import type { ChatParts } from './chat-parts.schema.js';
import { MongoConnection } from './mongo-connection.js';

/** The place of a pair in a bucket, without its words. */
export type BucketPlace = Pick<StoredQaPair, 'seq' | 'response_id' | 'timestamp'>;
export type Outline = Pick<
  ChatContents,
  '_id' | 'account_id' | 'root_chat_id' | 'chat_id' | 'bucket'
> & { qa_pairs: BucketPlace[] };

/** What is kept apart of a pair, without what it is. */
export type ApartOutline = Pick<
  ChatParts,
  '_id' | 'account_id' | 'chat_id' | 'seq' | 'response_id'
>;

const ATTEMPTS_MAX = 4;
const OUTLINE = {
  account_id: 1,
  root_chat_id: 1,
  chat_id: 1,
  bucket: 1,
  'qa_pairs.seq': 1,
  'qa_pairs.response_id': 1,
  'qa_pairs.timestamp': 1,
};

/**
 * The documents of MongoDB as they are, for checking and mending: what a chat's own adapter would
 * never find (wrong copies, leftovers) is what is looked for here.
 */
export class MongoBuckets {
  constructor(private readonly mongo: MongoConnection) {}

  /** Names of the next buckets after `after`, in their order. */
  async names(after: string | null, limit: number): Promise<string[]> {
    const filter = after === null ? {} : { _id: { $gt: after } };
    const found = await this.run((buckets) =>
      buckets
        .find(filter)
        .sort({ _id: 1 })
        .limit(limit)
        .project<{ _id: string }>({ _id: 1 })
        .toArray(),
    );
    return found.map(({ _id }) => _id);
  }

  outlines(names: readonly string[]): Promise<Outline[]> {
    return this.run((buckets) =>
      buckets
        .find({ _id: { $in: [...names] } })
        .project<Outline>(OUTLINE)
        .toArray(),
    );
  }

  async whole(names: readonly string[]): Promise<Map<string, ChatContents>> {
    const found = await this.run((buckets) => buckets.find({ _id: { $in: [...names] } }).toArray());
    return new Map(found.map((bucket) => [bucket._id, bucket]));
  }

  /** What is kept apart of pairs, by `partsId`. */
  async apart(names: readonly string[]): Promise<Map<string, ChatParts>> {
    if (names.length === 0) return new Map();
    const found = await this.run((_buckets, parts) =>
      parts.find({ _id: { $in: [...names] } }).toArray(),
    );
    return new Map(found.map((document) => [document._id, document]));
  }

  /** The next of them, without what they hold, in the order of their names. */
  async apartOutlines(after: string | null, limit: number): Promise<ApartOutline[]> {
    return this.run((_buckets, parts) =>
      parts
        .find(after === null ? {} : { _id: { $gt: after } })
        .sort({ _id: 1 })
        .limit(limit)
        .project<ApartOutline>({ account_id: 1, chat_id: 1, seq: 1, response_id: 1 })
        .toArray(),
    );
  }

  async removeApart(name: string): Promise<void> {
    await this.run((_buckets, parts) => parts.deleteOne({ _id: name }));
  }

  /** Puts right which account, conversation and chat a bucket is said to be of. */
  async setCopies(name: string, copies: Omit<ChatContents, '_id' | 'qa_pairs'>): Promise<void> {
    await this.run((buckets) => buckets.updateOne({ _id: name }, { $set: { ...copies } }));
  }

  /** Removes one pair from a bucket, and the bucket if nothing is left in it. */
  async removePair(
    name: string,
    { seq, response_id }: Pick<BucketPlace, 'seq' | 'response_id'>,
  ): Promise<void> {
    await this.run((buckets) =>
      buckets.updateOne({ _id: name }, { $pull: { qa_pairs: { seq, response_id } } }),
    );
    await this.removeEmpty(name);
  }

  async removeEmpty(name: string): Promise<void> {
    await this.run((buckets) => buckets.deleteOne({ _id: name, qa_pairs: { $size: 0 } }));
  }

  /**
   * A walk over everything may meet a moment in which MongoDB is busy; only one that lasts is a
   * reason to give up.
   */
  private async run<Result>(
    work: (buckets: Collection<ChatContents>, parts: Collection<ChatParts>) => Promise<Result>,
  ): Promise<Result> {
    for (let attempt = 1; ; attempt++) {
      try {
        // The driver's own collection: Mongoose would turn every operator into a value, as it must
        // for what clients send.
        return await this.mongo.run((chats, parts) =>
          work(
            chats.collection as unknown as Collection<ChatContents>,
            parts.collection as unknown as Collection<ChatParts>,
          ),
        );
      } catch (error) {
        if (attempt >= ATTEMPTS_MAX) throw error;
        await sleep(200 * 2 ** attempt);
      }
    }
  }
}
