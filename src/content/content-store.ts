import type { EntityManager } from 'typeorm';
import type { QuestionPart, ResponsePart } from '../tree/parts.js';

/** What was said in one pair. Most are plain: two texts, and nothing that is optional here. */
export interface Words {
  /** Null where the assistant speaks first, or nothing is said but in other parts. */
  question: string | null;
  response: string | null;
  /** Null, or what the `message_type` asks for (`{url}`, `{language}`, …). */
  metadata: Record<string, unknown> | null;
  /** Null where a side is its text and nothing else (`isPlain`). */
  question_parts?: QuestionPart[] | null;
  response_parts?: ResponsePart[] | null;
  /** How the answer was asked for. */
  settings?: object | null;
}

/** Where a pair stands and which version of its words is the right one, as PostgreSQL says it. */
export interface PairRef {
  accountId: string;
  rootChatId: string;
  /** The owner. */
  chatId: string;
  /** `fork_seq` of the owner: with `seq` it gives the bucket in MongoDB. */
  forkSeq: number;
  responseId: string;
  /** Position on the path, from 1. */
  seq: number;
  /** From 1; a store never replaces a version by an older one. */
  version: number;
}

/**
 * A pair to be written. `body` is `bodyOf(words)`; the other fields are copies for people who read
 * the store directly.
 */
export interface PairWrite extends PairRef {
  body: string;
  sha256: Buffer;
  messageType: string;
  createdAt: Date;
  /**
   * Chats forked at this pair, at most `BRANCHES_SHOWN` of them, oldest first, and how many there
   * are.
   */
  branches: readonly string[];
  branchesTotal: number;
}

/** Words as a store holds them. `sha256` is that of `body` as it is now, computed at reading. */
export interface StoredPair {
  version: number;
  body: string;
  sha256: Buffer;
  branches: readonly string[];
  branchesTotal: number;
}

/** How many of a pair's branches are listed with it; `branches_total` says how many there are. */
export const BRANCHES_SHOWN = 100;

/**
 * Where the words are kept (`design.md`, 3). PostgreSQL is the truth about existence, order and
 * rights; a store is only ever asked for the words of pairs that PostgreSQL named. One contract
 * suite (`test/contract`) runs on every adapter.
 */
export abstract class ContentStore {
  abstract readonly name: 'mongo' | 'postgres';

  /**
   * The table into which the append statement itself puts the words, in its transaction:
   * `chat_contents` holds them for good,
   * `content_journal` until MongoDB has proved that it keeps them. For statements to be made of,
   * not to be compared with. Both have `(account_id, chat_id, seq, version, body)`.
   */
  abstract readonly table: 'chat_contents' | 'content_journal';

  /**
   * How long after its time a write of words may still come that was under way when nobody expected
   * it any more, in ms.
   */
  readonly lateMs: number = 0;

  /**
   * Has the list of branches of some pairs written anew, in the transaction that changes their
   * branches. Nothing where the store keeps no such list.
   */
  askForBranches(
    _tx: EntityManager,
    _accountId: string,
    _responseIds: readonly string[],
  ): Promise<void> {
    return Promise.resolve();
  }

  /**
   * Writes the words of pairs, each of them named once. Idempotent; a version older than the stored
   * one changes nothing, an equal one is written again, so that damaged words are mended by writing
   * them. Answers which of them could not be written, by `responseId`.
   * @throws when the store is away, within 2 s; any of the writes may then still happen
   */
  abstract putMany(pairs: readonly PairWrite[]): Promise<ReadonlyMap<string, Error>>;

  /** Writes the words of one pair. @throws when they could not be written. */
  async put(pair: PairWrite): Promise<void> {
    const failure = (await this.putMany([pair])).get(pair.responseId);
    if (failure) throw failure;
  }

  /**
   * Replaces the list of branches of a stored pair, and nothing else. A pair that is not stored
   * stays so. @throws like `put`.
   */
  abstract putBranches(
    pair: PairRef,
    branches: readonly string[],
    branchesTotal: number,
  ): Promise<void>;

  /**
   * The words of the given pairs of one conversation, by `responseId`, of whatever version is
   * stored; what is not stored is left out. @throws like `put`.
   */
  abstract findMany(
    accountId: string,
    rootChatId: string,
    pairs: readonly PairRef[],
  ): Promise<Map<string, StoredPair>>;

  /** As `findMany`, for pairs of any conversations. */
  abstract findAcross(pairs: readonly PairRef[]): Promise<Map<string, StoredPair>>;

  /**
   * Removes the words of one chat with `seq` above `afterSeq`. Idempotent. A `put` that runs beside
   * it may come after it. @throws like `put`.
   */
  abstract removeTail(
    chat: Pick<PairRef, 'accountId' | 'rootChatId' | 'chatId' | 'forkSeq'>,
    afterSeq: number,
  ): Promise<void>;

  /** Answers when the store does. @throws when it is away. */
  abstract ping(): Promise<void>;

  /**
   * Writes something that nobody reads. @throws StoreRefusesError when the store answers and takes
   * no writes, another error when it is away.
   */
  abstract tryToWrite(): Promise<void>;
}
