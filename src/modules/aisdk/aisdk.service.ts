import { Injectable, Logger } from '@nestjs/common';
import type { IdempotentRequest } from '../../database/idempotency.js';
import { ChatService } from '../chat/chat.service.js';
import type { AnswerEvent, AnswerStream } from '../answer/answer.js';
import { PostService } from '../answer/post.service.js';
import type { UiChatDto } from './aisdk.dto.js';
import { ClientChatsService } from './client-chats.service.js';
import { PairsService } from './pairs.service.js';
import { Regenerations } from './regenerations.service.js';
import { pairToRegenerate, turnOf, type UiTurn } from './ui-request.js';

/**
 * What clients of the AI SDK say, as posts and revisions of ordinary chats. Answers are tasks of
 * their own: a client that leaves ends none.
 */
@Injectable()
export class AiSdkService {
  private readonly logger = new Logger('AI SDK');

  constructor(
    private readonly clientChats: ClientChatsService,
    private readonly chats: ChatService,
    private readonly pairs: PairsService,
    private readonly posts: PostService,
    private readonly regenerations: Regenerations,
  ) {}

  /**
   * Says the last message of a client, or has an answer made anew. A message that follows another
   * pair than the newest one makes a branch, which becomes the active one: that is what an edited
   * message is.
   * @throws 422 for messages without a question; chat_not_found, message_not_found,
   * too_many_answers, tokens_spent, store_unavailable
   */
  async answer(
    accountId: string,
    body: UiChatDto,
    key: IdempotentRequest | null,
  ): Promise<AnswerStream> {
    const turn = turnOf(body);
    const rootChatId = await this.clientChats.findOrMake(accountId, body.id);
    const again =
      body.trigger === 'regenerate-message'
        ? await this.pairOf(accountId, rootChatId, body, turn)
        : null;
    if (again === null) return this.post(accountId, rootChatId, turn, key);
    const chatId = await this.pairs.chatWith(accountId, rootChatId, again);
    const { settings } = turn;
    const revision = { accountId, chatId, responseId: again, key, settings };
    return (await this.regenerations.again(revision)).events();
  }

  /**
   * The pair that is to be answered anew: the one that is named, else the one behind the path that
   * the client has.
   */
  private async pairOf(
    accountId: string,
    rootChatId: string,
    body: UiChatDto,
    { parent }: UiTurn,
  ): Promise<string | null> {
    return pairToRegenerate(body) ?? this.pairs.after(accountId, rootChatId, parent ?? null);
  }

  private async post(
    accountId: string,
    rootChatId: string,
    { question, metadata, parent, settings }: UiTurn,
    key: IdempotentRequest | null,
  ): Promise<AnswerStream> {
    const activeId = await this.chats.activeOf(accountId, rootChatId);
    const chatId = parent ? await this.pairs.chatWith(accountId, rootChatId, parent) : activeId;
    const said = {
      question,
      metadata,
      parent_response_id: parent,
      on_conflict: 'fork' as const,
    };
    const post = { accountId, chatId, toActive: false, key, body: said, settings };
    const answer = await this.posts.post(post);
    return this.followed(accountId, activeId, answer.events());
  }

  /** A person goes where the answer is. */
  private async *followed(
    accountId: string,
    activeId: string,
    events: AnswerStream,
  ): AsyncGenerator<AnswerEvent> {
    for await (const event of events) {
      if (event.type === 'accepted' && event.chatId !== activeId)
        await this.activate(accountId, event.chatId);
      yield event;
    }
  }

  /** The answer stands whatever became of its chat meanwhile. */
  private async activate(accountId: string, chatId: string): Promise<void> {
    try {
      await this.chats.activate(accountId, chatId, chatId, null);
    } catch (error) {
      this.logger.warn({
        message: 'a branch with a new answer did not become the active one',
        chatId,
        cause: (error as Error).message,
      });
    }
  }
}
