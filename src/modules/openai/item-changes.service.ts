import { Injectable } from '@nestjs/common';
import { readPair } from '../../content/body.js';
import type { IdempotentRequest } from '../../database/idempotency.js';
import { PairCompletion } from '../completion/pair-completion.service.js';
import { PostService } from '../answer/post.service.js';
import type { QaPairDto } from '../chat/pair.dto.js';
import { PathService } from '../chat/path.service.js';
import type { ConversationRef } from './openai-ids.js';
import { ItemRemoval } from './item-removal.service.js';
import { SavedTurns, type StoredTurn, storedTurn } from './saved-turns.service.js';
import { spokenOf, type Turn } from './turns.js';

/** Where turns are added, and by which request. */
export interface Addition {
  accountId: string;
  /** The branch, as it was when it was asked for. */
  chatId: string;
  conversation: ConversationRef;
  key: IdempotentRequest | null;
}

/** What clients add to a branch by themselves, or take out: nobody is asked for an answer. */
@Injectable()
export class ItemChanges {
  constructor(
    private readonly posts: PostService,
    private readonly completion: PairCompletion,
    private readonly paths: PathService,
    private readonly removal: ItemRemoval,
    private readonly saved: SavedTurns,
  ) {}

  /**
   * The turns that the branch ends with already, as far as their client has not saved them before:
   * those that are to be added are the ones behind them. @throws like `SavedTurns.find`
   */
  savedIn({ accountId, chatId }: Addition, turns: readonly Turn[]): Promise<StoredTurn[]> {
    return this.saved.find(accountId, chatId, turns);
  }

  /** @throws like `SavedTurns.mark` */
  mark({ accountId, key }: Addition, saved: readonly StoredTurn[]): Promise<boolean> {
    return this.saved.mark(accountId, saved, key);
  }

  /** @throws like `ItemRemoval.remove` */
  remove(...item: Parameters<ItemRemoval['remove']>): Promise<void> {
    return this.removal.remove(...item);
  }

  /**
   * All or none. An answer alone is that to the newest pair, where it waits for one. @throws what
   * `PostService.post` throws
   */
  async add(addition: Addition, turns: readonly Turn[]): Promise<StoredTurn[]> {
    const { accountId, chatId, key } = addition;
    const [first] = turns as [Turn];
    const isAnswer = turns.length === 1 && first.question.length === 0;
    const completed =
      isAnswer && (await this.completion.complete(accountId, chatId, first.response, key));
    if (completed) return [storedTurn(completed, first)];
    const last = await this.append(addition, turns);
    const { pairs } = await this.paths.page(accountId, last.chat_id, turns.length, {
      before: last.seq + 1,
    });
    return pairs.map((pair, at) => storedTurn(pair, turns[at]!));
  }

  private async append(
    { accountId, conversation: { chatId, branchId }, key }: Addition,
    turns: readonly Turn[],
  ): Promise<QaPairDto> {
    const { question, response } = turns.at(-1)!;
    const answer = await this.posts.post({
      ...{ accountId, key, chatId: branchId ?? chatId, toActive: branchId === null },
      earlier: turns.slice(0, -1).map(spokenOf),
      body: {
        question_parts: question,
        response: null,
        ...(response.length > 0 && { response_parts: response }),
      },
    });
    return readPair<QaPairDto>((await answer.whole()).json);
  }
}
