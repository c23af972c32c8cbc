import { Injectable } from '@nestjs/common';
import { awayToo, KeyedQueue } from '../../common/keyed-queue.js';
import { Problem, problems } from '../../common/problems.js';
import type { IdempotentRequest } from '../../database/idempotency.js';
import type { AnswerSettings } from '../../llm/settings.js';
import { requestDeadline } from '../../runtime/deadline.js';
import { ChatService } from '../chat/chat.service.js';
import { PathService } from '../chat/path.service.js';
import type {
  Append,
  ChatTarget,
  Draft,
  Entry,
  ForkTarget,
  Utterance,
  WholePair,
} from '../message/append.service.js';
import type { AddMessageDto } from '../message/message.dto.js';
import { draftOf, draftsOf, isAsked } from '../message/append.service.js';
import type { Answer } from './answer.js';
import { Answers } from './answers.service.js';
import { hasInlineFiles, TakenFiles } from '../file/taken-files.service.js';
import { Turns } from './turns.js';

/** What is posted, and on which terms. */
export type PostBody = Utterance &
  Pick<Draft, 'response_parts'> &
  Pick<
    AddMessageDto,
    'response' | 'parent_response_id' | 'on_conflict' | 'on_busy' | 'model' | 'settings' | 'pairs'
  >;

/** A post, with where it goes. */
export interface Post {
  accountId: string;
  chatId: string;
  /** To the active branch of the chat's conversation instead. */
  toActive: boolean;
  key: IdempotentRequest | null;
  body: PostBody;
  /** Pairs that go before it, all in one step: all of them or nothing. */
  earlier?: readonly WholePair[];
  /** The model that is asked; that of the chat when absent. */
  model?: string | null;
  settings?: AnswerSettings;
}

/**
 * How often a post may be overtaken (by another one, by a switch of the active branch) before it
 * gives up.
 */
const ATTEMPTS_MAX = 50;
/**
 * Posts of one chat that wait here at most: each holds its whole body, for as long as an answer
 * takes.
 */
const WAITING_MAX = 1000;

/** Posts of questions to chats, with their responses or answered by the model. */
@Injectable()
export class PostService {
  /**
   * Posts that wait for an answer to end do so one behind the other, chat by chat; across instances
   * the chat's row decides.
   */
  private readonly waiting = new KeyedQueue(awayToo);

  constructor(
    private readonly answers: Answers,
    private readonly chats: ChatService,
    private readonly paths: PathService,
    private readonly turns: Turns,
    private readonly files: TakenFiles,
  ) {}

  /**
   * Stores the question with its response, or has a model answer it. Comes back as soon as the
   * question is stored.
   * @throws chat_not_found, message_not_found, branch_head_moved, generation_in_progress,
   * idempotency_key_reused, too_many_answers,
   *   tokens_spent, store_unavailable
   */
  async post(asked: Post): Promise<Answer> {
    const { accountId } = asked;
    const body = hasInlineFiles(asked.body)
      ? await this.files.of(accountId, asked.body)
      : asked.body;
    const post = { ...asked, body };
    const chatId = await this.chatOf(post);
    // With the account: a stranger who guesses an id must neither wait for its owner nor make the
    // owner wait.
    const line = `${accountId}:${chatId}`;
    if (!asksModel(body) && !this.waiting.isBusy(line)) {
      const answer = await this.attempt(post);
      if (answer) return answer;
    }
    const until = this.turns.deadline();
    if (body.on_busy === 'reject') return this.untilSettled(post, until);
    if (this.waiting.length(line) >= WAITING_MAX) {
      throw problems.generationInProgress({
        detail: `${WAITING_MAX} posts wait for this chat already.`,
        headers: { 'retry-after': '5' },
      });
    }
    const waits = this.waiting.isBusy(line);
    return this.waiting.run(line, () => {
      // What stood before it may have been an answer, which takes its time.
      if (waits) {
        assertAwaited(post);
        requestDeadline()?.restart();
      }
      return this.untilSettled(post, until);
    });
  }

  /** Where it is to go as things are now: the active branch may be another in a moment. */
  private async chatOf({ accountId, chatId, toActive }: Post): Promise<string> {
    return toActive ? this.chats.activeOf(accountId, chatId) : chatId;
  }

  private async untilSettled(post: Post, deadline: number): Promise<Answer> {
    for (let attempt = 1; attempt <= ATTEMPTS_MAX; attempt++) {
      const answer = await this.attempt(post, deadline);
      if (answer) return answer;
    }
    throw problems.storeUnavailable({
      detail: 'The chat changes faster than this post can follow.',
      headers: { 'retry-after': '1' },
    });
  }

  /**
   * One try; null when the post was overtaken, or its turn has come, and another try may succeed.
   */
  private async attempt(post: Post, deadline?: number): Promise<Answer | null> {
    const chatId = await this.chatOf(post);
    const to = { chatId, parent: post.body.parent_response_id, mustBeActive: post.toActive };
    try {
      return (await this.ask(post, to)) ?? (await this.refused(post, chatId, deadline));
    } catch (error) {
      // What the account may have of models does not matter before its question could be put there.
      if (!isQuota(error) || (await this.isFree(post, chatId))) throw error;
      return this.refused(post, chatId, deadline);
    }
  }

  private async isFree({ accountId, body }: Post, chatId: string): Promise<boolean> {
    const { generation_id, last_response_id: head } = await this.chats.get(accountId, chatId);
    return (
      generation_id === null &&
      (body.parent_response_id === undefined || body.parent_response_id === head)
    );
  }

  /**
   * Finds out why the chat refused a post: answers a fork or what the key had, throws what the
   * client must know, or null to try again.
   */
  private async refused(post: Post, chatId: string, deadline?: number): Promise<Answer | null> {
    const { accountId, body } = post;
    const kept = await this.answers.kept(accountId, post.key);
    if (kept) return kept;
    const chat = await this.chats.get(accountId, chatId);
    const parent = body.parent_response_id;
    if (parent !== undefined && parent !== chat.last_response_id)
      return this.moved(post, chatId, parent);
    if (chat.generation_id !== null && deadline !== undefined)
      await this.inTurn(post, chatId, deadline);
    return null;
  }

  private async inTurn(post: Post, chatId: string, deadline: number): Promise<void> {
    await this.turns.wait(post.accountId, chatId, post.body.on_busy ?? 'queue', deadline);
    assertAwaited(post);
  }

  /** The parent that the post names is not the last pair any more. */
  private async moved(post: Post, chatId: string, parent: string | null): Promise<Answer> {
    const { accountId, body } = post;
    const chat = await this.chats.get(accountId, chatId);
    if (parent !== null) await this.paths.pair(accountId, chatId, parent);
    if (body.on_conflict !== 'fork') {
      throw problems.branchHeadMoved({
        head: { chat_id: chatId, response_id: chat.last_response_id, seq: chat.last_seq },
      });
    }
    return (await this.ask(post, { chatId, behind: parent }))!;
  }

  private ask(post: Post, to: ChatTarget | ForkTarget): Promise<Answer | null> {
    const append = appendOf(post, to);
    return post.body.pairs ? this.askTogether(append) : this.answers.ask(append);
  }

  private async askTogether(append: Append): Promise<Answer | null> {
    const outcome = await this.answers.askAll(append);
    return outcome && this.answers.together(append.accountId, outcome);
  }
}

function appendOf(
  { accountId, body, earlier, key, model, settings }: Post,
  to: ChatTarget | ForkTarget,
): Append {
  const { pairs } = body;
  if (pairs) return { accountId, drafts: pairs.map(draftOf), to, key, answerOf: storedPairs };
  const said = draftOf(body);
  const last = { ...said, model: model ?? said.model, settings: settings ?? said.settings };
  return { accountId, drafts: draftsOf(earlier, last), to, key };
}

/** Nobody sees what becomes of a post whose client has gone, unless it has a key to ask with. */
function assertAwaited({ key }: Post): void {
  if (key === null && requestDeadline()?.clientIsGone)
    throw problems.invalidRequest({ detail: 'The client went before the turn of its post came.' });
}

const storedPairs = (_tx: unknown, entries: readonly Entry[]): string =>
  `{"qa_pairs":[${entries.map(({ json }) => json).join(',')}]}`;

const asksModel = ({ pairs, ...said }: PostBody): boolean => !pairs && isAsked(draftOf(said));

const isQuota = (error: unknown): boolean =>
  error instanceof Problem &&
  [problems.tooManyAnswers.kind, problems.tokensSpent.kind].includes(error.kind);
