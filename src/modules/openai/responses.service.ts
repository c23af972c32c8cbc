import { Injectable } from '@nestjs/common';
import { invalidField } from '../../common/problems.js';
import type { IdempotentRequest } from '../../database/idempotency.js';
import { LanguageModel } from '../../llm/language-model.js';
import type { QaPairDto } from '../chat/pair.dto.js';
import type { Answer, AnswerPlace } from '../answer/answer.js';
import { Answers } from '../answer/answers.service.js';
import { type Post, PostService } from '../answer/post.service.js';
import type { Append } from '../message/append.service.js';
import { draftsOf } from '../message/append.service.js';
import type { AnswerSettings } from '../../llm/settings.js';
import { itemsOf, toldIn } from './input-items.js';
import { modelProblem } from './model-problem.js';
import { keptEvents, stateOf } from './response-events.js';
import type { PairPlace } from './pair-place.sql.js';
import { type ResponseHead, responseOf } from './response-wire.js';
import { ResponseReader } from './response.reader.js';
import { type CreateResponseDto, PROMPT_BYTES_MAX, type ResponseDto } from './response.dto.js';
import { ResponseTargets, type Target } from './response-targets.service.js';

/** What becomes of a request: a post to a chat, or a new chat. */
type Asked = { post: Post } | { append: Append };

/** Responses that are kept: each is a pair of a chat. */
@Injectable()
export class ResponsesService {
  constructor(
    private readonly targets: ResponseTargets,
    private readonly posts: PostService,
    private readonly answers: Answers,
    private readonly reader: ResponseReader,
    private readonly model: LanguageModel,
  ) {}

  /**
   * Comes back when the answer is there, or failed: the question is kept then too, so a failure has
   * no status of its own.
   * @throws 422 for what the input is; model_not_found, chat_not_found, message_not_found, and what
   * `PostService.post` throws
   */
  async create(
    accountId: string,
    body: CreateResponseDto,
    key: IdempotentRequest | null,
  ): Promise<ResponseDto> {
    const answer = await this.ask(accountId, body, key);
    // As it was answered to the key, if there is one.
    const pair = JSON.parse((await answer.whole()).json) as QaPairDto;
    return responseOf(await this.headOf(accountId, answer, body), stateOf(pair));
  }

  /** The same as it happens. @throws like `create` */
  async createStreamed(
    accountId: string,
    body: CreateResponseDto,
    key: IdempotentRequest | null,
  ): Promise<AsyncIterable<string>> {
    const answer = await this.ask(accountId, body, key);
    return keptEvents(await this.headOf(accountId, answer, body), answer.events());
  }

  private async ask(
    accountId: string,
    body: CreateResponseDto,
    key: IdempotentRequest | null,
  ): Promise<Answer> {
    const asked = await this.prepare(accountId, body, key);
    return 'post' in asked ? this.posts.post(asked.post) : this.answers.askAnew(asked.append);
  }

  private async headOf(
    accountId: string,
    { responseId, place }: Answer,
    body: CreateResponseDto,
  ): Promise<ResponseHead> {
    const { head } = await this.reader.at(
      accountId,
      responseId,
      place ? pairPlaceOf(place) : await this.reader.place(accountId, responseId),
      body,
    );
    return { ...head, instructions: body.instructions || head.instructions };
  }

  /** Everything that may be refused is looked at before anything is stored. */
  private async prepare(
    accountId: string,
    body: CreateResponseDto,
    key: IdempotentRequest | null,
  ): Promise<Asked> {
    const target = await this.targets.of(accountId, body);
    const model = this.modelOf(body.model);
    const told = toldIn(itemsOf(body.input));
    if (typeof told === 'string') throw invalidField('input', told);
    const last = told.pairs.at(-1);
    if (!last || last.response !== null)
      throw invalidField('input', 'must end with a message of the user: that is what is answered');
    const instructions = [body.instructions, told.instructions].filter(Boolean).join('\n\n');
    if (Buffer.byteLength(instructions) > PROMPT_BYTES_MAX) throw tooLong(body);
    const earlier = told.pairs.slice(0, -1);
    const said = { question: last.question, metadata: notesToKeep(body) };
    const settings = settingsOf(body);
    if (target) {
      const asked = {
        accountId,
        key,
        earlier,
        model,
        settings: { ...settings, ...(instructions && { instructions }) },
      };
      return { post: postTo(target, asked, said) };
    }
    const drafts = draftsOf(earlier, { said, response: undefined, model, settings });
    return {
      append: {
        accountId,
        drafts,
        to: { chat: { model: body.model ?? null, system_prompt: instructions || null } },
        key,
      },
    };
  }

  private modelOf(name: string | null | undefined): string | null {
    try {
      return name == null ? null : this.model.find(name).id;
    } catch (error) {
      throw modelProblem(error);
    }
  }
}

const pairPlaceOf = ({ chatId, rootChatId, seq, parentResponseId }: AnswerPlace): PairPlace => ({
  chat_id: chatId,
  root_chat_id: rootChatId,
  seq,
  parent_response_id: parentResponseId,
});

function postTo(
  { chatId, toActive, parent }: Target,
  asked: Omit<Post, 'chatId' | 'toActive' | 'body'>,
  said: Post['body'],
): Post {
  const place =
    parent === undefined ? {} : { parent_response_id: parent, on_conflict: 'fork' as const };
  return { ...asked, chatId, toActive, body: { ...said, ...place } };
}

/** How the answer is asked for. */
export const settingsOf = ({
  max_output_tokens,
  temperature,
  top_p,
}: CreateResponseDto): AnswerSettings => ({
  ...(max_output_tokens != null && { max_output_tokens }),
  ...(temperature != null && { temperature }),
  ...(top_p != null && { top_p }),
});

/** The branch is where it is said, and no note. */
function notesToKeep({ metadata }: CreateResponseDto): Record<string, string> | null {
  const { branch_id: _branch, ...notes } = metadata ?? {};
  return Object.keys(notes).length > 0 ? notes : null;
}

const tooLong = ({ instructions }: CreateResponseDto): Error =>
  invalidField(
    instructions ? 'instructions' : 'input',
    `: what the model is told to be must have at most ${PROMPT_BYTES_MAX} bytes of UTF-8`,
  );
