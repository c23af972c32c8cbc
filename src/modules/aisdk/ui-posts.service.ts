import { Injectable, Logger } from '@nestjs/common';
import { invalidField } from '../../common/problems.js';
import type { IdempotentRequest } from '../../database/idempotency.js';
import { partsFault } from '../../tree/part-rules.js';
import type { QuestionPart } from '../../tree/parts.js';
import type { AnswerEvent, AnswerStream } from '../answer/answer.js';
import { PostService } from '../answer/post.service.js';
import { ChatService } from '../chat/chat.service.js';
import { QUESTION_BYTES_MAX } from '../message/said.dto.js';
import { PairsService } from './pairs.service.js';
import { UiFiles } from './ui-files.service.js';
import { UI_FORMAT, type UiPart } from './ui-parts.js';
import type { UiTurn } from './ui-request.js';

/** What a page says, as posts to chats. */
@Injectable()
export class UiPosts {
  private readonly logger = new Logger('AI SDK');

  constructor(
    private readonly chats: ChatService,
    private readonly pairs: PairsService,
    private readonly posts: PostService,
    private readonly files: UiFiles,
  ) {}

  /** What is said in a turn, with its files kept. @throws 422; files_full */
  async partsOf(accountId: string, { said, results, path }: UiTurn): Promise<QuestionPart[]> {
    const parts: QuestionPart[] = [];
    for (const [at, part] of said.entries())
      parts.push(
        part.type === 'file'
          ? await this.files.part(accountId, part, `${path}.parts.${at}`)
          : partOf(part),
      );
    const fault = partsFault('question', [...results, ...parts], QUESTION_BYTES_MAX);
    if (fault)
      throw invalidField(`${path}.parts`, `${fault.path.slice(1)} ${fault.message}`.trim());
    return parts;
  }

  /**
   * Says a turn. One that follows another pair than the newest makes a branch, which becomes the
   * active one: that is what an edited message is.
   * @throws what `PostService.post` throws
   */
  async post(
    accountId: string,
    rootChatId: string,
    turn: UiTurn & { parts: readonly QuestionPart[]; model?: string },
    key: IdempotentRequest | null,
  ): Promise<AnswerStream> {
    const { metadata, results, after, parts, model, settings } = turn;
    const activeId = await this.chats.activeOf(accountId, rootChatId);
    const place = after ? await this.pairs.endOf(accountId, rootChatId, after) : null;
    const told = await this.pairs.newTo(accountId, place, turn.systems);
    const instructions = told.map(
      (text) => ({ type: 'instruction', role: 'system', text }) as const,
    );
    const said = {
      question_parts: [...instructions, ...results, ...parts],
      metadata,
      parent_response_id: after === undefined ? undefined : (place?.responseId ?? null),
      on_conflict: 'fork' as const,
    };
    const chatId = place?.chatId ?? activeId;
    const post = { accountId, chatId, toActive: false, key, body: said, model, settings };
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

/** What is no text and no data is kept as it is. */
function partOf(part: UiPart): QuestionPart {
  const { type, text, data, id } = part;
  if (type === 'text') return { type, text: text as string };
  if (type.startsWith('data-') && type.length > 5 && id === undefined)
    return { type: 'data', name: type.slice(5), value: data ?? null };
  return { type: 'other', format: UI_FORMAT, value: part };
}
