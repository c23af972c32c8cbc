import { Injectable, Logger } from '@nestjs/common';
import { StorePatience } from '../../database/store-patience.js';
import { AnswerSpan } from '../../llm/answer-span.js';
import { ModelError, type ModelPart, type ModelRequest } from '../../llm/language-model.js';
import { endedEarly } from '../../llm/provider-faults.js';
import { usageByBytes } from '../../llm/usage-estimate.js';
import type { PartPiece } from '../../tree/part-pieces.js';
import { Problem } from '../../common/problems.js';
import { requestDeadline } from '../../runtime/deadline.js';
import type { AnswerError, AnswerUsage } from '../chat/message.entity.js';
import { Contexts } from '../context/contexts.service.js';
import { type AnswerOutcome, AnswerEnds, type StoredEnd } from './answer-ends.js';
import { AnswerHub } from './answer-hub.js';
import { type BegunAnswer, type Cut, RunningAnswer } from './running-answer.js';
import { Titles } from './titles.service.js';

/** How long an answer stays in memory for readers who have not come to its end. */
const RELEASE_MS = 10_000;
const LOST: AnswerError = {
  code: 'answer_lost',
  message: 'Another instance has ended this answer.',
};

/** Runs models. Each answer is a task of its own: whoever asked may go away. */
@Injectable()
export class AnswerWriter {
  private readonly logger = new Logger('Answers');

  constructor(
    private readonly contexts: Contexts,
    private readonly patience: StorePatience,
    private readonly hub: AnswerHub,
    private readonly ends: AnswerEnds,
    private readonly titles: Titles,
  ) {}

  /** The process that this is. */
  get id(): string {
    return this.hub.instanceId;
  }

  /** Begins to write the answer to a question whose row says that this instance does it. */
  start(ref: BegunAnswer): RunningAnswer {
    const generation = new RunningAnswer(ref);
    this.hub.add(generation);
    // Whoever asked may wait for all of it.
    requestDeadline()?.lift();
    void this.run(generation);
    return generation;
  }

  private async run(generation: RunningAnswer): Promise<void> {
    const ending = await this.answer(generation);
    if (generation.log.isShared) await this.hub.flush();
    generation.isEnding = true;
    try {
      const end = await this.store(generation, ending);
      this.hub.remove(generation);
      if (end) this.finish(generation, end);
      else generation.lose(new Error('ended elsewhere'));
    } catch (error) {
      this.logger.error({
        message: 'the end of an answer could not be stored',
        cause: (error as Error).message,
      });
      this.hub.remove(generation);
      generation.lose(error as Error);
    }
  }

  private finish(generation: RunningAnswer, { named, ...end }: StoredEnd): void {
    generation.finish(end);
    if (named) void this.titles.improve(generation.ref, named.question, named.title);
    if (generation.log.isShared) setTimeout(() => generation.release(), RELEASE_MS).unref();
  }

  /** Never throws: what goes wrong is an ending too. */
  private async answer(generation: RunningAnswer): Promise<AnswerOutcome> {
    const asking: { request?: ModelRequest; span?: AnswerSpan; model: string | null } = {
      model: generation.ref.model,
    };
    try {
      const { signal } = generation;
      const { info, request, ask } = await this.patience.during(
        () => this.contexts.of(generation.ref),
        { what: 'a question', signal },
      );
      const span = AnswerSpan.start(generation.ref.rootChatId, info, request.model);
      Object.assign(asking, { request, span, model: info.id });
      const end = await this.listen(generation, ask(signal));
      span.complete(end);
      const usage = timed(usageOf(end), generation);
      // The provider gave no other reason.
      const error = end.finishReason === 'error' ? reasonTold(endedEarly()) : null;
      const parts = generation.log.parts;
      return { status: error ? 'failed' : 'complete', parts, model: end.model, usage, error };
    } catch (error) {
      const ending = generation.cut
        ? cutShort(generation, generation.cut, asking.request)
        : this.failed(generation, error, asking.request);
      asking.span?.fail(ending.error?.code ?? ending.status);
      return { ...ending, model: asking.model };
    } finally {
      asking.span?.end(generation.firstPieceMs);
    }
  }

  /** What was said before is kept and counted. */
  private failed(
    generation: RunningAnswer,
    error: unknown,
    request: ModelRequest | undefined,
  ): AnswerOutcome {
    // Not cut short by anybody and aborted all the same: it was ended elsewhere, and nobody will
    // read this.
    const reason = generation.signal.aborted ? LOST : this.reasonOf(error);
    const told = error instanceof ModelError ? error.usage : undefined;
    const kept = keptOf(generation, request);
    const usage = told ? timed(told, generation) : kept.usage;
    return { ...kept, status: 'failed', model: null, usage, error: reason };
  }

  private async listen(
    generation: RunningAnswer,
    parts: AsyncIterable<ModelPart>,
  ): Promise<Extract<ModelPart, { type: 'end' }>> {
    for await (const part of parts) {
      if (part.type === 'end') return part;
      this.hub.say(generation, pieceOf(part));
    }
    throw new Error('the model ended its stream without an end');
  }

  /** After the patience the lease ends, and with it the answer. */
  private store(generation: RunningAnswer, ending: AnswerOutcome): Promise<StoredEnd | null> {
    const { ref } = generation;
    const question = { pair: { ...ref.question, seq: ref.seq }, forkSeq: ref.forkSeq };
    return this.patience.during(() => this.ends.end(ref, ending, { question }), {
      what: 'the end of an answer',
      always: true,
    });
  }

  private reasonOf(error: unknown): AnswerError {
    if (error instanceof ModelError) return reasonTold(error);
    if (error instanceof Problem) {
      const { code, status } = error.kind;
      return {
        code,
        message: status === 503 ? `The model was not asked: ${error.message}` : error.message,
      };
    }
    this.logger.error({
      message: 'model failed',
      cause: error instanceof Error ? error.stack : String(error),
    });
    return { code: 'model_failed', message: 'The model could not answer. Try again.' };
  }
}

const usageOf = ({ usage, finishReason }: Extract<ModelPart, { type: 'end' }>): AnswerUsage =>
  finishReason === 'stop' ? usage : { ...usage, finish_reason: finishReason };

const reasonTold = ({ code, message }: ModelError): AnswerError => ({ code, message });

function pieceOf(part: Exclude<ModelPart, { type: 'end' }>): string | PartPiece {
  if (part.type === 'delta') return part.text;
  if (part.type === 'reasoning') return { type: 'reasoning', delta: part.text };
  if (part.type === 'part') return part.part;
  return { type: 'tool_call', call_id: part.call_id, name: part.name, delta: part.delta };
}

const cutShort = (
  generation: RunningAnswer,
  status: Cut,
  request: ModelRequest | undefined,
): AnswerOutcome => ({ ...keptOf(generation, request), status, model: null, error: null });

/** What is there is kept, and counted. */
function keptOf(
  generation: RunningAnswer,
  request: ModelRequest | undefined,
): Pick<AnswerOutcome, 'parts' | 'usage'> {
  const { parts, bytes } = generation.log;
  const usage = bytes > 0 ? usageByBytes(request?.messages ?? [], bytes) : null;
  return { parts, usage: usage && timed(usage, generation) };
}

const timed = (usage: AnswerUsage, { firstPieceMs }: RunningAnswer): AnswerUsage =>
  firstPieceMs === undefined ? usage : { ...usage, first_token_ms: firstPieceMs };
