import { Injectable } from '@nestjs/common';
import { problems } from '../../common/problems.js';
import { Config } from '../../config/config.js';
import { fitsWindow } from '../../llm/context-window.js';
import { fitFiles } from '../../llm/file-budget.js';
import {
  LanguageModel,
  type ModelPart,
  type ModelRequest,
  type Usage,
} from '../../llm/language-model.js';
import { TokenCounter } from '../../llm/token-counter.js';
import { bytesOf, usageByBytes } from '../../llm/usage-estimate.js';
import { requestDeadline } from '../../runtime/deadline.js';
import type { FilePart } from '../../tree/parts.js';
import { Files } from '../file/files.service.js';
import { Quotas } from '../usage/quotas.service.js';
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
    private readonly files: Files,
    private readonly config: Config,
  ) {}

  /**
   * The one way to a model: what an account may use is looked at before, and what it used is
   * counted behind. The model is asked when the parts are read. The context is the client's: where
   * it is too long it is refused, and not cut.
   * @param field that has the context @param signal aborts when the client has gone
   * @throws model_not_found, context_length_exceeded, files_too_large, too_many_answers,
   * tokens_spent
   */
  async begin(
    accountId: string,
    asked: ModelRequest,
    field: string,
    signal: AbortSignal,
  ): Promise<Begun> {
    try {
      const info = this.model.find(asked.model);
      const request = {
        ...{ ...asked, model: info.id },
        messages: fitFiles(asked.messages, false, this.config.LLM_FILES_BYTES_MAX),
        readFile: (file: FilePart) => this.files.readForModel(accountId, file),
      };
      if (!(await fitsWindow(request.messages, info, this.tokens.count)))
        throw problems.contextTooLong({ errors: [tooLong(field, info.contextTokens)] });
      return { model: info.id, parts: await this.admit(accountId, request, signal) };
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
    let isIn = true;
    const leave = (): void => {
      if (isIn) this.leave(accountId);
      isIn = false;
    };
    try {
      // Answers of this route have no rows that would be counted.
      await this.quotas.check(accountId, before + 1);
    } catch (error) {
      leave();
      throw error;
    }
    // Whoever goes before the first word was asked for never reads a part.
    signal.addEventListener('abort', leave, { once: true });
    requestDeadline()?.lift();
    return this.counted(accountId, request, signal, leave);
  }

  /** The answer, after whose end, however it comes, its tokens are counted. */
  private async *counted(
    accountId: string,
    request: ModelRequest,
    signal: AbortSignal,
    leave: () => void,
  ): AsyncGenerator<ModelPart> {
    let usage: Usage | null = null;
    let bytes = 0;
    try {
      for await (const part of this.model.stream(request, signal)) {
        if (part.type === 'end') usage = part.usage;
        else bytes += bytesOf(part);
        yield part;
      }
    } finally {
      leave();
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
