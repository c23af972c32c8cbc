import { Injectable, Logger } from '@nestjs/common';
import { newId } from '../../common/ids.js';
import { invalidField, Problem, problems } from '../../common/problems.js';
import { requestOf } from '../../llm/settings.js';
import { usageByBytes } from '../../llm/usage-estimate.js';
import type { CreateResponseDto } from './create-response.dto.js';
import { type Begun, DirectAnswers } from './direct-answers.service.js';
import { HeardParts, pieceOf } from './heard-parts.js';
import type { ResponseEvent } from './item-events.js';
import { modelProblem } from './model-problem.js';
import { PartFiles } from './part-files.service.js';
import { ResponseEvents } from './response-events.js';
import { ResponseInputs } from './response-inputs.service.js';
import { settingsOf } from './response-settings.js';
import { type ResponseHead, responseOf, type ResponseState } from './response-wire.js';
import type { ResponseDto } from './response.dto.js';
import { assertChoice } from './tool-fields.js';
import { assertResults, toldByClient, type Turn } from './turns.js';

/** A response that is kept nowhere, as whoever goes on from it remembers it. */
export interface RememberedResponse {
  responseId: string;
  /** All that was said, the answer included. */
  turns: readonly Turn[];
}

/** A response that has begun. */
export interface DirectResponse extends Pick<Begun, 'parts'> {
  head: ResponseHead;
  /** All that the model is given. */
  turns: readonly Turn[];
  /** What it has said so far. */
  heard: HeardParts;
}

/**
 * Responses with `store: false`: the context is what the client sends, nothing is kept, and the
 * model stops when the client leaves.
 */
@Injectable()
export class DirectResponses {
  private readonly logger = new Logger(DirectResponses.name);

  constructor(
    private readonly answers: DirectAnswers,
    private readonly inputs: ResponseInputs,
    private readonly files: PartFiles,
  ) {}

  /** The whole answer. @throws like `begin`, and the failure of a model that said nothing */
  async create(
    accountId: string,
    body: CreateResponseDto,
    signal: AbortSignal,
  ): Promise<ResponseDto> {
    const { head, parts, heard } = await this.begin(accountId, body, signal);
    try {
      for await (const part of parts) heard.add(part);
    } catch (error) {
      if (heard.parts.length === 0) throw modelProblem(error);
      return responseOf(head, this.broken(error, heard));
    }
    if (!heard.end) throw problems.modelFailed();
    return responseOf(head, stateAfter(heard));
  }

  /** A response as it happens; a failure is its last event. */
  async *events({ head, parts, heard }: DirectResponse): AsyncGenerator<ResponseEvent[]> {
    const events = new ResponseEvents(head);
    yield events.begin();
    try {
      for await (const part of parts) {
        heard.add(part);
        if (part.type === 'delta') yield events.delta(part.text);
        else if (part.type !== 'end') yield events.piece(pieceOf(part));
      }
    } catch (error) {
      return yield events.end(this.broken(error, heard));
    }
    yield events.end(stateAfter(heard));
  }

  /**
   * @param before what was said before, where the client has named it
   * @throws like `DirectAnswers.begin`; 422 where the context would be one that is kept
   */
  async begin(
    accountId: string,
    body: CreateResponseDto,
    signal: AbortSignal,
    before: readonly Turn[] = [],
  ): Promise<DirectResponse> {
    assertChoice(body);
    assertApart(body);
    const asked = await this.inputs.asked(accountId, body.input);
    const turns = [...before, ...(await this.files.find(accountId, asked, 'input'))];
    assertResults(turns);
    const settings = settingsOf(body);
    const request = {
      ...requestOf(settings),
      model: body.model ?? null,
      messages: toldByClient(settings.instructions ?? null, turns),
    };
    const { model, parts } = await this.answers.begin(accountId, request, 'input', signal);
    const head = {
      responseId: newId(),
      createdAt: seconds(),
      model,
      previous: null,
      rootChatId: null,
      metadata: body.metadata ?? {},
      settings,
    };
    return { head, parts, turns, heard: new HeardParts() };
  }

  /** All that was said, once its events have ended; null where it failed. */
  after({ head, turns, heard }: DirectResponse): RememberedResponse | null {
    const asked = turns.at(-1)!;
    if (!heard.end) return null;
    const answered = { ...asked, response: heard.parts };
    return { responseId: head.responseId, turns: [...turns.slice(0, -1), answered] };
  }

  /** What was said stays, whatever broke it off. */
  private broken(error: unknown, { parts }: HeardParts): ResponseState {
    const found = modelProblem(error);
    if (!(found instanceof Problem)) {
      this.logger.error({
        message: 'an answer broke off',
        cause: error instanceof Error ? error.stack : String(error),
      });
    }
    const { kind, message } = found instanceof Problem ? found : problems.internal();
    const text = parts.map((part) => ('text' in part ? part.text : '')).join('');
    return {
      status: 'failed',
      parts,
      usage: parts.length > 0 ? usageByBytes([], Buffer.byteLength(text)) : null,
      error: { code: kind.code, message },
      model: null,
      endedAt: seconds(),
    };
  }
}

const seconds = (): number => Math.floor(Date.now() / 1000);

function stateAfter({ parts, end }: HeardParts): ResponseState {
  const { model, finishReason, usage } = end!;
  return {
    ...{ status: 'complete', parts, model, error: null, endedAt: seconds() },
    usage: finishReason === 'stop' ? usage : { ...usage, finish_reason: finishReason },
  };
}

/** @throws 422 for fields whose effect is that something is kept */
function assertApart(body: CreateResponseDto): void {
  const kept = (['previous_response_id', 'conversation', 'background'] as const).find(
    (field) => body[field] != null && body[field] !== false,
  );
  if (kept)
    throw invalidField(
      kept,
      'must be absent with store: false, for which the context is the input alone',
    );
}
