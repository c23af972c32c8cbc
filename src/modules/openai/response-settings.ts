import type { CreateResponseDto } from './create-response.dto.js';
import type { AnswerSettings, FunctionTool } from '../../llm/settings.js';
import type { ResponseDto } from './response.dto.js';

/** How an answer was asked for, as it is kept with its pair; what models know is not all of it. */
export interface Settings extends AnswerSettings {
  background?: boolean;
  prompt_cache_key?: string;
  prompt_cache_retention?: string;
  safety_identifier?: string;
  user?: string;
}

/** Fields that are settings under the same name. */
const SAME = [
  'instructions',
  'tools',
  'tool_choice',
  'temperature',
  'top_p',
  'max_output_tokens',
  'seed',
  'presence_penalty',
  'frequency_penalty',
  'parallel_tool_calls',
  'max_tool_calls',
  'truncation',
  'background',
  'prompt_cache_key',
  'prompt_cache_retention',
  'safety_identifier',
  'user',
  'more',
] as const;

/** What a request says of them; nothing where it says nothing. */
export function settingsOf(body: Partial<CreateResponseDto>): Settings {
  const { text, reasoning } = body;
  const { effort, summary, generate_summary: older } = reasoning ?? {};
  const thought = { ...(effort != null && { effort }), ...asSummary(summary ?? older) };
  const same = SAME.filter((field) => body[field] != null && body[field] !== false).map(
    (field) => [field, body[field]] as const,
  );
  return {
    ...(Object.fromEntries(same) as Settings),
    ...(body.parallel_tool_calls === false && { parallel_tool_calls: false }),
    ...(text?.format != null && { format: text.format }),
    ...(text?.verbosity != null && { verbosity: text.verbosity }),
    ...(Object.keys(thought).length > 0 && { reasoning: thought }),
  };
}

const asSummary = (summary: string | null | undefined) => (summary != null ? { summary } : {});

type Echo = Pick<
  ResponseDto,
  | (typeof ECHOED)[number]
  | 'background'
  | 'frequency_penalty'
  | 'parallel_tool_calls'
  | 'presence_penalty'
  | 'reasoning'
  | 'service_tier'
  | 'temperature'
  | 'text'
  | 'tool_choice'
  | 'tools'
  | 'top_logprobs'
  | 'top_p'
>;
const ECHOED = [
  'instructions',
  'max_output_tokens',
  'max_tool_calls',
  'prompt_cache_key',
  'prompt_cache_retention',
  'safety_identifier',
  'user',
] as const;

const USUAL = {
  background: false,
  frequency_penalty: 0,
  parallel_tool_calls: true,
  presence_penalty: 0,
  temperature: 1,
  tool_choice: 'auto',
  top_p: 1,
} as const satisfies Partial<Echo>;

/** The fields of a response that say how it was asked for; what was not set is OpenAI's default. */
export function echoOf(settings: Settings): Echo {
  const { format, verbosity, reasoning, tools } = settings;
  const echoed = (fields: readonly (keyof Settings)[], usual: object = {}): object =>
    Object.fromEntries(
      fields.map((field) => [field, settings[field] ?? (usual as Settings)[field] ?? null]),
    );
  return {
    ...(echoed(ECHOED) as Pick<Echo, (typeof ECHOED)[number]>),
    ...(echoed(Object.keys(USUAL) as (keyof typeof USUAL)[], USUAL) as Pick<
      Echo,
      keyof typeof USUAL
    >),
    reasoning: reasoning
      ? { effort: reasoning.effort ?? null, summary: reasoning.summary ?? null }
      : null,
    service_tier: 'default',
    text: { format: format ?? { type: 'text' }, ...(verbosity && { verbosity }) },
    tools: (tools ?? []).map(wholeTool),
    top_logprobs: 0,
  };
}

/** Clients want all fields of a tool. */
const wholeTool = (tool: FunctionTool): object => ({
  description: null,
  parameters: null,
  strict: null,
  ...tool,
});
