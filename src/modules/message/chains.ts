import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { Idempotency, type IdempotentRequest, type Making, type Outcome } from '../../database/idempotency.js';
import { notesOf } from '../../events/changes.js';
import { ChatService, type NewChat } from '../chat/chat.service.js';
import type { ChatView } from '../chat/chat.view.js';
import { ForkService } from '../chat/fork.service.js';
import { TreeChanges } from '../chat/tree-changes.service.js';
import { type AppendedPair, AppendService } from './append.service.js';
import type { NewPair } from './append.sql.js';

/** One or more pairs that go one behind the other. What the first says of its place counts, and the key of the last. */
export type Chain = readonly NewPair[];

/** A chat that is made with its first pairs. */
export interface Opening {
  accountId: string;
  chat: NewChat;
  idempotent: IdempotentRequest | null;
  /** What else belongs to the chat, in the same transaction. */
  also?: (tx: EntityManager, chat: ChatView) => Promise<void>;
}

/** Makes the answer that is kept for the key. */
type AnswerOf = (made: readonly AppendedPair[]) => string;

/** Thrown to take back what a transaction did. */
class Refused extends Error {}

/** Several pairs in one transaction: all of them or nothing. Whoever calls gives what was made to `Postings.proceed` afterwards. */
@Injectable()
export class Chains {
  constructor(
    private readonly appends: AppendService,
    private readonly trees: TreeChanges,
    private readonly forks: ForkService,
    private readonly chats: ChatService,
    private readonly idempotency: Idempotency,
  ) {}

  /** To a chat as it is; null when it refused the first: see `AppendService.append`. */
  async append(pairs: Chain, answerOf: AnswerOf): Promise<Outcome<AppendedPair[]> | null> {
    const { accountId, chatId } = pairs[0]!;
    try {
      return await this.trees.make(accountId, chatId, keyOf(pairs), (tx) => this.appendAll(tx, pairs, answerOf));
    } catch (error) {
      if (error instanceof Refused) return null;
      throw error;
    }
  }

  /** To a new branch behind `parent` (null: before the first pair). @throws chat_not_found, message_not_found */
  async appendToFork(pairs: Chain, parent: string | null, answerOf: AnswerOf): Promise<Outcome<AppendedPair[]>> {
    const { accountId, chatId } = pairs[0]!;
    return this.trees.make(accountId, chatId, keyOf(pairs), async (tx) => {
      const branch = await this.forks.fork(tx, accountId, chatId, { response_id: parent });
      const inBranch = pairs.map((pair) => ({ ...pair, chatId: branch.chat_id, parent: undefined, mustBeActive: false }));
      return this.appendAll(tx, inBranch, answerOf);
    });
  }

  /** To a new chat. */
  async appendToNew(
    { accountId, chat, idempotent, also }: Opening,
    pairsOf: (chatId: string) => readonly NewPair[],
    answerOf: (made: readonly AppendedPair[], chat: ChatView) => string,
  ): Promise<Outcome<AppendedPair[]>> {
    return this.idempotency.make(accountId, idempotent, async (tx) => {
      const created = await this.chats.create(tx, accountId, chat);
      await also?.(tx, created);
      return this.appendAll(tx, pairsOf(created.chat_id), (made) => answerOf(made, created));
    });
  }

  private async appendAll(tx: EntityManager, pairs: readonly NewPair[], answerOf: AnswerOf): Promise<Making<AppendedPair[]>> {
    const made: AppendedPair[] = [];
    for (const pair of pairs) {
      // The key is the transaction's.
      const appended = (await this.appends.appendIn(tx, { ...pair, idempotent: null })) as AppendedPair['appended'] | undefined;
      if (!appended) throw new Refused();
      made.push({ pair, appended });
      if (tx.queryRunner) notesOf(tx.queryRunner).set(appended.root_chat_id, pair.accountId);
    }
    return { made, answer: answerOf(made) };
  }
}

const keyOf = (pairs: Chain): IdempotentRequest | null => pairs.at(-1)!.idempotent;
