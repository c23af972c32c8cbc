import { ModelError } from './language-model.js';

/**
 * A fault of a provider: what people are told, and beside it what the log may know. Neither has
 * addresses, keys or words of a chat.
 */
export class ProviderFault extends ModelError {
  constructor(
    code: string,
    message: string,
    readonly details: { status?: number; reason?: string },
  ) {
    super(code, message);
  }
}

const MEND_IT = 'Whoever runs this server has to mend it.';

/** `reason` is the system's, as ECONNREFUSED. */
export function unreachable(error: unknown): ProviderFault {
  const { cause } = error as { cause?: { code?: unknown } };
  const reason = wordOf(cause?.code);
  return new ProviderFault(
    'provider_unreachable',
    'The provider of this model cannot be reached at the moment. Try again later.',
    {
      reason,
    },
  );
}

/** What an answer means that is no 2xx. */
export function refusal(status: number, body: string): ProviderFault {
  const reason = reasonIn(body);
  const [code, message] = meaningOf(status, reason);
  return new ProviderFault(code, message, { status, reason });
}

type FaultMeaning = [code: string, message: string];
const TOO_LONG: FaultMeaning = [
  'provider_rejected',
  'The conversation is longer than this model can read. Choose a model with a larger window.',
];
const PAID_UP: FaultMeaning = [
  'provider_rate_limited',
  `What was paid for at the provider is used up. ${MEND_IT}`,
];
const NO_KEY: FaultMeaning = [
  'provider_rejected',
  `The provider does not accept this server’s key. ${MEND_IT}`,
];
const FILTERED: FaultMeaning = [
  'question_filtered',
  'The provider’s filter refuses this question. Ask otherwise.',
];
const BUSY: FaultMeaning = [
  'provider_rate_limited',
  'The provider takes no more questions at the moment. Try again in a minute.',
];
const SLOW: FaultMeaning = ['provider_timeout', 'The provider took too long. Try again.'];

const BY_REASON: Record<string, FaultMeaning> = {
  context_length_exceeded: TOO_LONG,
  insufficient_quota: PAID_UP,
  rate_limit_exceeded: BUSY,
  content_filter: FILTERED,
  content_policy_violation: FILTERED,
};
const BY_STATUS: Record<number, FaultMeaning> = {
  401: NO_KEY,
  402: PAID_UP,
  403: NO_KEY,
  404: [
    'provider_rejected',
    'The provider does not have this model. Choose another one for this chat.',
  ],
  408: SLOW,
  413: TOO_LONG,
  429: BUSY,
  504: SLOW,
};

const meaningOfReason = (reason: string | undefined): FaultMeaning | undefined =>
  reason !== undefined && Object.hasOwn(BY_REASON, reason) ? BY_REASON[reason] : undefined;

function meaningOf(status: number, reason: string | undefined): FaultMeaning {
  const known = meaningOfReason(reason) ?? BY_STATUS[status];
  if (known) return known;
  if (status >= 500)
    return ['provider_failed', 'The provider has a fault at the moment. Try again later.'];
  if (status < 400)
    return ['provider_rejected', `The provider has moved to another address. ${MEND_IT}`];
  return [
    'provider_rejected',
    'The provider refuses this question. Ask otherwise, or choose another model for this chat.',
  ];
}

/**
 * `code` or `type` of OpenAI's error envelope, where it is a word; the message beside it may have
 * anything in it.
 */
function reasonIn(body: string): string | undefined {
  try {
    const { error } = JSON.parse(body) as { error?: { code?: unknown; type?: unknown } };
    return wordOf(error?.code) ?? wordOf(error?.type);
  } catch {
    return undefined;
  }
}

const wordOf = (value: unknown): string | undefined =>
  typeof value === 'string' && /^\w{1,64}$/.test(value) ? value : undefined;

const NO_ANSWER =
  'What the provider sends is no answer. Try again, or choose another model for this chat.';

/** Bytes that are not what was agreed on. */
export const noAnswer = (): ModelError => new ModelError('provider_failed', NO_ANSWER);

export const brokenConnection = (): ModelError =>
  new ModelError(
    'answer_cut',
    'The connection to the provider broke in the middle of the answer. Try again.',
  );

export const endedEarly = (): ModelError =>
  new ModelError('answer_cut', 'The answer ended before it was complete. Try again.');

/**
 * What broke while an answer was read, as far as it is known: ours as it is, and the library's by
 * their names.
 */
export function faultOf(error: unknown): unknown {
  let at = error as Error | undefined;
  for (let depth = 0; typeof at === 'object' && at !== null && depth < 5; depth++) {
    if (at instanceof ModelError) return at;
    if (at.name === 'AI_InvalidResponseDataError')
      return new ModelError('answer_cut', 'The answer ended before it was complete. Try again.');
    if (at.name === 'AI_JSONParseError' || at.name === 'AI_TypeValidationError') return noAnswer();
    at = at.cause as Error | undefined;
  }
  return error;
}

/** An error within a stream that began well. Some providers give it a status as its code. */
export function brokenOff(error: unknown): ProviderFault {
  const { code, type } = (error ?? {}) as { code?: unknown; type?: unknown };
  const status = Number(code);
  if (status >= 400 && status < 500) return refusal(status, '');
  const reason = wordOf(code) ?? wordOf(type);
  const known = meaningOfReason(reason);
  if (known) return new ProviderFault(...known, { reason });
  return new ProviderFault(
    'provider_failed',
    'The provider broke off its answer with a fault. Try again.',
    { reason },
  );
}
