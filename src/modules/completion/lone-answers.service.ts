import { Injectable } from '@nestjs/common';
import type { ResponsePart } from '../../tree/parts.js';
import { ChatService } from '../chat/chat.service.js';
import type { Answer } from '../answer/answer.js';
import { Answers } from '../answer/answers.service.js';
import { PairCompletion } from './pair-completion.service.js';
import type { Post, PostBody } from '../answer/post.service.js';

/**
 * Posts of people's own programs: what an assistant says alone is the answer to the last question,
 * where that waits for one.
 */
@Injectable()
export class LoneAnswers {
  constructor(
    private readonly chats: ChatService,
    private readonly completion: PairCompletion,
    private readonly answers: Answers,
  ) {}

  /**
   * The pair that was waiting, with its answer; null where this is none, and is to be posted.
   * @throws chat_not_found, content_unavailable, store_unavailable
   */
  take(post: Post): Promise<Answer | null> | null {
    const said = loneAnswerIn(post.body);
    return said && this.answered(post, said);
  }

  private async answered(
    { accountId, body, key, ...place }: Post,
    said: readonly ResponsePart[],
  ): Promise<Answer | null> {
    const chatId = place.toActive
      ? await this.chats.activeOf(accountId, place.chatId)
      : place.chatId;
    const { parent_response_id: parent, model } = body;
    const pair = await this.completion.complete(accountId, chatId, said, key, { parent, model });
    return pair && this.answers.brought(accountId, pair);
  }
}

/** These are looked at where a pair is appended: whether the file is there, and the call. */
const APPENDED: readonly ResponsePart['type'][] = ['file', 'tool_result'];

const BESIDE = ['question', 'question_parts', 'pairs', 'metadata', 'author', 'settings'] as const;

/**
 * What is said, where that is a response and nothing else: a pair that is there has its own
 * `metadata` and author already.
 */
function loneAnswerIn(body: PostBody): readonly ResponsePart[] | null {
  const { response, response_parts, message_type: type = 'text' } = body;
  if (type !== 'text' || BESIDE.some((field) => body[field] != null)) return null;
  const said: readonly ResponsePart[] | null =
    response_parts ?? (response == null ? null : [{ type: 'text', text: response }]);
  return said?.some((part) => APPENDED.includes(part.type)) ? null : said;
}
