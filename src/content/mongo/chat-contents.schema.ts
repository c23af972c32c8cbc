import { Prop, Schema, SchemaFactory } from '@nestjs/mongoose';
import { SchemaTypes } from 'mongoose';
import type { QuestionPart, ResponsePart } from '../../tree/parts.js';
import { collectionOf, OfChat } from './of-chat.schema.js';

/** One QA pair as people find it in MongoDB. Its place among the others is that of its `seq`. */
@Schema({ _id: false, strict: 'throw', minimize: false })
export class StoredQaPair {
  @Prop({ type: String })
  question!: string | null;

  @Prop({ type: String })
  response!: string | null;

  /** UUID of the pair. */
  @Prop({ type: String })
  response_id!: string;

  /** When the pair was made, as PostgreSQL says it. */
  @Prop({ type: Date })
  timestamp!: Date;

  /**
   * A mirror for people who read MongoDB: chats forked at this pair, oldest first, `BRANCHES_SHOWN`
   * at most. PostgreSQL is the truth.
   */
  @Prop({ type: [String], default: undefined })
  branches!: string[];

  @Prop({ type: Number })
  branches_total!: number;

  @Prop({ type: Number })
  seq!: number;

  @Prop({ type: Number })
  version!: number;

  @Prop({ type: String })
  message_type!: string;

  /** A document, or its JSON where BSON could not give it back as it was (`stored-json.ts`). */
  @Prop({ type: SchemaTypes.Mixed })
  metadata!: Record<string, unknown> | string | null;

  /** What the question is made of, kept like `metadata`; absent where it is its text alone. */
  @Prop({ type: SchemaTypes.Mixed })
  question_parts?: QuestionPart[] | string;

  @Prop({ type: SchemaTypes.Mixed })
  response_parts?: ResponsePart[] | string;

  /** How the answer was asked for. */
  @Prop({ type: SchemaTypes.Mixed })
  settings?: object | string;

  /** These three are in a document of their own (`chat-parts.schema.ts`), as they are too long. */
  @Prop({ type: Boolean })
  parts_apart?: boolean;

  /** Of the body, in hex: for people who check a dump. The server itself hashes what it reads. */
  @Prop({ type: String })
  sha256!: string;
}
export const StoredQaPairSchema = SchemaFactory.createForClass(StoredQaPair);

/**
 * Up to `PAIRS_PER_BUCKET` pairs of one chat. A chat of any length is as many of these as it needs,
 * a short one exactly one, and none comes near MongoDB's limit of 16 MiB. Sharded by
 * `root_chat_id`, so that the tree of a conversation lies on one shard: every query has it.
 */
@Schema(collectionOf('chat_contents'))
export class ChatContents extends OfChat {
  /**
   * `bucketId(account_id, chat_id, bucket)`: two writers that both miss the bucket cannot make it
   * twice. With the account, as two accounts may have chosen the same id for a chat.
   */
  declare _id: string;

  /** Number of the bucket in its chat, from 0. */
  @Prop({ type: Number })
  bucket!: number;

  /** In the order of `seq`. */
  @Prop({ type: [StoredQaPairSchema], default: undefined })
  qa_pairs!: StoredQaPair[];
}
export const ChatContentsSchema = SchemaFactory.createForClass(ChatContents);
// For all buckets of a chat or of a conversation (removal, people who look one up); single buckets
// are found by _id.
ChatContentsSchema.index({ root_chat_id: 1, chat_id: 1, bucket: 1 });
// For people who read MongoDB and know a chat and nothing else of it. The server never does so.
ChatContentsSchema.index({ chat_id: 1, bucket: 1 });

/** 32 pairs of the greatest length stay far under 16 MiB (`PARTS_INLINE_MAX`). */
export const PAIRS_PER_BUCKET = 32;

/** The bucket of the pair at `seq` in a chat that owns the pairs after `forkSeq`. */
export const bucketOf = (seq: number, forkSeq: number): number =>
  Math.floor((seq - forkSeq - 1) / PAIRS_PER_BUCKET);

export const bucketId = (accountId: string, chatId: string, bucket: number): string =>
  `${accountId}:${chatId}:${bucket}`;
