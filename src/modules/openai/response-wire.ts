import type { ResponsePart } from '../../tree/parts.js';
import type { AnswerError, MessageStatus, AnswerUsage } from '../chat/message.entity.js';
import type { QaPairDto } from '../chat/pair.dto.js';
import { conversationName, responseName } from './openai-ids.js';
import type { Metadata } from './openai-metadata.js';
import { answerItems, type ItemStatus, partsOf } from './part-items.js';
import type { ResponseDto, ResponseUsageDto } from './response.dto.js';
import { echoOf, type Settings } from './response-settings.js';

/** What does not change about a response while it is written. */
export interface ResponseHead {
  responseId: string;
  /** In seconds since 1970. */
  createdAt: number;
  model: string;
  /** The pair before it. */
  previous: string | null;
  /** Null where nothing is kept. */
  rootChatId: string | null;
  metadata: Metadata;
  /** How it was asked for, as far as it is known. */
  settings: Settings;
}

/** How far it is. */
export interface ResponseState {
  status: MessageStatus;
  parts: readonly ResponsePart[];
  usage: AnswerUsage | null;
  error: AnswerError | null;
  /** The model that answered, once it is known. */
  model: string | null;
  /** In seconds since 1970; null as long as it is written. */
  endedAt: number | null;
}

export const BEGUN: ResponseState = {
  status: 'streaming',
  parts: [],
  usage: null,
  error: null,
  model: null,
  endedAt: null,
};

/** OpenAI's form of a pair. */
export function responseOf(head: ResponseHead, state: ResponseState): ResponseDto {
  const isKept = head.rootChatId !== null;
  const status = statusOf(state);
  const { settings } = head;
  return {
    id: responseName(head.responseId),
    object: 'response',
    created_at: head.createdAt,
    completed_at: status === 'completed' ? state.endedAt : null,
    status,
    error: status === 'failed' ? errorOf(state) : null,
    incomplete_details: incompleteOf(state),
    model: state.model ?? head.model,
    output: outputOf(head, state),
    previous_response_id: head.previous && responseName(head.previous),
    conversation: head.rootChatId === null ? null : { id: conversationName(head.rootChatId) },
    store: isKept,
    ...echoOf(settings),
    truncation: settings.truncation ?? (isKept ? 'auto' : 'disabled'),
    usage: state.usage && usageOf(state.usage),
    metadata: head.metadata,
  };
}

function outputOf({ responseId, settings }: ResponseHead, state: ResponseState) {
  if (state.status === 'streaming') return [];
  return answerItems(responseId, state.parts, itemStatusOf(state), showsSummary(settings));
}

/** Who asked for a summary of what is thought gets it as one. */
export const showsSummary = ({ reasoning }: Settings): boolean =>
  typeof reasoning?.summary === 'string';

const STATUSES = {
  complete: 'completed',
  pending: 'in_progress',
  streaming: 'in_progress',
  failed: 'failed',
  cancelled: 'cancelled',
  interrupted: 'incomplete',
  redacted: 'incomplete',
} as const satisfies Record<string, ResponseDto['status']>;

const CUT: Readonly<Record<string, string>> = {
  length: 'max_output_tokens',
  content_filter: 'content_filter',
};

/** An answer that failed behind its first word is there in part. */
export function statusOf({ status, usage, parts }: ResponseState): ResponseDto['status'] {
  if (status === 'failed' && parts.length > 0) return 'incomplete';
  return status === 'complete' && isCut(usage) ? 'incomplete' : STATUSES[status];
}

const isCut = (usage: AnswerUsage | null): boolean =>
  usage?.finish_reason !== undefined && !['stop', 'tool_calls'].includes(usage.finish_reason);

export const itemStatusOf = (state: ResponseState): ItemStatus => {
  const status = statusOf(state);
  return status === 'in_progress' || status === 'completed' ? status : 'incomplete';
};

function incompleteOf(state: ResponseState): ResponseDto['incomplete_details'] {
  const { status, usage, error } = state;
  if (status === 'cancelled') return { reason: status };
  if (statusOf(state) !== 'incomplete') return null;
  if (status === 'complete') return { reason: CUT[usage!.finish_reason!] ?? usage!.finish_reason! };
  return { reason: error?.code ?? 'interrupted' };
}

const errorOf = ({ error }: ResponseState): ResponseDto['error'] => ({
  code: error?.code ?? 'model_failed',
  message: error?.message ?? 'The model could not answer.',
});

export function usageOf(usage: AnswerUsage): ResponseUsageDto {
  const { input_tokens, output_tokens, cached_tokens, reasoning_tokens } = usage;
  return {
    input_tokens,
    input_tokens_details: { cached_tokens: cached_tokens ?? 0 },
    output_tokens,
    output_tokens_details: { reasoning_tokens: reasoning_tokens ?? 0 },
    total_tokens: input_tokens + output_tokens,
  };
}

/** A pair as the state of a response. @param endedAt in seconds since 1970 */
export const stateOf = (pair: QaPairDto, endedAt: number | null): ResponseState => ({
  status: pair.status,
  parts: partsOf(pair.response_parts, pair.response),
  usage: pair.usage,
  error: pair.error ?? null,
  model: pair.model,
  endedAt,
});
