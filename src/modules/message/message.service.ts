import { Injectable } from '@nestjs/common';
import { problems } from '../../common/problems.js';
import { Idempotency, type IdempotentRequest } from '../../database/idempotency.js';
import { ChatService } from '../chat/chat.service.js';
import { PathService } from '../chat/path.service.js';
import { type Completion, CompletionService } from '../completion/completion.service.js';
import { type AppendAnswer, AppendService } from './append.service.js';
import { KeyedQueue } from '../../common/keyed-queue.js';
import type { AddMessageDto } from './message.dto.js';
import { newPair } from './new-pair.js';

/** A post, with where it goes. */
export interface Post {
  accountId: string;
  chatId: string;
  /** To the active branch of the chat's conversation instead. */
  toActive: boolean;
  idempotent: IdempotentRequest | null;
  body: AddMessageDto;
}

/** How often a post may be overtaken (by another answer, by a switch of the active branch) before it gives up. */
const ATTEMPTS_MAX = 50;

/** Posts of questions, with their responses or answered by the model. */
@Injectable()
export class MessageService {
  /** Questions to the model wait for each other here, chat by chat; across instances the head of the chat decides (see `attempt`). */
  private readonly asking = new KeyedQueue();

  constructor(
    private readonly appends: AppendService,
    private readonly chats: ChatService,
    private readonly paths: PathService,
    private readonly completions: CompletionService,
    private readonly idempotency: Idempotency,
  ) {}

  /**
   * Stores the question with its response.
   * @throws chat_not_found, message_not_found, branch_head_moved, generation_in_progress, idempotency_key_reused, store_unavailable
   */
  async post(post: Post): Promise<AppendAnswer> {
    this.appends.assertRoom();
    const { accountId, body } = post;
    const chatId = post.toActive ? await this.chats.activeOf(accountId, post.chatId) : post.chatId;
    // With the account: a stranger who guesses an id must neither wait for its owner nor make the owner wait.
    const line = `${accountId}:${chatId}`;
    if (body.response !== undefined && !this.asking.isBusy(line)) return this.untilSettled(post);
    if (body.on_busy === 'reject' && this.asking.isBusy(line)) return this.rejected(post, chatId);
    return this.asking.run(line, async () => (await this.replay(post)) ?? this.untilSettled(post));
  }

  private async rejected(post: Post, chatId: string): Promise<AppendAnswer> {
    const replay = await this.replay(post);
    if (replay) return replay;
    await this.chats.get(post.accountId, chatId);
    throw problems.generationInProgress();
  }

  private async untilSettled(post: Post): Promise<AppendAnswer> {
    for (let attempt = 1; attempt <= ATTEMPTS_MAX; attempt++) {
      const answer = await this.attempt(post);
      if (answer) return answer;
    }
    throw problems.storeUnavailable({ detail: 'The chat changes faster than this post can follow.', headers: { 'retry-after': '1' } });
  }

  /** One try; null when the post was overtaken and another try may succeed. */
  private async attempt(post: Post): Promise<AppendAnswer | null> {
    const { accountId, body, toActive, idempotent } = post;
    const chatId = toActive ? await this.chats.activeOf(accountId, post.chatId) : post.chatId;
    if (body.response === undefined && body.parent_response_id !== undefined) {
      // The model is not asked for an answer that could not be put there.
      const { last_response_id: head } = await this.chats.get(accountId, chatId);
      if (head !== body.parent_response_id) return this.refused(post, chatId);
    }
    const completion = await this.respond(post, chatId);
    const pair = newPair({ accountId, chatId, said: body, completion, idempotent });
    // An answer belongs behind the pair that the model saw last, so that its context is the path it stands on.
    const parent = body.parent_response_id === undefined ? completion.seen : body.parent_response_id;
    return (await this.appends.append({ ...pair, parent, mustBeActive: toActive })) ?? this.refused(post, chatId);
  }

  /** `before`: the `seq` that the context ends before; the whole path when it is absent. */
  private async respond({ accountId, body }: Post, chatId: string, before?: number): Promise<Partial<Completion>> {
    if (body.response !== undefined) return { response: body.response };
    return this.completions.complete(accountId, chatId, body.question, before);
  }

  /** Finds out why the chat refused a pair: answers a replay or a fork, throws what the client must know, or null to try again. */
  private async refused(post: Post, chatId: string): Promise<AppendAnswer | null> {
    const replay = await this.replay(post);
    if (replay) return replay;
    const { accountId, body, idempotent } = post;
    const chat = await this.chats.get(accountId, chatId);
    const parent = body.parent_response_id;
    if (parent === undefined || parent === chat.last_response_id) return null;
    const parentSeq = parent === null ? 0 : (await this.paths.pair(accountId, chatId, parent)).seq;
    if (body.on_conflict !== 'fork') {
      throw problems.branchHeadMoved({ head: { chat_id: chatId, response_id: chat.last_response_id, seq: chat.last_seq } });
    }
    const completion = await this.respond(post, chatId, parentSeq + 1);
    return this.appends.appendToFork({ ...newPair({ accountId, chatId, said: body, completion, idempotent }), parent });
  }

  private async replay({ accountId, idempotent }: Post): Promise<AppendAnswer | null> {
    const json = idempotent && (await this.idempotency.find(accountId, idempotent));
    return json ? { json, contentState: null } : null;
  }
}
