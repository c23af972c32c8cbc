import type { AnswerSettings, TextFormat, ToolChoice } from '../../llm/settings.js';
import type { CreateChatCompletionDto } from './openai.dto.js';
import { functionsIn } from './tool-fields.js';

/** Fields that are settings under the same name. */
const SAME = [
  'temperature',
  'top_p',
  'seed',
  'presence_penalty',
  'frequency_penalty',
  'parallel_tool_calls',
  'verbosity',
] as const;
/** What the provider alone is told, in these very words. */
const TOLD = [
  'user',
  'safety_identifier',
  'prompt_cache_key',
  'prompt_cache_retention',
  'metadata',
] as const;

const given = <Field extends keyof CreateChatCompletionDto>(
  body: CreateChatCompletionDto,
  fields: readonly Field[],
) =>
  Object.fromEntries(
    fields.filter((field) => body[field] != null).map((field) => [field, body[field]]),
  ) as Pick<CreateChatCompletionDto, Field>;

/** How the answer is asked for, in the words of responses. */
export function settingsOf(body: CreateChatCompletionDto): AnswerSettings {
  const { tools, tool_choice, response_format: format, reasoning_effort: effort, stop } = body;
  const limit = body.max_completion_tokens ?? body.max_tokens;
  return {
    ...(given(body, SAME) as AnswerSettings),
    ...(limit != null && { max_output_tokens: limit }),
    ...(stop != null && { stop: [stop].flat() }),
    ...(effort != null && { reasoning: { effort } }),
    ...(tools && { tools: tools.map((tool) => ({ type: 'function' as const, ...tool.function })) }),
    ...(tool_choice != null && { tool_choice: choiceOf(tool_choice) }),
    ...(format != null && { format: formatOf(format) }),
  };
}

/** What the provider is told besides. */
export const furtherOf = (body: CreateChatCompletionDto): Record<string, unknown> => ({
  ...body.more,
  ...given(body, TOLD),
});

function choiceOf(choice: NonNullable<CreateChatCompletionDto['tool_choice']>): ToolChoice {
  if (typeof choice === 'string') return choice;
  if (choice.type === 'function') return { type: 'function', name: choice.function.name };
  const { mode, tools } = choice.allowed_tools;
  return {
    type: 'allowed_tools',
    mode,
    tools: functionsIn(tools) as { type: 'function'; name: string }[],
  };
}

function formatOf(format: NonNullable<CreateChatCompletionDto['response_format']>): TextFormat {
  return format.type === 'json_schema'
    ? { type: 'json_schema', schema: {}, ...format.json_schema }
    : { type: format.type };
}
