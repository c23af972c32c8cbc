import { Injectable, Logger } from '@nestjs/common';
import { openAiError } from '../../common/openai-error.js';
import { Problem, problems } from '../../common/problems.js';
import type { ModelPart } from '../../llm/language-model.js';
import { type AnswerSettings, requestOf } from '../../llm/settings.js';
import { sentEvent } from '../../runtime/event-stream.js';
import { modelMessages } from './chat-messages.js';
import { Chunks, completionOf, type Head, newHead } from './completion-wire.js';
import { DirectAnswers } from './direct-answers.service.js';
import { modelProblem } from './model-problem.js';
import type { ChatCompletionDto, CreateChatCompletionDto } from './openai.dto.js';

/** An answer that has begun. */
interface Begun {
  head: Head;
  parts: AsyncIterable<ModelPart>;
}

/**
 * OpenAI's chat completions without state: the context is what the client sends, and nothing is
 * kept.
 */
@Injectable()
export class CompletionsService {
  private readonly logger = new Logger(CompletionsService.name);

  constructor(private readonly answers: DirectAnswers) {}

  /** The whole answer. @param signal aborts when the client has gone @throws Problem */
  async complete(
    accountId: string,
    body: CreateChatCompletionDto,
    signal: AbortSignal,
  ): Promise<ChatCompletionDto> {
    const { head, parts } = await this.begin(accountId, body, signal);
    let content = '';
    try {
      for await (const part of parts) {
        if (part.type === 'end') return completionOf(head, content, part.finishReason, part.usage);
        if (part.type === 'delta') content += part.text;
      }
    } catch (error) {
      throw modelProblem(error);
    }
    throw problems.modelFailed();
  }

  /**
   * The answer as server-sent events. A failure before the first word is thrown, so that it has a
   * status of its own; a later one is an event, at which OpenAI's clients throw.
   * @throws Problem
   */
  async stream(
    accountId: string,
    body: CreateChatCompletionDto,
    signal: AbortSignal,
  ): Promise<AsyncIterable<string>> {
    const begun = await this.begin(accountId, body, signal);
    return this.chunksOf(begun, body.stream_options?.include_usage === true);
  }

  private async *chunksOf({ head, parts }: Begun, withUsage: boolean): AsyncGenerator<string> {
    const chunks = new Chunks(head, withUsage);
    yield chunks.begin();
    try {
      for await (const part of parts)
        if (part.type === 'end') yield chunks.end(part.finishReason, part.usage);
        else if (part.type === 'delta') yield chunks.delta(part.text);
    } catch (error) {
      yield sentEvent(JSON.stringify(openAiError(this.problemOf(error))));
    }
  }

  private problemOf(error: unknown): Problem {
    const problem = modelProblem(error);
    if (problem instanceof Problem) return problem;
    this.logger.error({
      message: 'an answer broke off',
      cause: error instanceof Error ? error.stack : String(error),
    });
    return problems.internal();
  }

  /** The one way to a model, and the first word of its answer. */
  private async begin(
    accountId: string,
    body: CreateChatCompletionDto,
    signal: AbortSignal,
  ): Promise<Begun> {
    const request = {
      ...requestOf(settingsOf(body)),
      model: body.model,
      messages: modelMessages(body.messages),
    };
    const { model, parts } = await this.answers.begin(accountId, request, 'messages', signal);
    return { head: newHead(model), parts };
  }
}

/** How the answer is asked for. */
export function settingsOf({
  max_completion_tokens,
  max_tokens,
  temperature,
  top_p,
  stop,
}: CreateChatCompletionDto): AnswerSettings {
  const limit = max_completion_tokens ?? max_tokens;
  return {
    ...(limit != null && { max_output_tokens: limit }),
    ...(temperature != null && { temperature }),
    ...(top_p != null && { top_p }),
    ...(stop != null && { stop: [stop].flat() }),
  };
}
