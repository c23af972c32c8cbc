import { Injectable } from '@nestjs/common';
import { readPair } from '../../content/body.js';
import type { IdempotentRequest } from '../../database/idempotency.js';
import { LanguageModel } from '../../llm/language-model.js';
import type { Answer, AnswerEnd } from '../answer/answer.js';
import { Answers } from '../answer/answers.service.js';
import { type Post, PostService } from '../answer/post.service.js';
import type { QaPairDto } from '../chat/pair.dto.js';
import { draftsOf } from '../message/append.service.js';
import type { CreateResponseDto } from './create-response.dto.js';
import type { ResponseEvent } from './item-events.js';
import { failureOf, modelProblem } from './model-problem.js';
import { keptEvents } from './response-events.js';
import { ResponseInputs } from './response-inputs.service.js';
import { settingsOf } from './response-settings.js';
import { BEGUN, type ResponseHead, responseOf, stateOf } from './response-wire.js';
import { ResponseReader } from './response.reader.js';
import type { ResponseDto } from './response.dto.js';
import type { Target } from './response-targets.service.js';
import { assertChoice } from './tool-fields.js';
import { spokenOf, type Turn } from './turns.js';

/** Responses that are kept: each is a pair of a chat. */
@Injectable()
export class ResponsesService {
  constructor(
    private readonly inputs: ResponseInputs,
    private readonly posts: PostService,
    private readonly answers: Answers,
    private readonly reader: ResponseReader,
    private readonly model: LanguageModel,
  ) {}

  /**
   * Comes back when the answer is there; at once, where it is asked for in the background.
   * @throws 422 for what the input is; model_not_found, chat_not_found, message_not_found,
   * previous_response_not_found, what `PostService.post` throws, and the failure of a model that
   * said nothing: the question is kept then too
   */
  async create(
    accountId: string,
    body: CreateResponseDto,
    key: IdempotentRequest | null,
  ): Promise<ResponseDto> {
    const answer = await this.ask(accountId, body, key);
    if (body.background) return responseOf(await this.headOf(accountId, answer), BEGUN);
    // As it was answered to the key, if there is one.
    const end = await answer.whole();
    const pair = readPair<QaPairDto>(end.json);
    const failure = failureOf(pair);
    if (failure) throw failure;
    const [head, endedAt] = await Promise.all([
      this.headOf(accountId, answer),
      this.reader.endedAt(accountId, answer.responseId, end),
    ]);
    return responseOf(head, stateOf(pair, endedAt));
  }

  /**
   * The same as it happens; a failure is its last event.
   * @param before what was said before, where that is kept nowhere @throws like `create`
   */
  async createStreamed(
    accountId: string,
    body: CreateResponseDto,
    key: IdempotentRequest | null,
    before: readonly Turn[] = [],
  ): Promise<AsyncIterable<ResponseEvent[]>> {
    const answer = await this.ask(accountId, body, key, before);
    const head = await this.headOf(accountId, answer);
    const endedAt = (end: AnswerEnd) => this.reader.endedAt(accountId, answer.responseId, end);
    return keptEvents(head, answer.events(), endedAt);
  }

  /** Everything that may be refused is looked at before anything is stored. */
  private async ask(
    accountId: string,
    body: CreateResponseDto,
    key: IdempotentRequest | null,
    before: readonly Turn[] = [],
  ): Promise<Answer> {
    const model = this.modelOf(body.model);
    assertChoice(body);
    const asking = await this.inputs.place(accountId, body, before);
    const turns = await this.inputs.kept(accountId, asking.turns);
    const post = postOf(body, turns, { accountId, key, model });
    const answer = asking.target
      ? await this.posts.post(placed(post, asking.target))
      : await this.answers.askAnew({
          ...{ accountId, key, to: { chat: { model: body.model ?? null } } },
          drafts: draftsOf(post.earlier, {
            ...{ said: post.body, response: undefined, model, settings: post.settings },
          }),
        });
    await this.inputs.note(accountId, answer.responseId, asking);
    return answer;
  }

  private async headOf(accountId: string, { responseId, entry }: Answer): Promise<ResponseHead> {
    return entry
      ? this.reader.headOfEntry(entry)
      : (await this.reader.find(accountId, responseId)).head;
  }

  private modelOf(name: string | null | undefined): string | null {
    try {
      return name == null ? null : this.model.find(name).id;
    } catch (error) {
      throw modelProblem(error);
    }
  }
}

type UnplacedPost = Omit<Post, 'chatId' | 'toActive'>;

function postOf(
  body: CreateResponseDto,
  turns: readonly Turn[],
  asked: Pick<Post, 'accountId' | 'key' | 'model'>,
): UnplacedPost {
  const { question } = turns.at(-1)!;
  return {
    ...asked,
    settings: settingsOf(body),
    earlier: turns.slice(0, -1).map(spokenOf),
    body: { question_parts: question, metadata: notesToKeep(body) },
  };
}

function placed(post: UnplacedPost, { chatId, toActive, parent }: Target): Post {
  const place =
    parent === undefined ? {} : { parent_response_id: parent, on_conflict: 'fork' as const };
  return { ...post, chatId, toActive, body: { ...post.body, ...place } };
}

/** The branch is where it is said, and no note. */
function notesToKeep({ metadata }: CreateResponseDto): Record<string, string> | null {
  const { branch_id: _branch, ...notes } = metadata ?? {};
  return Object.keys(notes).length > 0 ? notes : null;
}
