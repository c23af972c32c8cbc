import { Injectable } from '@nestjs/common';
import { problems } from '../../common/problems.js';
import { fitsWindow } from '../../llm/context-window.js';
import {
  LanguageModel,
  type ModelPart,
  type ModelRequest,
  stopped,
  type Usage,
} from '../../llm/language-model.js';
import { TokenCounter } from '../../llm/token-counter.js';
import { bytesOf, usageByBytes } from '../../llm/usage-estimate.js';
import { requestDeadline } from '../../runtime/deadline.js';
import { Quotas } from '../answer/quotas.service.js';
import { modelProblem } from './model-problem.js';

/** An answer that has begun. */
export interface Begun {
  /** The model that answers. */
  model: string;
  parts: AsyncIterable<ModelPart>;
}

/**
 * Answers of models that are kept nowhere: they end when their reader leaves. What they take counts
 * all the same.
 */
@Injectable()
export class DirectAnswers {
  /** Answers on their way at this instance, by account. */
  private readonly running = new Map<string, number>();

  constructor(
    private readonly model: LanguageModel,
    private readonly quotas: Quotas,
    private readonly tokens: TokenCounter,
  ) {}

  /**
   * The one way to a model: what an account may use is looked at before, and what it used is
   * counted behind. Comes back with the first word. The context is the client's: where it is too
   * long it is refused, and not cut.
   * @param field that has the context @param signal aborts when the client has gone
   * @throws model_not_found, context_length_exceeded, too_many_answers, tokens_spent, and what
   * `modelProblem` makes of a failure
   */
  async begin(
    accountId: string,
    asked: ModelRequest,
    field: string,
    signal: AbortSignal,
  ): Promise<Begun> {
    try {
      const info = this.model.find(asked.model);
      const request = { ...asked, model: info.id };
      if (!(await fitsWindow(request.messages, info, this.tokens.count)))
        throw problems.contextTooLong({ errors: [tooLong(field, info.contextTokens)] });
      const parts = await this.admit(accountId, request, signal);
      return { model: info.id, parts: await afterFirst(parts, signal) };
    } catch (error) {
      throw modelProblem(error);
    }
  }

  /** @throws too_many_answers, tokens_spent */
  private async admit(
    accountId: string,
    request: ModelRequest,
    signal: AbortSignal,
  ): Promise<AsyncIterable<ModelPart>> {
    const before = this.running.get(accountId) ?? 0;
    this.running.set(accountId, before + 1);
    try {
      // Answers of this route have no rows that would be counted.
      await this.quotas.check(accountId, before + 1);
      return this.counted(accountId, request, signal);
    } catch (error) {
      this.leave(accountId);
      throw error;
    }
  }

  /** The answer, after whose end, however it comes, its tokens are counted. Has to be read. */
  private async *counted(
    accountId: string,
    request: ModelRequest,
    signal: AbortSignal,
  ): AsyncGenerator<ModelPart> {
    let usage: Usage | null = null;
    let bytes = 0;
    requestDeadline()?.lift();
    try {
      for await (const part of this.model.stream(request, signal)) {
        if (part.type === 'end') usage = part.usage;
        else bytes += bytesOf(part);
        yield part;
      }
    } finally {
      this.leave(accountId);
      if (usage || bytes > 0)
        await this.quotas.spend(accountId, usage ?? usageByBytes(request.messages, bytes));
    }
  }

  private leave(accountId: string): void {
    const left = this.running.get(accountId)! - 1;
    if (left === 0) this.running.delete(accountId);
    else this.running.set(accountId, left);
  }
}

const tooLong = (path: string, tokens: number): { path: string; message: string } => ({
  path,
  message: `are longer than the ${tokens} tokens that this model can read`,
});

/** The same parts, once the first of them is there. @throws what is thrown before it */
async function afterFirst(
  parts: AsyncIterable<ModelPart>,
  signal: AbortSignal,
): Promise<AsyncIterable<ModelPart>> {
  const iterator = parts[Symbol.asyncIterator]();
  const first = await iterator.next();
  if (signal.aborted) {
    await iterator.return?.();
    throw stopped();
  }
  return (async function* () {
    try {
      for (let at = first; !at.done; at = await iterator.next()) yield at.value;
    } finally {
      await iterator.return?.();
    }
  })();
}
