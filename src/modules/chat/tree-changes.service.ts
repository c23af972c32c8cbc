import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { awayToo, KeyedQueue } from '../../common/keyed-queue.js';
import { Database } from '../../database/database.js';
import {
  Idempotency,
  type IdempotentRequest,
  type MakingWork,
  type Outcome,
  type KeyedWrite,
} from '../../database/idempotency.js';
import { RootsService } from './roots.service.js';

/**
 * Transactions that change the shape of a tree. Those of one conversation would wait for its root's
 * lock (`tree-lock.ts`), each with a connection of the pool in its hand; here they wait without
 * one, so that a busy conversation takes nothing from the others. The lock still decides between
 * instances.
 */
@Injectable()
export class TreeChanges {
  private readonly waiting = new KeyedQueue(awayToo);

  constructor(
    private readonly database: Database,
    private readonly idempotency: Idempotency,
    private readonly roots: RootsService,
  ) {}

  /**
   * Runs `work` in a transaction, when the changes of the chat's conversation that came before it
   * have ended.
   */
  run<Result>(
    accountId: string,
    chatId: string,
    work: (tx: EntityManager) => Promise<Result>,
  ): Promise<Result> {
    return this.inTurn(accountId, chatId, () => this.database.transaction(work));
  }

  /** Like `run`, once for each key: see `Idempotency.once`. */
  once(
    accountId: string,
    chatId: string,
    request: IdempotentRequest | null,
    work: KeyedWrite,
  ): Promise<string> {
    return this.inTurn(accountId, chatId, () => this.idempotency.once(accountId, request, work));
  }

  /** Like `run`, once for each key, with what was made: see `Idempotency.make`. */
  make<Made>(
    accountId: string,
    chatId: string,
    request: IdempotentRequest | null,
    work: MakingWork<Made>,
  ): Promise<Outcome<Made>> {
    return this.inTurn(accountId, chatId, () => this.idempotency.make(accountId, request, work));
  }

  /** The same for a tree that does not exist yet: nobody stands before it. */
  makeNew<Made>(
    accountId: string,
    request: IdempotentRequest | null,
    work: MakingWork<Made>,
  ): Promise<Outcome<Made>> {
    return this.idempotency.make(accountId, request, work);
  }

  /**
   * Runs a task that is told the root, when the changes of the chat's conversation that came before
   * it have ended.
   */
  async inTurn<Result>(
    accountId: string,
    chatId: string,
    task: (rootChatId: string) => Promise<Result>,
  ): Promise<Result> {
    const root = (await this.roots.find(accountId, chatId)) ?? chatId;
    // With the account: a stranger who guesses an id must not make its owner wait.
    return this.waiting.run(`${accountId}:${root}`, () => task(root));
  }
}
