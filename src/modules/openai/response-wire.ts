import type { AnswerError, MessageStatus, Usage } from '../chat/message.entity.js';
import type {
  CreateResponseDto,
  MessageItemDto,
  ResponseDto,
  ResponseUsageDto,
} from './response.dto.js';
import { answerName, conversationName, questionName, responseName } from './openai-ids.js';
import type { Metadata } from './openai-metadata.js';

/** What does not change about a response while it is written. */
export interface ResponseHead {
  responseId: string;
  /** In seconds since 1970. */
  createdAt: number;
  model: string;
  instructions: string | null;
  /** The pair before it. */
  previous: string | null;
  /** Null where nothing is kept. */
  rootChatId: string | null;
  metadata: Metadata;
  settings: Pick<CreateResponseDto, 'max_output_tokens' | 'temperature' | 'top_p'>;
}

/** How far it is. */
export interface ResponseState {
  status: MessageStatus;
  text: string | null;
  usage: Usage | null;
  error: AnswerError | null;
  /** The model that answered, once it is known. */
  model: string | null;
}

export const BEGUN: ResponseState = {
  status: 'streaming',
  text: null,
  usage: null,
  error: null,
  model: null,
};

/** OpenAI's form of a pair. */
export function responseOf(head: ResponseHead, state: ResponseState): ResponseDto {
  const { max_output_tokens, temperature, top_p } = head.settings;
  const isKept = head.rootChatId !== null;
  return {
    id: responseName(head.responseId),
    object: 'response',
    created_at: head.createdAt,
    completed_at: null,
    status: statusOf(state),
    error: errorOf(state),
    incomplete_details: incompleteOf(state),
    instructions: head.instructions,
    max_output_tokens: max_output_tokens ?? null,
    max_tool_calls: null,
    model: state.model ?? head.model,
    output: state.status !== 'streaming' && state.text ? [answerItem(head.responseId, state)] : [],
    parallel_tool_calls: false,
    previous_response_id: head.previous && responseName(head.previous),
    conversation: head.rootChatId === null ? null : { id: conversationName(head.rootChatId) },
    prompt_cache_key: null,
    reasoning: null,
    safety_identifier: null,
    service_tier: 'default',
    store: isKept,
    background: false,
    temperature: temperature ?? 1,
    text: { format: { type: 'text' } },
    tool_choice: 'auto',
    tools: [],
    top_logprobs: 0,
    top_p: top_p ?? 1,
    presence_penalty: 0,
    frequency_penalty: 0,
    truncation: isKept ? 'auto' : 'disabled',
    usage: state.usage && usageOf(state.usage),
    user: null,
    metadata: head.metadata,
  };
}

const STATUSES = {
  complete: 'completed',
  pending: 'in_progress',
  streaming: 'in_progress',
  failed: 'failed',
  cancelled: 'cancelled',
  interrupted: 'incomplete',
  redacted: 'completed',
} as const;

export const statusOf = ({ status, usage }: ResponseState): ResponseDto['status'] =>
  status === 'complete' && usage?.finish_reason ? 'incomplete' : STATUSES[status];

function incompleteOf({ status, usage }: ResponseState): ResponseDto['incomplete_details'] {
  if (status === 'interrupted' || status === 'cancelled') return { reason: status };
  if (!usage?.finish_reason) return null;
  return { reason: usage.finish_reason === 'length' ? 'max_output_tokens' : 'content_filter' };
}

function errorOf({ status, error }: ResponseState): ResponseDto['error'] {
  return status === 'failed'
    ? {
        code: error?.code ?? 'model_failed',
        message: error?.message ?? 'The model could not answer.',
      }
    : null;
}

function usageOf({ input_tokens, output_tokens }: Usage): ResponseUsageDto {
  return {
    input_tokens,
    input_tokens_details: { cached_tokens: 0 },
    output_tokens,
    output_tokens_details: { reasoning_tokens: 0 },
    total_tokens: input_tokens + output_tokens,
  };
}

/** The answer as a message. */
export function answerItem(responseId: string, { text, ...state }: ResponseState): MessageItemDto {
  const response = statusOf({ text, ...state });
  const status = response === 'in_progress' || response === 'completed' ? response : 'incomplete';
  return {
    type: 'message',
    id: answerName(responseId),
    role: 'assistant',
    status,
    content: text ? [textPart(text)] : [],
  };
}

export const textPart = (text: string) => ({
  type: 'output_text',
  text,
  annotations: [],
  logprobs: [],
});

/** The question as a message. */
export const questionItem = (responseId: string, question: string): MessageItemDto => ({
  type: 'message',
  id: questionName(responseId),
  role: 'user',
  status: 'completed',
  content: [{ type: 'input_text', text: question }],
});
