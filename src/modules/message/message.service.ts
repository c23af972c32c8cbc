import { Injectable } from '@nestjs/common';
import { awayToo, KeyedQueue } from '../../common/keyed-queue.js';
import { problems } from '../../common/problems.js';
import type { IdempotentRequest } from '../../database/idempotency.js';
import type { Exchange } from '../../llm/context-window.js';
import { requestDeadline } from '../../runtime/deadline.js';
import { ChatService } from '../chat/chat.service.js';
import { PathService } from '../chat/path.service.js';
import type { AnswerStream } from '../completion/answer-event.js';
import type { AnswerSettings } from '../completion/running-generation.js';
import type { AppendAnswer } from './append.service.js';
import { Asker } from './asker.js';
import type { Chain } from './chains.js';
import type { AddMessageDto } from './message.dto.js';
import { type Posted, Postings } from './postings.js';
import { Turns } from './turns.js';

/** A post, with where it goes. */
export interface Post {
  accountId: string;
  chatId: string;
  /** To the active branch of the chat's conversation instead. */
  toActive: boolean;
  idempotent: IdempotentRequest | null;
  body: AddMessageDto;
  /** Pairs that go before it, all in one step: all of them or nothing. */
  earlier?: readonly Exchange[];
  /** The model that is asked; that of the chat when absent. */
  model?: string | null;
  settings?: AnswerSettings;
}

/** How often a post may be overtaken (by another one, by a switch of the active branch) before it gives up. */
const ATTEMPTS_MAX = 50;
/** Posts of one chat that wait here at most: each holds its whole body, for as long as an answer takes. */
const WAITING_MAX = 1000;

/** Posts of questions, with their responses or answered by the model. */
@Injectable()
export class MessageService {
  /** Posts that wait for an answer to end do so one behind the other, chat by chat; across instances the chat's row decides. */
  private readonly waiting = new KeyedQueue(awayToo);

  constructor(
    private readonly asker: Asker,
    private readonly chats: ChatService,
    private readonly paths: PathService,
    private readonly postings: Postings,
    private readonly turns: Turns,
  ) {}

  /**
   * Stores the question with its response, or with that of the model when it is there.
   * @throws chat_not_found, message_not_found, branch_head_moved, generation_in_progress, idempotency_key_reused, too_many_answers,
   *   tokens_spent, store_unavailable
   */
  async post(post: Post): Promise<AppendAnswer> {
    return this.postings.whole(post.accountId, await this.begin(post), post.idempotent);
  }

  /** The same as it happens: this comes back as soon as the question is stored. @throws like `post` */
  async postStreamed(post: Post): Promise<AnswerStream> {
    return this.postings.streamed(post.accountId, await this.begin(post));
  }

  private async begin(post: Post): Promise<Posted> {
    this.asker.assertRoom();
    const { accountId, body } = post;
    const chatId = post.toActive ? await this.chats.activeOf(accountId, post.chatId) : post.chatId;
    // With the account: a stranger who guesses an id must neither wait for its owner nor make the owner wait.
    const line = `${accountId}:${chatId}`;
    if (body.response !== undefined && !this.waiting.isBusy(line)) {
      const posted = await this.attempt(post);
      if (posted) return posted;
    }
    const until = this.turns.deadline();
    if (body.on_busy === 'reject') return this.untilSettled(post, until);
    if (this.waiting.length(line) >= WAITING_MAX) {
      throw problems.generationInProgress({ detail: `${WAITING_MAX} posts wait for this chat already.`, headers: { 'retry-after': '5' } });
    }
    const waits = this.waiting.isBusy(line);
    return this.waiting.run(line, () => {
      // What stood before it may have been an answer, which takes its time.
      if (waits) requestDeadline()?.restart();
      return this.untilSettled(post, until);
    });
  }

  private async untilSettled(post: Post, deadline: number): Promise<Posted> {
    for (let attempt = 1; attempt <= ATTEMPTS_MAX; attempt++) {
      const posted = await this.attempt(post, deadline);
      if (posted) return posted;
    }
    throw problems.storeUnavailable({ detail: 'The chat changes faster than this post can follow.', headers: { 'retry-after': '1' } });
  }

  /** One try; null when the post was overtaken, or its turn has come, and another try may succeed. */
  private async attempt(post: Post, deadline?: number): Promise<Posted | null> {
    const { accountId, body, toActive } = post;
    const chatId = toActive ? await this.chats.activeOf(accountId, post.chatId) : post.chatId;
    if (body.response === undefined && !(await this.isFree(post, chatId))) return this.refused(post, chatId, deadline);
    const pairs = this.pairsOf(post, chatId);
    const posted = await (pairs.length === 1 ? this.asker.append(pairs[0]!) : this.asker.appendChain(pairs));
    return posted ?? this.refused(post, chatId, deadline);
  }

  /** The pairs of a post; the place that it asks for is that of the first. */
  private pairsOf({ accountId, body, earlier = [], toActive, idempotent, model, settings }: Post, chatId: string): Chain {
    const place = { parent: body.parent_response_id, mustBeActive: toActive };
    const making = { accountId, chatId, idempotent: null };
    const before = earlier.map(({ question, response }, i) =>
      this.asker.pairOf({ ...making, said: { question }, response, place: i === 0 ? place : undefined }),
    );
    const last = { said: body, response: body.response, place: before.length === 0 ? place : undefined };
    return [...before, this.asker.pairOf({ ...making, ...last, idempotent, model, settings })];
  }

  /** Whether a question could be put there now: what the account may have of models is not asked before that. */
  private async isFree({ accountId, body, idempotent }: Post, chatId: string): Promise<boolean> {
    const { generation_id, last_response_id: head } = await this.chats.get(accountId, chatId);
    if (generation_id !== null || (body.parent_response_id !== undefined && body.parent_response_id !== head)) return false;
    return !idempotent || (await this.postings.replay(accountId, idempotent)) === null;
  }

  /** Finds out why the chat refused a pair: answers a replay or a fork, throws what the client must know, or null to try again. */
  private async refused(post: Post, chatId: string, deadline?: number): Promise<Posted | null> {
    const { accountId, body, idempotent } = post;
    const replay = await this.postings.replay(accountId, idempotent);
    if (replay) return replay;
    const chat = await this.chats.get(accountId, chatId);
    const parent = body.parent_response_id;
    if (parent !== undefined && parent !== chat.last_response_id) return this.moved(post, chatId);
    if (chat.generation_id !== null && deadline !== undefined) await this.turns.wait(accountId, chatId, body.on_busy ?? 'queue', deadline);
    return null;
  }

  /** The parent that the post names is not the last pair any more. */
  private async moved(post: Post, chatId: string): Promise<Posted> {
    const { accountId, body } = post;
    const chat = await this.chats.get(accountId, chatId);
    const parent = body.parent_response_id!;
    if (parent !== null) await this.paths.pair(accountId, chatId, parent);
    if (body.on_conflict !== 'fork') {
      throw problems.branchHeadMoved({ head: { chat_id: chatId, response_id: chat.last_response_id, seq: chat.last_seq } });
    }
    const pairs = this.pairsOf(post, chatId);
    return pairs.length === 1 ? this.asker.appendToFork({ ...pairs[0]!, parent }, false) : this.asker.appendChainToFork(pairs, parent);
  }
}
