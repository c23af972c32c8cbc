import { Injectable, Logger } from '@nestjs/common';
import { openAiError } from '../../common/openai-error.js';
import { Problem, problems } from '../../common/problems.js';
import { fitsWindow } from '../../llm/context-window.js';
import { LanguageModel, type ModelPart, type ModelRequest, stopped, type Usage } from '../../llm/language-model.js';
import { countTokens } from '../../llm/token-counter.js';
import { Quotas } from '../completion/quotas.service.js';
import { modelMessages } from './chat-messages.js';
import { Chunks, completionOf, type Head, newHead } from './completion-wire.js';
import { modelProblem } from './model-problem.js';
import type { ChatCompletionDto, CreateChatCompletionDto } from './openai.dto.js';

const BYTES_PER_TOKEN = 4;

/** An answer that has begun. */
interface Begun {
  head: Head;
  parts: AsyncIterable<ModelPart>;
}

/** OpenAI's chat completions without state: the context is what the client sends, and nothing is kept. */
@Injectable()
export class CompletionsService {
  private readonly logger = new Logger(CompletionsService.name);

  /** Answers on their way at this instance, by account. */
  private readonly running = new Map<string, number>();

  constructor(
    private readonly model: LanguageModel,
    private readonly quotas: Quotas,
  ) {}

  /** The whole answer. @param signal aborts when the client has gone @throws Problem */
  async complete(accountId: string, body: CreateChatCompletionDto, signal: AbortSignal): Promise<ChatCompletionDto> {
    const { head, parts } = await this.begin(accountId, body, signal);
    let content = '';
    try {
      for await (const part of parts) {
        if (part.type === 'end') return completionOf(head, content, part.finishReason, part.usage);
        content += part.text;
      }
    } catch (error) {
      throw modelProblem(error);
    }
    throw problems.modelFailed();
  }

  /**
   * The answer as server-sent events. A failure before the first word is thrown, so that it has a status of its own; a later one is an
   * event, at which OpenAI's clients throw.
   * @throws Problem
   */
  async stream(accountId: string, body: CreateChatCompletionDto, signal: AbortSignal): Promise<AsyncIterable<string>> {
    const begun = await this.begin(accountId, body, signal);
    return this.chunksOf(begun, body.stream_options?.include_usage === true);
  }

  private async *chunksOf({ head, parts }: Begun, withUsage: boolean): AsyncGenerator<string> {
    const chunks = new Chunks(head, withUsage);
    yield chunks.begin();
    try {
      for await (const part of parts) yield part.type === 'end' ? chunks.end(part.finishReason, part.usage) : chunks.delta(part.text);
    } catch (error) {
      yield `data: ${JSON.stringify(openAiError(this.problemOf(error)))}\n\n`;
    }
  }

  private problemOf(error: unknown): Problem {
    const problem = modelProblem(error);
    if (problem instanceof Problem) return problem;
    this.logger.error({ message: 'an answer broke off', cause: error instanceof Error ? error.stack : String(error) });
    return problems.internal();
  }

  /** The one way to a model: what an account may use is looked at before, and what it used is counted behind. */
  private async begin(accountId: string, body: CreateChatCompletionDto, signal: AbortSignal): Promise<Begun> {
    try {
      const info = this.model.find(body.model);
      const request = requestOf(body, info.id);
      if (!fitsWindow(request.messages, info, countTokens)) throw problems.contextTooLong({ errors: [tooLong(info.contextTokens)] });
      const parts = await this.admit(accountId, request, signal);
      return { head: newHead(info.id), parts: await afterFirst(parts, signal) };
    } catch (error) {
      throw modelProblem(error);
    }
  }

  /** @throws too_many_answers, tokens_spent */
  private async admit(accountId: string, request: ModelRequest, signal: AbortSignal): Promise<AsyncIterable<ModelPart>> {
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
  private async *counted(accountId: string, request: ModelRequest, signal: AbortSignal): AsyncGenerator<ModelPart> {
    let usage: Usage | null = null;
    let bytes = 0;
    try {
      for await (const part of this.model.stream(request, signal)) {
        if (part.type === 'end') usage = part.usage;
        else bytes += Buffer.byteLength(part.text);
        yield part;
      }
    } finally {
      this.leave(accountId);
      if (usage || bytes > 0) await this.spend(accountId, usage ?? estimate(request, bytes));
    }
  }

  private leave(accountId: string): void {
    const left = this.running.get(accountId)! - 1;
    if (left === 0) this.running.delete(accountId);
    else this.running.set(accountId, left);
  }

  /** An answer that is there is given, whether it could be counted or not. */
  private async spend(accountId: string, usage: Usage): Promise<void> {
    try {
      await this.quotas.spend(accountId, usage);
    } catch (error) {
      this.logger.warn({ message: 'tokens were not counted', ...usage, cause: (error as Error).message });
    }
  }
}

const tooLong = (tokens: number): { path: string; message: string } => ({
  path: 'messages',
  message: `are longer than the ${tokens} tokens that this model can read`,
});

function requestOf(
  { messages, max_completion_tokens, max_tokens, temperature, top_p, stop }: CreateChatCompletionDto,
  model: string,
): ModelRequest {
  const limit = max_completion_tokens ?? max_tokens;
  return {
    model,
    messages: modelMessages(messages),
    ...(limit != null && { maxOutputTokens: limit }),
    ...(temperature != null && { temperature }),
    ...(top_p != null && { topP: top_p }),
    ...(stop != null && { stop: [stop].flat() }),
  };
}

/** The same parts, once the first of them is there. @throws what is thrown before it */
async function afterFirst(parts: AsyncIterable<ModelPart>, signal: AbortSignal): Promise<AsyncIterable<ModelPart>> {
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

/** For an answer that was left or broke off the provider tells no numbers. */
const estimate = ({ messages }: ModelRequest, outputBytes: number): Usage => ({
  input_tokens: Math.ceil(messages.reduce((sum, { content }) => sum + Buffer.byteLength(content), 0) / BYTES_PER_TOKEN),
  output_tokens: Math.ceil(outputBytes / BYTES_PER_TOKEN),
});
