import { isObject } from '../../common/is-object.js';
import type { AnswerSettings } from '../../llm/settings.js';
import type { ResponsePart, ToolCallPart } from '../../tree/parts.js';
import type { AnswerUsage } from '../chat/message.entity.js';
import { toolMetadataOf } from './run-settings.js';

/** What is read of a stored pair (`QaPairDto`). */
export interface PairEnd {
  response_id: string;
  chat_id: string;
  response: string | null;
  response_parts: ResponsePart[] | null;
  status: string;
  error?: { code: string; message: string };
  model: string | null;
  usage: AnswerUsage | null;
  settings: AnswerSettings | null;
}

/** How a run ends, as `RUN_FINISHED` says it. */
export interface RunOutcome {
  result?: object;
  outcome?: object;
  usage?: object[];
}

/** As `RUN_ERROR` says it. */
export interface Failure {
  message: string;
  code?: string;
  usage?: object[];
}

/** How the run of an answer ended. */
export function outcomeOf(pair: PairEnd, parts: readonly ResponsePart[]): RunOutcome | Failure {
  const { status, error, chat_id: chatId, response_id: responseId } = pair;
  const usage = usageOf(pair);
  if (status !== 'complete' && status !== 'cancelled')
    return { message: 'The answer was interrupted.', ...error, ...usage };
  const result = { chatId, responseId, finishReason: pair.usage?.finish_reason };
  if (status === 'cancelled') return { result, outcome: { type: 'cancelled' }, ...usage };
  return { result, outcome: pendingOutcome(openCalls(parts), pair.settings), ...usage };
}

/** Of the calls of a turn those that nobody has answered. */
export function openCalls(parts: readonly ResponsePart[]): ToolCallPart[] {
  const answered = new Set(
    parts.flatMap((part) => (part.type === 'tool_result' ? [part.call_id] : [])),
  );
  return parts.filter(
    (part): part is ToolCallPart =>
      part.type === 'tool_call' && !part.provider_executed && !answered.has(part.call_id),
  );
}

/**
 * A success with the calls that the page is to run, or an interrupt where one of them is of a tool
 * that wants one.
 */
export function pendingOutcome(
  calls: readonly ToolCallPart[],
  settings: AnswerSettings | null | undefined,
): object {
  const metadata = toolMetadataOf(settings);
  const interrupts = calls.flatMap(({ call_id: id, name }) => {
    const tool = Object.hasOwn(metadata, name) ? metadata[name] : undefined;
    return tool?.['interrupt'] === true ? [{ id, name, tool }] : [];
  });
  if (interrupts.length === 0) {
    const pendingToolCallIds = calls.map(({ call_id }) => call_id);
    return { type: 'success', ...(calls.length > 0 && { pendingToolCallIds }) };
  }
  return { type: 'interrupt', interrupts: interrupts.map(interruptOf) };
}

function interruptOf({ id, tool }: { id: string; tool: Record<string, unknown> }): object {
  const { message, responseSchema } = tool;
  return {
    ...{ id, toolCallId: id, reason: 'tool_call' },
    ...(typeof message === 'string' && { message }),
    ...(isObject(responseSchema) && { responseSchema }),
  };
}

/** What it took; what nobody counted is absent. */
function usageOf({ usage, model }: PairEnd): Pick<RunOutcome, 'usage'> {
  if (!usage) return {};
  const { input_tokens: inputTokens, output_tokens: outputTokens } = usage;
  return {
    usage: [
      {
        ...(model !== null && { model }),
        ...{ inputTokens, outputTokens, totalTokens: inputTokens + outputTokens },
        ...(usage.cached_tokens !== undefined && { cachedInputTokens: usage.cached_tokens }),
        ...(usage.reasoning_tokens !== undefined && { reasoningTokens: usage.reasoning_tokens }),
      },
    ],
  };
}
