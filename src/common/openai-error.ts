import type { OpenAiErrorDto } from './openai-error.dto.js';
import { type Problem, type ProblemKind, shortened } from './problems.js';

/** Codes that OpenAI has other names for. */
const CODES: Readonly<Record<string, string>> = {
  unauthorized: 'invalid_api_key',
  rate_limited: 'rate_limit_exceeded',
  model_rate_limited: 'rate_limit_exceeded',
  tokens_spent: 'insufficient_quota',
};
/**
 * OpenAI's clients send a request again after 408, 409, 429 and 5xx; of ours below 500 only this
 * one is worth it, unless a day has to pass.
 */
const TOO_MANY = 429;

/**
 * Whether what is at this address speaks OpenAI's API, so that its errors have to. The sessions by
 * name share the prefix by chance.
 */
export const speaksOpenAi = (path: string): boolean =>
  /^\/v1(?=[/?]|$)/.test(path) && !/^\/v1\/chat\/sessions(?=[/?]|$)/.test(path);

/** OpenAI knows no 422. */
export const openAiStatus = ({ status }: ProblemKind): number => (status === 422 ? 400 : status);

/** Tells OpenAI's clients not to send again what will fail again. */
export const openAiHeaders = ({ status, code }: ProblemKind): Record<string, string> =>
  (status < 500 && status !== TOO_MANY) || code === 'tokens_spent'
    ? { 'x-should-retry': 'false' }
    : {};

/** The problem in OpenAI's envelope. */
export function openAiError({ kind, details }: Problem): OpenAiErrorDto {
  const [first] = (details.errors ?? []).slice(0, 1).map(shortened);
  const message = details.detail ?? (first ? `${first.path}: ${first.message}` : kind.title);
  return {
    error: {
      message,
      type: typeOf(kind.status),
      param: first?.path || null,
      code: CODES[kind.code] ?? kind.code,
    },
  };
}

function typeOf(status: number): string {
  if (status === TOO_MANY) return 'rate_limit_error';
  return status < 500 ? 'invalid_request_error' : 'server_error';
}
