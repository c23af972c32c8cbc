import {
  createOpenAICompatible,
  type OpenAICompatibleProviderSettings,
} from '@ai-sdk/openai-compatible';
import { Logger } from '@nestjs/common';
import type { Provider } from '../config/providers.js';
import { type ListedModel, Catalogue } from './catalogue.js';
import {
  LanguageModel,
  ModelError,
  type FinishReason,
  type ModelInfo,
  type ModelMessage,
  type ModelPart,
  type ModelRequest,
  stopped,
  type Usage,
} from './language-model.js';
import { countedText, fileTokensOf } from './message-size.js';
import { type Limits, Patience } from './patience.js';
import { ProviderAnswer } from './provider-answer.js';
import { brokenOff, faultOf, ProviderFault } from './provider-faults.js';
import { providerFetch } from './provider-fetch.js';
import { wireMessages } from './provider-prompt.js';
import type { CallOptions, ProviderPart } from './provider-types.js';
import { ProviderWire } from './provider-wire.js';
import type { CountTokens } from './token-counter.js';
import { usageByBytes } from './usage-estimate.js';

/** One call of a provider. */
interface Call {
  listing: ListedModel;
  request: ModelRequest;
  patience: Patience;
  wire: ProviderWire;
  answer: ProviderAnswer;
}

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
    const wire = new ProviderWire();
    const call = { listing, request, patience, wire, answer: new ProviderAnswer(wire) };
    try {
      yield* this.answerOf(call);
    } catch (error) {
      if (signal.aborted) throw stopped();
      throw await this.told(patience.fault ?? faultOf(error), call);
    } finally {
      patience.end();
    }
  }

  private async *answerOf(call: Call): AsyncGenerator<ModelPart> {
    const { listing, wire, answer } = call;
    for await (const part of saidBy(call)) {
      yield* answer.hear(part);
      if (answer.isFull) break;
    }
    if (!answer.isFull && wire.fault) throw wire.fault;
    yield* answer.end();
    const finishReason = reasonOf(wire, answer);
    yield { type: 'end', model: listing.info.id, finishReason, usage: await this.usageOf(call) };
  }

  private async told(
    error: unknown,
    call: Pick<Call, 'listing' | 'request' | 'wire' | 'answer'>,
  ): Promise<unknown> {
    if (!(error instanceof ModelError)) return error;
    const { info, provider } = call.listing;
    const details = error instanceof ProviderFault ? error.details : {};
    this.logger.warn({
      message: 'a model did not answer',
      model: info.id,
      provider: provider.name,
      code: error.code,
      ...details,
    });
    if (call.answer.said !== '' || call.wire.usage) error.usage = await this.usageOf(call);
    return error;
  }

  /**
   * As the provider counted; by our own tokenizer what it did not count, or where we did not let it
   * end; by the bytes where that cannot be had.
   */
  private async usageOf({
    request: { messages },
    wire,
    answer: { said },
  }: Pick<Call, 'request' | 'wire' | 'answer'>): Promise<Usage> {
    const told = wire.usage ?? {};
    const cached = detailOf(told.prompt_tokens_details, 'cached_tokens');
    const thought = detailOf(told.completion_tokens_details, 'reasoning_tokens');
    const [input, output] = [countIn(told.prompt_tokens), countIn(told.completion_tokens)];
    const own = input === null || output === null ? await this.counted(messages, said) : null;
    return {
      input_tokens: input ?? own!.input_tokens,
      ...(cached !== null && { cached_tokens: cached }),
      output_tokens: output ?? own!.output_tokens,
      ...(thought !== null && { reasoning_tokens: thought }),
    };
  }

  private async counted(messages: readonly ModelMessage[], said: string): Promise<Usage> {
    const tokens = await this.count([said, ...messages.map(countedText)]);
    if (!tokens) return usageByBytes(messages, Buffer.byteLength(said));
    const [output, ...read] = tokens;
    const files = messages.reduce((sum, message) => sum + fileTokensOf(message), 0);
    return { input_tokens: read.reduce((sum, one) => sum + one, files), output_tokens: output! };
  }
}

const countIn = (value: unknown): number | null =>
  Number.isSafeInteger(value) && (value as number) >= 0 ? (value as number) : null;
const detailOf = (details: unknown, name: string): number | null =>
  countIn((details as Record<string, unknown> | null | undefined)?.[name]);

/** With these a model begins to say something. */
const WORDS: readonly string[] = ['text-delta', 'reasoning-delta', 'tool-input-start'];

/** What the provider says, to its end in order or not. */
async function* saidBy({ listing, request, patience, wire }: Call): AsyncGenerator<ProviderPart> {
  const { provider, name } = listing;
  const { messages, readFile = () => Promise.resolve(null) } = request;
  const told = await wireMessages(messages, readFile);
  const model = createOpenAICompatible({
    ...settingsOf(provider, request, told),
    fetch: providerFetch(wire),
  }).chatModel(name);
  const options = optionsOf(request, patience.signal);
  const { stream } = await patience.hear(() => model.doStream(options));
  const reader = stream.getReader();
  for (;;) {
    const { done, value: part } = await patience.hear(() => reader.read());
    if (done || part.type === 'finish') return;
    if (part.type === 'error')
      throw wire.fault ?? (part.error instanceof Error ? part.error : brokenOff(part.error));
    if (WORDS.includes(part.type)) patience.begin();
    yield part;
  }
}

/** Words for an end that are known; any other one is `other`. */
const REASONS: Readonly<Record<string, FinishReason>> = {
  stop: 'stop',
  eos: 'stop',
  eos_token: 'stop',
  end_turn: 'stop',
  stop_sequence: 'stop',
  length: 'length',
  max_tokens: 'length',
  content_filter: 'content_filter',
  tool_calls: 'tool_calls',
  function_call: 'tool_calls',
  tool_use: 'tool_calls',
  error: 'error',
};

function reasonOf({ finishReason }: ProviderWire, answer: ProviderAnswer): FinishReason {
  const said = REASONS[finishReason?.toLowerCase() ?? ''] ?? 'other';
  if (!answer.hasWords) throw nothingSaid(said);
  if (answer.isFull) return 'length';
  return said === 'stop' && answer.hasCalls ? 'tool_calls' : said;
}

function nothingSaid(reason: FinishReason): ModelError {
  if (reason === 'error') return brokenOff(null);
  if (reason === 'content_filter')
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

function settingsOf(
  { name, baseUrl, apiKey }: Provider,
  { parallelToolCalls, more }: ModelRequest,
  messages: readonly object[],
): OpenAICompatibleProviderSettings {
  const isOpenAi = new URL(baseUrl).hostname === 'api.openai.com';
  return {
    name,
    baseURL: baseUrl,
    includeUsage: true,
    supportsStructuredOutputs: true,
    ...(apiKey !== null && { apiKey }),
    transformRequestBody: (body) => ({
      ...(isOpenAi ? newerName(body) : body),
      // The library knows neither names nor details of pictures nor digits nor this field.
      messages,
      ...(parallelToolCalls !== undefined && { parallel_tool_calls: parallelToolCalls }),
      ...more,
    }),
  };
}

/** OpenAI's newer models refuse the older name of this limit, which all others know. */
const newerName = ({ max_tokens, ...body }: Record<string, unknown>): Record<string, unknown> => ({
  ...body,
  max_completion_tokens: max_tokens,
});

function optionsOf(request: ModelRequest, abortSignal: AbortSignal): CallOptions {
  const { stop = [] } = request;
  return {
    // What is told goes behind the library (`settingsOf`).
    prompt: [],
    abortSignal,
    maxOutputTokens: request.maxOutputTokens,
    temperature: request.temperature,
    topP: request.topP,
    seed: request.seed,
    presencePenalty: request.presencePenalty,
    frequencyPenalty: request.frequencyPenalty,
    ...(stop.length > 0 && { stopSequences: [...stop] }),
    ...toolsOf(request),
    ...formatOf(request),
  };
}

function toolsOf({ tools = [], toolChoice: choice }: ModelRequest): Partial<CallOptions> {
  if (tools.length === 0) return {};
  return {
    tools: tools.map(({ parameters: inputSchema, ...tool }) => ({
      type: 'function',
      ...tool,
      inputSchema,
    })),
    ...(choice !== undefined && {
      toolChoice:
        typeof choice === 'string' ? { type: choice } : { type: 'tool', toolName: choice.name },
    }),
  };
}

function formatOf({ format, reasoningEffort, verbosity }: ModelRequest): Partial<CallOptions> {
  const isSchema = format?.type === 'json_schema';
  const options = {
    ...(reasoningEffort !== undefined && { reasoningEffort }),
    ...(verbosity !== undefined && { textVerbosity: verbosity }),
    // The library would be strict where nothing is said, OpenAI is not.
    ...(isSchema && { strictJsonSchema: format.strict ?? false }),
  };
  return {
    providerOptions: { openaiCompatible: options },
    ...(format && {
      responseFormat: {
        type: 'json',
        ...(isSchema && {
          schema: format.schema,
          name: format.name,
          ...(format.description != null && { description: format.description }),
        }),
      },
    }),
  };
}
