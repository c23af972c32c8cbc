import { Injectable } from '@nestjs/common';
import { isUuid } from '../../common/ids.js';
import { openAiError } from '../../common/openai-error.js';
import { invalidField, Problem } from '../../common/problems.js';
import type { IdempotentRequest } from '../../database/idempotency.js';
import { LanguageModel, ModelError, textOfMessage } from '../../llm/language-model.js';
import type { QaPairDto } from '../chat/pair.dto.js';
import type { AnswerStream } from '../answer/answer.js';
import { type Post, PostService } from '../answer/post.service.js';
import { QUESTION_BYTES_MAX } from '../message/message.dto.js';
import { sentEvent } from '../../runtime/event-stream.js';
import { modelMessages } from './chat-messages.js';
import { Chunks, completionOf, type Head } from './completion-wire.js';
import { settingsOf } from './completions.service.js';
import { FINAL, modelProblem } from './model-problem.js';
import type { ChatCompletionDto, CreateChatCompletionDto } from './openai.dto.js';

const NO_USAGE = { input_tokens: 0, output_tokens: 0 };

/** A chat completion that goes on in a branch. */
export interface BranchCompletion {
  accountId: string;
  /** The header `X-Branch-Id`. */
  branchId: string;
  body: CreateChatCompletionDto;
  idempotent: IdempotentRequest | null;
}

/**
 * OpenAI's chat completions with state: the last message is posted to a branch, whose own path is
 * the context. The messages before it are not looked at, but for what systems and developers say.
 */
@Injectable()
export class BranchCompletions {
  constructor(
    private readonly posts: PostService,
    private readonly model: LanguageModel,
  ) {}

  /**
   * @throws 422; chat_not_found, model_not_found, what `PostService.post` throws, and the failure
   * of the model
   */
  async complete(asked: BranchCompletion): Promise<ChatCompletionDto> {
    const { post, model } = this.prepare(asked);
    const { json } = await (await this.posts.post(post)).whole();
    const pair = JSON.parse(json) as QaPairDto;
    const failure = failureOf(pair);
    if (failure) throw failure;
    const head = {
      ...headOf(pair.response_id, model),
      created: Math.floor(Date.parse(pair.timestamp) / 1000),
    };
    return completionOf(
      head,
      pair.response ?? '',
      pair.usage?.finish_reason ?? 'stop',
      pair.usage ?? NO_USAGE,
    );
  }

  /**
   * The same as server-sent events; they go on to be made when the client leaves. @throws like
   * `complete`, but for the model's failure
   */
  async stream(asked: BranchCompletion): Promise<AsyncIterable<string>> {
    const { post, model } = this.prepare(asked);
    return framesOf(
      (await this.posts.post(post)).events(),
      model,
      asked.body.stream_options?.include_usage === true,
    );
  }

  /** Everything that may be refused is looked at before anything is stored. */
  private prepare({ accountId, branchId, body, idempotent }: BranchCompletion): {
    post: Post;
    model: string;
  } {
    if (!isUuid(branchId)) throw invalidField('X-Branch-Id', 'must be the id of a chat');
    const messages = modelMessages(body.messages);
    const question = messages.at(-1);
    if (question?.role !== 'user')
      throw invalidField(
        'messages',
        'must end with a message of the user: that is what is answered',
      );
    const asked = textOfMessage(question);
    if (asked.trim() === '')
      throw invalidField('messages', 'must end with a message that is not empty or blank');
    if (Buffer.byteLength(asked) > QUESTION_BYTES_MAX) {
      throw invalidField(
        'messages',
        `must end with a message of at most ${QUESTION_BYTES_MAX} bytes of UTF-8`,
      );
    }
    const model = this.modelOf(body.model);
    const [system] = messages;
    const settings = {
      ...settingsOf(body),
      ...(system?.role === 'system' && { instructions: system.content }),
    };
    const post = {
      accountId,
      chatId: branchId.toLowerCase(),
      toActive: false,
      key: idempotent,
      model,
      settings,
    };
    return { post: { ...post, body: { question: asked } }, model };
  }

  private modelOf(name: string): string {
    try {
      return this.model.find(name).id;
    } catch (error) {
      throw modelProblem(error);
    }
  }
}

const headOf = (responseId: string, model: string): Head => ({
  id: `chatcmpl-${responseId}`,
  created: Math.floor(Date.now() / 1000),
  model,
});

async function* framesOf(
  answer: AnswerStream,
  model: string,
  withUsage: boolean,
): AsyncGenerator<string> {
  let chunks: Chunks | null = null;
  for await (const event of answer) {
    if (event.type === 'accepted') {
      chunks = new Chunks(headOf(event.responseId, model), withUsage);
      yield chunks.begin();
    } else if (event.type === 'delta') yield chunks!.delta(event.delta);
    else if (event.type !== 'part') yield endOf(chunks!, JSON.parse(event.json) as QaPairDto);
  }
}

function endOf(chunks: Chunks, pair: QaPairDto): string {
  const failure = failureOf(pair);
  if (failure) return sentEvent(JSON.stringify(openAiError(failure)));
  return chunks.end(pair.usage?.finish_reason ?? 'stop', pair.usage ?? NO_USAGE);
}

/**
 * The question is stored: who sends it again, as OpenAI's clients do by themselves, would store it
 * twice.
 */
function failureOf({ status, error }: QaPairDto): Problem | null {
  if (status !== 'failed' && status !== 'interrupted') return null;
  const { code, message } = error ?? {
    code: 'interrupted',
    message: 'The server stopped while it wrote this answer.',
  };
  const { kind, details } = modelProblem(new ModelError(code, message)) as Problem;
  return new Problem(kind, { ...details, headers: { ...details.headers, ...FINAL } });
}
