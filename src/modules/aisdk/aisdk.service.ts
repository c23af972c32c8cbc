import { Injectable } from '@nestjs/common';
import type { IdempotentRequest } from '../../database/idempotency.js';
import { Answers } from '../answer/answers.service.js';
import { ClientChatsService } from '../client-chat/client-chats.service.js';
import type { UiChatDto } from './aisdk.dto.js';
import { PairsService } from './pairs.service.js';
import { Regenerations } from './regenerations.service.js';
import type { UiAnswer } from './ui-message-stream.js';
import { UiPosts } from './ui-posts.service.js';
import { pairToRegenerate, turnOf } from './ui-request.js';
import { modelOf } from './ui-settings.js';

/**
 * What clients of the AI SDK say, as posts and revisions of ordinary chats. Answers are tasks of
 * their own: a client that leaves ends none.
 */
@Injectable()
export class AiSdkService {
  constructor(
    private readonly clientChats: ClientChatsService,
    private readonly pairs: PairsService,
    private readonly posts: UiPosts,
    private readonly regenerations: Regenerations,
    private readonly answers: Answers,
  ) {}

  /**
   * Says the last message of a client, goes on with an answer whose calls have their results, or
   * has an answer made anew.
   * @throws 422 for messages that say nothing or what cannot be kept; chat_not_found,
   * message_not_found, too_many_answers, tokens_spent, store_unavailable
   */
  async answer(
    accountId: string,
    body: UiChatDto,
    key: IdempotentRequest | null,
  ): Promise<UiAnswer> {
    const turn = turnOf(body);
    const model = modelOf(body);
    if (body.trigger === 'regenerate-message') {
      const rootChatId = await this.clientChats.findOrMake(accountId, body.id);
      const pair = await this.pairs.named(accountId, rootChatId, pairToRegenerate(body), turn);
      if (pair !== null) {
        const { chatId, responseId } = pair;
        const settings = await this.posts.settingsAt(accountId, pair, turn);
        return this.regenerations.again({ accountId, chatId, responseId, key, model, settings });
      }
    }
    // Before the chat is made: a file that is none makes no chat.
    const parts = await this.posts.partsOf(accountId, turn);
    const rootChatId = await this.clientChats.findOrMake(accountId, body.id);
    const events = await this.posts.post(accountId, rootChatId, { ...turn, parts, model }, key);
    return { events, head: turn.isStep ? { id: turn.after!.id } : {} };
  }

  /** The answer that is being written in a chat, from its beginning; null when there is none. */
  async running(accountId: string, id: string): Promise<UiAnswer | null> {
    const chatId = await this.clientChats.find(accountId, id);
    const answer = await this.answers.runningInTree(accountId, chatId);
    if (!answer) return null;
    const head = await this.pairs.headOf(accountId, chatId, answer.responseId);
    return { events: answer.events(), head };
  }
}
