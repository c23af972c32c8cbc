/** One message of what a model is asked. */
export interface ModelMessage {
  role: 'system' | 'user' | 'assistant';
  content: string;
}

/** What is asked. Context is exactly the path of one branch: never a sibling's words. */
export interface ModelRequest {
  /**
   * Name as clients say it: `model` of a provider, or `provider/model`; the default (LLM_MODEL)
   * when null.
   */
  model: string | null;
  /**
   * In order; a system message only as the first. The last one is what is to be answered. The
   * caller cuts them with `fitToWindow`.
   */
  messages: readonly ModelMessage[];
  /** How long the answer may become; the model's own limit when absent. */
  maxOutputTokens?: number;
  /** 0 is the most sober. */
  temperature?: number;
  /** Share of the likeliest words that are drawn from, 0 to 1. */
  topP?: number;
  /** Texts that end the answer before they are said. */
  stop?: readonly string[];
}

export interface Usage {
  input_tokens: number;
  output_tokens: number;
}

/** `length`: cut at a limit, of the model or of ours. */
export type FinishReason = 'stop' | 'length' | 'content_filter';

/**
 * What a stream gives: pieces of the answer (never empty), and last how it ended. `model` is the
 * one that answered.
 */
export type ModelPart =
  | { type: 'delta'; text: string }
  | { type: 'end'; model: string; finishReason: FinishReason; usage: Usage };

/** A model that can be asked. */
export interface ModelInfo {
  /** As clients say it. */
  id: string;
  /** Name of the provider, as it was configured. */
  provider: string;
  /** Size of its window: question, context and answer together. */
  contextTokens: number;
  /** What is kept free of the window for the answer. */
  outputTokens: number;
}

/**
 * Thrown by a model that cannot answer. The question is stored all the same, with this as its
 * `error`: the message is for people, and says nothing of addresses, keys or what a provider wrote.
 */
export class ModelError extends Error {
  constructor(
    readonly code: string,
    message: string,
  ) {
    super(message);
    this.name = 'ModelError';
  }
}

/** The port to models. */
export abstract class LanguageModel {
  /** All models that can be asked, the default first. */
  abstract models(): readonly ModelInfo[];

  /** The model of that name; the default for null. @throws ModelError model_unknown */
  abstract find(model: string | null): ModelInfo;

  /**
   * Streams an answer: deltas, then exactly one `end`. Leaving the iteration ends the call to the
   * provider.
   * @throws ModelError when the model cannot answer; an `AbortError` when `signal` aborts.
   */
  abstract stream(request: ModelRequest, signal: AbortSignal): AsyncIterable<ModelPart>;
}

/** What a model throws when it was stopped. */
export const stopped = (): Error => new DOMException('The answer was stopped.', 'AbortError');
