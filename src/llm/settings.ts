import type { ModelRequest, ModelTool } from './language-model.js';

/** A function of the client's, as OpenAI's Responses has it. */
export interface FunctionTool {
  type: 'function';
  name: string;
  description?: string | null;
  /** A JSON schema. */
  parameters?: Record<string, unknown> | null;
  strict?: boolean | null;
}

export type ToolChoice =
  | 'auto'
  | 'none'
  | 'required'
  | { type: 'function'; name: string }
  | {
      type: 'allowed_tools';
      mode: 'auto' | 'required';
      tools: readonly { type: 'function'; name: string }[];
    };

/** As `text.format` of OpenAI's Responses. */
export type TextFormat =
  | { type: 'text' }
  | { type: 'json_object' }
  | {
      type: 'json_schema';
      name: string;
      description?: string | null;
      schema: Record<string, unknown>;
      strict?: boolean | null;
    };

/**
 * How an answer is asked for. It is kept with the pair, in the words of OpenAI's Responses, and a
 * retry asks with it again.
 */
export interface AnswerSettings {
  /** In the place of the chat's system prompt; of this answer alone. */
  instructions?: string;
  tools?: readonly FunctionTool[];
  tool_choice?: ToolChoice;
  format?: TextFormat;
  reasoning?: { effort?: string | null; summary?: string | null };
  /** 0 is the most sober. */
  temperature?: number;
  /** Share of the likeliest words that are drawn from, 0 to 1. */
  top_p?: number;
  max_output_tokens?: number;
  /** Texts that end the answer before they are said. */
  stop?: readonly string[];
  seed?: number;
  presence_penalty?: number;
  frequency_penalty?: number;
  parallel_tool_calls?: boolean;
  max_tool_calls?: number;
  /** `disabled`: a context that is too long is refused, and not cut. */
  truncation?: 'auto' | 'disabled';
  verbosity?: string;
  /** The client's notes to the request. */
  metadata?: Record<string, string>;
  /** Further fields, which the provider alone may know. */
  more?: Readonly<Record<string, unknown>>;
}

/** What of the settings a model is told. */
export function requestOf(settings: AnswerSettings): Omit<ModelRequest, 'model' | 'messages'> {
  const { tools, toolChoice } = toolsOf(settings);
  const { format } = settings;
  return given({
    maxOutputTokens: settings.max_output_tokens,
    temperature: settings.temperature,
    topP: settings.top_p,
    stop: settings.stop,
    seed: settings.seed,
    presencePenalty: settings.presence_penalty,
    frequencyPenalty: settings.frequency_penalty,
    parallelToolCalls: settings.parallel_tool_calls,
    reasoningEffort: settings.reasoning?.effort ?? undefined,
    verbosity: settings.verbosity,
    format: format?.type === 'text' ? undefined : format,
    tools,
    toolChoice,
    more: settings.more,
  });
}

/** Of the tools that are allowed alone the others are not told: providers know no such choice. */
function toolsOf({ tools = [], tool_choice: choice }: AnswerSettings): {
  tools?: readonly ModelTool[];
  toolChoice?: ModelRequest['toolChoice'];
} {
  if (tools.length === 0) return {};
  const told = tools.map(toolOf);
  if (choice === undefined || typeof choice === 'string')
    return { tools: told, toolChoice: choice };
  if (choice.type === 'function') return { tools: told, toolChoice: { name: choice.name } };
  const allowed = new Set(choice.tools.map(({ name }) => name));
  return { tools: told.filter(({ name }) => allowed.has(name)), toolChoice: choice.mode };
}

const toolOf = ({ name, description, parameters, strict }: FunctionTool): ModelTool => ({
  name,
  ...(description != null && { description }),
  parameters: parameters ?? { type: 'object', properties: {} },
  ...(strict != null && { strict }),
});

/** The fields that are there. */
const given = <Fields extends object>(fields: Fields): Fields =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as Fields;
