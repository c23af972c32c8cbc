import { ModelError } from '../../llm/language-model.js';
import { Problem, problems } from '../../common/problems.js';
import type { QaPairDto } from '../chat/pair.dto.js';
import { responseName } from './openai-ids.js';

/** For OpenAI's clients, which send again whatever failed with 5xx: this would fail again. */
export const FINAL = { 'x-should-retry': 'false' };
const RETRY_AFTER_SECONDS = '5';

const BY_CODE: Readonly<Record<string, (detail: string) => Problem>> = {
  model_unknown: (detail) => problems.modelNotFound({ detail }),
  files_too_large: (detail) => problems.invalidRequest({ detail, headers: FINAL }),
  question_too_long: (detail) => problems.contextTooLong({ detail }),
  provider_rate_limited: (detail) =>
    problems.modelRateLimited({ detail, headers: { 'retry-after': RETRY_AFTER_SECONDS } }),
  provider_unreachable: (detail) =>
    problems.modelUnavailable({ detail, headers: { 'retry-after': RETRY_AFTER_SECONDS } }),
  provider_timeout: (detail) => problems.modelTimeout({ detail }),
  provider_rejected: (detail) => problems.modelFailed({ detail, headers: FINAL }),
  question_filtered: (detail) => problems.modelFailed({ detail, headers: FINAL }),
  answer_filtered: (detail) => problems.modelFailed({ detail, headers: FINAL }),
};

/** The failure of a model as an answer to a request. Everything else stays what it is. */
export function modelProblem(error: unknown): unknown {
  // Nobody will read it; but it is no fault of ours, and must not be logged as one.
  if ((error as Error).name === 'AbortError')
    return problems.invalidRequest({ detail: 'The client went before its answer was there.' });
  if (!(error instanceof ModelError)) return error;
  return BY_CODE[error.code]?.(error.message) ?? problems.modelFailed({ detail: error.message });
}

/**
 * How the answer of a pair failed. The question is stored: who sends it again, as OpenAI's clients
 * do by themselves, would store it twice.
 * @param whatever also where some of the answer is there, for whom it is no answer then
 */
export function failureOf(pair: QaPairDto, whatever = false): Problem | null {
  const { response_id, status, response, response_parts, error } = pair;
  const isThere = response !== null || response_parts !== null;
  if (whatever ? status !== 'failed' && status !== 'interrupted' : status !== 'failed' || isThere)
    return null;
  const { code, message } = error ?? {
    code: 'interrupted',
    message: 'The server stopped while it wrote this answer.',
  };
  const { kind, details } = modelProblem(new ModelError(code, message)) as Problem;
  const headers = { ...details.headers, ...FINAL, 'x-response-id': responseName(response_id) };
  return new Problem(kind, { ...details, headers });
}
