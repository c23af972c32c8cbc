import {
  createOpenAICompatible,
  type OpenAICompatibleProviderSettings,
} from '@ai-sdk/openai-compatible';
import { Logger } from '@nestjs/common';
import type { Provider } from '../config/providers.js';
import { type Listing, Catalogue } from './catalogue.js';
import { CleanText, cutToBytes } from './clean-text.js';
import {
  LanguageModel,
  ModelError,
  type FinishReason,
  type ModelInfo,
  type ModelMessage,
  type ModelPart,
  type ModelRequest,
  stopped,
  textOfMessage,
  type Usage,
} from './language-model.js';
import { countedText } from './message-size.js';
import { type Limits, Patience } from './patience.js';
import { brokenOff, endedEarly, faultOf, ProviderFault } from './provider-faults.js';
import { Gate, providerFetch } from './provider-fetch.js';
import type { CountTokens } from './token-counter.js';
import { usageByBytes } from './usage-estimate.js';

/** The contract's limit for a response, in bytes of UTF-8. */
export const ANSWER_BYTES_MAX = 256 * 1024;

type ChatModel = ReturnType<ReturnType<typeof createOpenAICompatible>['chatModel']>;
type CallOptions = Parameters<ChatModel['doStream']>[0];
type ProviderPart =
  Awaited<ReturnType<ChatModel['doStream']>>['stream'] extends ReadableStream<infer Part>
    ? Part
    : never;
type ProviderText = Extract<ProviderPart, { type: 'text-delta' }>;
type ProviderEnd = Extract<ProviderPart, { type: 'finish' }>;

/** The models of OpenAI-compatible providers. Nothing is tried twice: who asked decides that. */
export class ProviderModels extends LanguageModel {
  private readonly logger = new Logger(ProviderModels.name);

  constructor(
    private readonly catalogue: Catalogue,
    private readonly limits: Limits,
    private readonly count: CountTokens,
  ) {
    super();
  }

  models(): readonly ModelInfo[] {
    return this.catalogue.models;
  }

  find(model: string | null): ModelInfo {
    return this.catalogue.find(model).info;
  }

  async *stream(request: ModelRequest, signal: AbortSignal): AsyncGenerator<ModelPart> {
    const listing = this.catalogue.find(request.model);
    const patience = new Patience(this.limits, signal);
    try {
      yield* answerOf(listing, request, patience, this.count);
    } catch (error) {
      if (signal.aborted) throw stopped();
      throw this.told(patience.fault ?? faultOf(error), listing);
    } finally {
      patience.end();
    }
  }

  private told(error: unknown, { info, provider }: Listing): unknown {
    if (!(error instanceof ModelError)) return error;
    const details = error instanceof ProviderFault ? error.details : {};
    this.logger.warn({
      message: 'a model did not answer',
      model: info.id,
      provider: provider.name,
      code: error.code,
      ...details,
    });
    return error;
  }
}

async function* answerOf(
  listing: Listing,
  request: ModelRequest,
  patience: Patience,
  count: CountTokens,
): AsyncGenerator<ModelPart> {
  const answer = new AnswerText();
  let end: ProviderEnd | null = null;
  for await (const part of saidBy(listing, request, patience)) {
    if (part.type === 'finish') end = part;
    const text = part.type === 'finish' ? answer.end() : answer.push(part.delta);
    if (text !== '') yield { type: 'delta', text };
    if (answer.isFull) break;
  }
  const finishReason = reasonOf(end, answer);
  yield {
    type: 'end',
    model: listing.info.id,
    finishReason,
    usage: await usageOf(end, request.messages, answer.text, count),
  };
}

/** What the provider says: pieces of text, and last its end. */
async function* saidBy(
  { provider, name }: Listing,
  request: ModelRequest,
  patience: Patience,
): AsyncGenerator<ProviderText | ProviderEnd> {
  const gate = new Gate();
  const model = createOpenAICompatible({
    ...settingsOf(provider),
    fetch: providerFetch(gate),
  }).chatModel(name);
  const { stream } = await patience.hear(() => model.doStream(optionsOf(request, patience.signal)));
  const reader = stream.getReader();
  for (;;) {
    const { done, value: part } = await patience.hear(() => reader.read());
    if (done) throw endedEarly();
    gate.understood();
    if (part.type === 'error')
      throw part.error instanceof Error ? part.error : brokenOff(part.error);
    if (part.type === 'text-delta' || part.type === 'reasoning-delta') patience.begin();
    if (part.type === 'finish') return yield part;
    if (part.type === 'text-delta') yield part;
  }
}

/** What was said so far, clean and not above the limit. */
class AnswerText {
  text = '';
  isFull = false;
  private bytes = 0;
  private readonly cleaner = new CleanText();

  push(delta: string): string {
    return this.take(this.cleaner.push(delta));
  }

  end(): string {
    return this.take(this.cleaner.end());
  }

  private take(clean: string): string {
    const fits = cutToBytes(clean, ANSWER_BYTES_MAX - this.bytes);
    this.isFull ||= fits.length < clean.length;
    this.bytes += Buffer.byteLength(fits);
    this.text += fits;
    return fits;
  }
}

function reasonOf(end: ProviderEnd | null, { text, isFull }: AnswerText): FinishReason {
  const said = end?.finishReason.unified;
  if (text.trim() === '') throw nothingSaid(said);
  if (isFull || said === 'length') return 'length';
  return said === 'content-filter' ? 'content_filter' : 'stop';
}

function nothingSaid(reason: string | undefined): ModelError {
  if (reason === 'content-filter')
    return new ModelError(
      'answer_filtered',
      'The provider’s filter kept the whole answer back. Ask otherwise.',
    );
  if (reason === 'length')
    return new ModelError(
      'answer_empty',
      'The model used up its room for the answer before it said a word. Try again.',
    );
  return new ModelError('answer_empty', 'The model answered nothing. Try again.');
}

/**
 * As the provider counted; by our own tokenizer where it did not, or where we did not let it end;
 * by the bytes where that cannot be had.
 */
async function usageOf(
  end: ProviderEnd | null,
  messages: readonly ModelMessage[],
  text: string,
  count: CountTokens,
): Promise<Usage> {
  const input = end?.usage.inputTokens.total;
  const output = end?.usage.outputTokens.total;
  if (isCount(input) && isCount(output)) return { input_tokens: input, output_tokens: output };
  const texts = [text, ...messages.map(countedText)];
  const tokens = await count(texts);
  if (!tokens) return usageByBytes(messages, Buffer.byteLength(text));
  const [said, ...read] = tokens;
  return { input_tokens: read.reduce((sum, one) => sum + one, 0), output_tokens: said! };
}

const isCount = (value: unknown): value is number =>
  Number.isSafeInteger(value) && (value as number) >= 0;

function settingsOf({ name, baseUrl, apiKey }: Provider): OpenAICompatibleProviderSettings {
  return {
    name,
    baseURL: baseUrl,
    includeUsage: true,
    ...(apiKey !== null && { apiKey }),
    ...(new URL(baseUrl).hostname === 'api.openai.com' && { transformRequestBody: newerName }),
  };
}

/** OpenAI's newer models refuse the older name of this limit, which all others know. */
const newerName = ({ max_tokens, ...body }: Record<string, unknown>): Record<string, unknown> => ({
  ...body,
  max_completion_tokens: max_tokens,
});

function optionsOf(
  { messages, maxOutputTokens, temperature, topP, stop }: ModelRequest,
  abortSignal: AbortSignal,
): CallOptions {
  return {
    prompt: messages.map(promptMessage),
    abortSignal,
    ...(maxOutputTokens !== undefined && { maxOutputTokens }),
    ...(temperature !== undefined && { temperature }),
    ...(topP !== undefined && { topP }),
    ...(stop !== undefined && stop.length > 0 && { stopSequences: [...stop] }),
  };
}

function promptMessage(message: ModelMessage): CallOptions['prompt'][number] {
  const content = textOfMessage(message);
  return message.role === 'system'
    ? { role: message.role, content }
    : {
        role: message.role === 'tool' ? 'user' : message.role,
        content: [{ type: 'text', text: content }],
      };
}
