import type {
  FilePart,
  ReasoningPart,
  ResponsePart,
  TextPart,
  ToolCallPart,
  ToolResultPart,
} from '../tree/parts.js';
import type { TextFormat } from './settings.js';

/**
 * One message of what a model is asked. A text alone may stand as what it is; `file_id` of files is
 * of the account whose question it is. `name` is that of who speaks, where somebody says it and it
 * is one that providers take (`isSpeakerName`).
 */
export type ModelMessage =
  | { role: 'system'; content: string; name?: string }
  | { role: 'user'; content: string | readonly (TextPart | FilePart)[]; name?: string }
  | {
      role: 'assistant';
      content: string | readonly (TextPart | ReasoningPart | ToolCallPart | FilePart)[];
      name?: string;
    }
  | { role: 'tool'; content: readonly NamedResult[] };

/** A result with the name of its tool, which some providers ask for. */
export type NamedResult = ToolResultPart & { name: string };

/** A file as it is; `media_type` is what its bytes are. */
export interface FileBytes {
  data: Uint8Array;
  media_type: string;
}

/** Gives the bytes of a file of the account that asks; null where it is not there. */
export type ReadFile = (file: FilePart) => Promise<FileBytes | null>;

/** A tool that the model may call; the client runs it. */
export interface ModelTool {
  name: string;
  description?: string;
  /** A JSON schema of its input. */
  parameters: Record<string, unknown>;
  strict?: boolean;
}

/** What is asked. Context is exactly the path of one branch: never a sibling's words. */
export interface ModelRequest {
  /**
   * Name as clients say it: `model` of a provider, or `provider/model`; the default (LLM_MODEL)
   * when null.
   */
  model: string | null;
  /** In order. The caller cuts them with `fitToWindow`. */
  messages: readonly ModelMessage[];
  /** For files with a `file_id`; without it the model is told of their names alone. */
  readFile?: ReadFile;
  /** How long the answer may become; the model's own limit when absent. */
  maxOutputTokens?: number;
  /** 0 is the most sober. */
  temperature?: number;
  /** Share of the likeliest words that are drawn from, 0 to 1. */
  topP?: number;
  /** Texts that end the answer before they are said. */
  stop?: readonly string[];
  seed?: number;
  presencePenalty?: number;
  frequencyPenalty?: number;
  tools?: readonly ModelTool[];
  /** Of no meaning without tools. */
  toolChoice?: 'auto' | 'none' | 'required' | { name: string };
  parallelToolCalls?: boolean;
  /** Plain text when absent. */
  format?: Exclude<TextFormat, { type: 'text' }>;
  reasoningEffort?: string;
  verbosity?: string;
  /** Further fields of the request, in the provider's own words. */
  more?: Readonly<Record<string, unknown>>;
}

/** What the provider did not say is absent. */
export interface Usage {
  input_tokens: number;
  /** Of the input, those that the provider had read before. */
  cached_tokens?: number;
  output_tokens: number;
  /** Of the output, those that nobody reads. */
  reasoning_tokens?: number;
}

/**
 * `length`: cut at a limit, of the model or of ours. `error`: the provider says that it broke off.
 * `other`: it says something that nobody here knows.
 */
export type FinishReason = 'stop' | 'length' | 'content_filter' | 'tool_calls' | 'error' | 'other';

/**
 * What a stream gives: pieces of the answer (never empty), and last how it ended. Thoughts and
 * calls come as they grow (`reasoning`, `tool_input`), and whole when they are done (`part`); text
 * comes as `delta` alone, and what comes between two of them parts it. `model` is the one that
 * answered.
 */
export type ModelPart =
  | { type: 'delta'; text: string }
  | { type: 'reasoning'; text: string }
  | { type: 'tool_input'; call_id: string; name: string; delta: string }
  | { type: 'part'; part: ResponsePart }
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
  /** What was used up before it, where anything was. */
  usage?: Usage;

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
   * Streams an answer: its pieces, then exactly one `end`. Leaving the iteration ends the call to
   * the provider.
   * @throws ModelError when the model cannot answer; an `AbortError` when `signal` aborts.
   */
  abstract stream(request: ModelRequest, signal: AbortSignal): AsyncIterable<ModelPart>;
}

/** What a model throws when it was stopped. */
export const stopped = (): Error => new DOMException('The answer was stopped.', 'AbortError');

/** The words of a message; none of its files, thoughts and calls. */
export function textOfMessage({ content }: ModelMessage): string {
  if (typeof content === 'string') return content;
  return content.map((part) => (part.type === 'text' ? part.text : '')).join('\n');
}
