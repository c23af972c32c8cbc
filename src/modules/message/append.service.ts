import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { problems } from '../../common/problems.js';
import { type ContentState, Journal } from '../../content/journal.js';
import type { IdempotentRequest, Outcome } from '../../database/idempotency.js';
import { notesOf } from '../../events/changes.js';
import { ForkService } from '../chat/fork.service.js';
import { pairJsonAt, pairWrite } from '../chat/pair.js';
import { TreeChanges } from '../chat/tree-changes.service.js';
import { AppendLanes } from './append.lanes.js';
import { type Appended, appendOf, type NewPair } from './append.sql.js';
import { IS_INHERITED, LOCK_PLACE, type PlaceState, RESTART } from './restart.sql.js';

/** What a client is told of its new pair: the JSON of a `QaPairDto`, and whether MongoDB has the words already (`Content-State`). */
export interface AppendAnswer {
  json: string;
  /** Null for an answer that is given again: it says nothing about today. */
  contentState: ContentState | null;
}

/** A pair that is in PostgreSQL now. */
export interface AppendedPair {
  pair: NewPair;
  appended: Appended;
}

/** Why a question cannot be given to a model again in its place; thrown to take back what its transaction did. */
export class Obstacle extends Error {
  constructor(readonly kind: 'busy' | 'inherited') {
    super(kind);
  }
}

const UNIQUE_VIOLATION = '23505';

/** Puts pairs into PostgreSQL, and from there into the content store. Once it is in PostgreSQL, a pair exists whatever happens next. */
@Injectable()
export class AppendService {
  constructor(
    private readonly lanes: AppendLanes,
    private readonly journal: Journal,
    private readonly forks: ForkService,
    private readonly trees: TreeChanges,
  ) {}

  /** Refuses while MongoDB is so far behind that no more may be promised. @throws store_unavailable */
  assertRoom(): void {
    this.journal.assertRoom();
  }

  /**
   * Appends the pair; null when the chat refused it: it is gone, its head is another one, it is not active, its answer is still being
   * written, or the key was used.
   */
  async append(pair: NewPair): Promise<AppendedPair | null> {
    try {
      const appended = await this.lanes.append(pair);
      return appended && { pair, appended };
    } catch (error) {
      if (pair.idempotent && (error as { code?: string }).code === UNIQUE_VIOLATION) return null;
      throw error;
    }
  }

  /** Makes a branch behind the `parent` (null: before the first pair) of each pair and appends there, all in one transaction. */
  async appendToForks(
    pairs: readonly NewPair[],
    { activate, answerOf }: { activate: boolean; answerOf: (made: readonly AppendedPair[]) => string },
  ): Promise<Outcome<AppendedPair[]>> {
    const [{ accountId, chatId, idempotent }] = pairs as [NewPair];
    return this.trees.make(accountId, chatId, idempotent, async (tx) => {
      const made: AppendedPair[] = [];
      for (const pair of pairs) made.push(await this.forkAndAppend(tx, pair, activate));
      return { made, answer: answerOf(made) };
    });
  }

  private async forkAndAppend(tx: EntityManager, pair: NewPair, activate: boolean): Promise<AppendedPair> {
    const branch = await this.forks.fork(tx, pair.accountId, pair.chatId, { response_id: pair.parent ?? null, activate });
    const inBranch = { ...pair, chatId: branch.chat_id, parent: undefined, mustBeActive: false, idempotent: null };
    return { pair: inBranch, appended: await this.appendIn(tx, inBranch) };
  }

  /** Gives the question of a pair to a model again, in its place. @returns why not, where it cannot be */
  async restart(pair: NewPair, seq: number, idempotent: IdempotentRequest | null): Promise<Outcome<AppendedPair> | Obstacle> {
    try {
      return await this.trees.make(pair.accountId, pair.chatId, idempotent, async (tx) => {
        const appended = await restartIn(tx, pair, seq);
        return { made: { pair, appended }, answer: pairJsonAt(pair, seq) };
      });
    } catch (error) {
      if (error instanceof Obstacle) return error;
      throw error;
    }
  }

  /** Appends, in the transaction of a caller, to a chat that was made in it. After the commit the caller gives the pair to `deliver`. */
  async appendIn(tx: EntityManager, pair: NewPair): Promise<Appended> {
    const [{ text }, values] = appendOf(this.lanes.statements, pair);
    const [appended] = await tx.query<Appended[]>(text, values as unknown[]);
    return appended!;
  }

  /** Takes the words of a committed pair to the content store. Never throws for the store's sake. */
  async deliver({ pair, appended: { root_chat_id, fork_seq, seq } }: AppendedPair): Promise<AppendAnswer> {
    const place = { accountId: pair.accountId, rootChatId: root_chat_id, forkSeq: fork_seq, seq, sha256: pair.sha256 };
    const contentState = await this.journal.deliver(pairWrite(pair, place));
    return { json: pairJsonAt(pair, seq), contentState };
  }
}

async function restartIn(
  tx: EntityManager,
  { accountId, chatId, responseId, version, generation }: NewPair,
  seq: number,
): Promise<Appended> {
  const [place] = await tx.query<PlaceState[]>(LOCK_PLACE, [accountId, chatId]);
  if (!place) throw problems.chatNotFound();
  if (place.is_busy) throw new Obstacle('busy');
  const [found] = await tx.query<{ is_inherited: boolean }[]>(IS_INHERITED, [accountId, chatId, seq]);
  if (found!.is_inherited) throw new Obstacle('inherited');
  const { generationId, instanceId, model, idempotent } = generation!;
  const key = [idempotent?.scope ?? null, idempotent?.key ?? null];
  const values = [accountId, chatId, responseId, generationId, instanceId, model, ...key, new Date(), version];
  // Somebody was quicker, and it has an answer.
  if ((await tx.query<unknown[]>(RESTART, values)).length === 0) throw problems.answerNotRetryable();
  if (tx.queryRunner) notesOf(tx.queryRunner).set(place.root_chat_id, accountId);
  return { response_id: responseId, root_chat_id: place.root_chat_id, fork_seq: place.fork_seq, seq };
}
