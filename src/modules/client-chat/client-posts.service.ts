import { Injectable, Logger } from '@nestjs/common';
import type { AnswerEvent, AnswerStream } from '../answer/answer.js';
import { type Post, PostService } from '../answer/post.service.js';
import { ChatService } from '../chat/chat.service.js';

/** What a client wants to be said, behind what. */
export interface ClientPost extends Pick<
  Post,
  'accountId' | 'earlier' | 'key' | 'model' | 'settings'
> {
  rootChatId: string;
  /**
   * The pair that it follows; null = nothing, undefined = the client told nothing of the path.
   */
  after: { chatId: string; responseId: string } | null | undefined;
  said: Post['body'];
}

/** What clients say that know messages and no branches, as posts to chats. */
@Injectable()
export class ClientPosts {
  private readonly logger = new Logger('Clients');

  constructor(
    private readonly chats: ChatService,
    private readonly posts: PostService,
  ) {}

  /**
   * Says it. What follows another pair than the newest makes a branch, which becomes the active
   * one: that is what an edited message is.
   * @throws what `PostService.post` throws
   */
  async post({ accountId, rootChatId, after, said, ...terms }: ClientPost): Promise<AnswerStream> {
    const activeId = await this.chats.activeOf(accountId, rootChatId);
    const body = {
      ...said,
      parent_response_id: after === undefined ? undefined : (after?.responseId ?? null),
      on_conflict: 'fork' as const,
    };
    const chatId = after?.chatId ?? activeId;
    const post = { accountId, chatId, toActive: false, body, ...terms };
    return this.followed(accountId, activeId, (await this.posts.post(post)).events());
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
