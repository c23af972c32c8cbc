import { Injectable, Logger } from '@nestjs/common';
import { newId } from '../../common/ids.js';
import { invalidField, Problem, problems } from '../../common/problems.js';
import { requestOf } from '../../llm/settings.js';
import { type Begun, DirectAnswers } from './direct-answers.service.js';
import { itemsOf, messagesOf } from './input-items.js';
import { modelProblem } from './model-problem.js';
import { ResponseEvents, stateAfter } from './response-events.js';
import { type ResponseHead, responseOf, type ResponseState } from './response-wire.js';
import type { CreateResponseDto, ResponseDto } from './response.dto.js';
import { settingsOf } from './responses.service.js';

interface BegunResponse extends Pick<Begun, 'parts'> {
  head: ResponseHead;
}

/**
 * Responses with `store: false`: the context is what the client sends, nothing is kept, and the
 * model stops when the client leaves.
 */
@Injectable()
export class DirectResponses {
  private readonly logger = new Logger(DirectResponses.name);

  constructor(private readonly answers: DirectAnswers) {}

  /**
   * The whole answer. @throws like `DirectAnswers.begin`; 422 where the context would be one that
   * is kept
   */
  async create(
    accountId: string,
    body: CreateResponseDto,
    signal: AbortSignal,
  ): Promise<ResponseDto> {
    const { head, parts } = await this.begin(accountId, body, signal);
    let text = '';
    try {
      for await (const part of parts) {
        if (part.type === 'end') return responseOf(head, stateAfter(part, text));
        if (part.type === 'delta') text += part.text;
      }
    } catch (error) {
      throw modelProblem(error);
    }
    throw problems.modelFailed();
  }

  /** The same as it happens. @throws like `create`, before the first word */
  async createStreamed(
    accountId: string,
    body: CreateResponseDto,
    signal: AbortSignal,
  ): Promise<AsyncIterable<string>> {
    return this.events(await this.begin(accountId, body, signal));
  }

  private async *events({ head, parts }: BegunResponse): AsyncGenerator<string> {
    const events = new ResponseEvents(head);
    let text = '';
    yield events.begin();
    try {
      for await (const part of parts) {
        if (part.type === 'end') yield events.end(stateAfter(part, text));
        else if (part.type === 'delta') {
          text += part.text;
          yield events.delta(part.text);
        }
      }
    } catch (error) {
      yield events.end(this.failure(error));
    }
  }

  private failure(error: unknown): ResponseState {
    const found = modelProblem(error);
    if (!(found instanceof Problem)) {
      this.logger.error({
        message: 'an answer broke off',
        cause: error instanceof Error ? error.stack : String(error),
      });
    }
    const { kind, message } = found instanceof Problem ? found : problems.internal();
    return {
      status: 'failed',
      text: null,
      usage: null,
      error: { code: kind.code, message },
      model: null,
    };
  }

  private async begin(
    accountId: string,
    body: CreateResponseDto,
    signal: AbortSignal,
  ): Promise<BegunResponse> {
    const kept = (['previous_response_id', 'conversation'] as const).find(
      (field) => body[field] != null,
    );
    if (kept)
      throw invalidField(
        kept,
        'must be absent with store: false, for which the context is the input alone',
      );
    const items = itemsOf(body.input);
    if (items.at(-1)?.role !== 'user')
      throw invalidField('input', 'must end with a message of the user: that is what is answered');
    const request = {
      ...requestOf(settingsOf(body)),
      model: body.model ?? null,
      messages: messagesOf(items, body.instructions ?? ''),
    };
    const { model, parts } = await this.answers.begin(accountId, request, 'input', signal);
    return { head: headOf(body, model), parts };
  }
}

const headOf = (body: CreateResponseDto, model: string): ResponseHead => ({
  responseId: newId(),
  createdAt: Math.floor(Date.now() / 1000),
  model,
  instructions: body.instructions ?? null,
  previous: null,
  rootChatId: null,
  metadata: body.metadata ?? {},
  settings: body,
});
