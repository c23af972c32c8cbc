import { randomUUID } from 'node:crypto';

/**
 * One entry of the catalogue: everything a client may be told, with its HTTP status.
 * `docs/errors.md` explains each code to people.
 */
export interface ProblemKind {
  readonly status: number;
  readonly code: string;
  readonly title: string;
}

/** One refused field: `path` is dotted (`metadata.url`), `message` says how to mend it. */
export interface FieldError {
  path: string;
  message: string;
}

/**
 * Fields of a problem document besides the fixed ones of RFC 9457 (`errors`, `head`, …), and
 * headers that go with it.
 */
export interface ProblemDetails {
  detail?: string;
  errors?: readonly FieldError[];
  /** How many faults were found besides `errors`. */
  errors_more?: number;
  headers?: Record<string, string>;
  [extension: string]: unknown;
}

/** Thrown by services and guards; the problem filter alone turns it into an answer (RFC 9457). */
export class Problem extends Error {
  constructor(
    readonly kind: ProblemKind,
    readonly details: ProblemDetails = {},
  ) {
    super(details.detail ?? kind.title);
    this.name = 'Problem';
  }
}

type ProblemFactory = ((details?: ProblemDetails) => Problem) & { readonly kind: ProblemKind };

function problem(status: number, code: string, title: string): ProblemFactory {
  const kind = { status, code, title };
  return Object.assign((details?: ProblemDetails) => new Problem(kind, details), { kind });
}

/** Every error the API can answer. A test holds this list and `docs/errors.md` to each other. */
export const problems = {
  invalidJson: problem(400, 'invalid_json', 'The body is not valid JSON.'),
  invalidRequest: problem(400, 'invalid_request', 'The request cannot be understood.'),
  invalidIdempotencyKey: problem(
    400,
    'invalid_idempotency_key',
    'Idempotency-Key must be 1 to 255 printable ASCII characters.',
  ),
  previousResponseNotFound: problem(
    400,
    'previous_response_not_found',
    'There is no response of that id to go on from.',
  ),
  unauthorized: problem(401, 'unauthorized', 'A valid token is needed.'),
  invalidCredentials: problem(401, 'invalid_credentials', 'E-mail or password is wrong.'),
  invalidRefreshToken: problem(
    401,
    'invalid_refresh_token',
    'The refresh token is unknown, used or expired. Log in again.',
  ),
  registrationClosed: problem(
    403,
    'registration_closed',
    'This server makes no accounts for strangers.',
  ),
  passwordSignInNeeded: problem(
    403,
    'password_sign_in_needed',
    'Only who signed in with e-mail and password may do that.',
  ),
  originForbidden: problem(403, 'origin_forbidden', 'Pages of this origin may not connect.'),
  webhooksOff: problem(403, 'webhooks_off', 'This server sends no webhooks.'),
  routeNotFound: problem(404, 'route_not_found', 'There is no such route.'),
  chatNotFound: problem(404, 'chat_not_found', 'There is no such chat, or it is not yours.'),
  messageNotFound: problem(
    404,
    'message_not_found',
    'There is no such message on the path of this chat.',
  ),
  sessionNotFound: problem(
    404,
    'session_not_found',
    'There is no such session, or it is not yours.',
  ),
  apiKeyNotFound: problem(
    404,
    'api_key_not_found',
    'There is no such API key, or it is not yours.',
  ),
  modelNotFound: problem(404, 'model_not_found', 'There is no such model.'),
  shareNotFound: problem(
    404,
    'share_not_found',
    'There is no such link, it has ended, or it is not yours.',
  ),
  webhookNotFound: problem(
    404,
    'webhook_not_found',
    'There is no such webhook, or it is not yours.',
  ),
  fileNotFound: problem(404, 'file_not_found', 'There is no such file, or it is not yours.'),
  importNotFound: problem(404, 'import_not_found', 'There is no such import, or it is not yours.'),
  methodNotAllowed: problem(405, 'method_not_allowed', 'This route does not know that method.'),
  requestTimeout: problem(408, 'request_timeout', 'The request did not come in time.'),
  emailTaken: problem(409, 'email_taken', 'An account with this e-mail exists already.'),
  branchHeadMoved: problem(
    409,
    'branch_head_moved',
    'The parent_response_id is no longer the last pair of this chat.',
  ),
  generationInProgress: problem(
    409,
    'generation_in_progress',
    'An answer is still being written in this chat.',
  ),
  answerNotRetryable: problem(
    409,
    'answer_not_retryable',
    'Only an answer that failed, was interrupted or was cancelled can be retried.',
  ),
  messageRedacted: problem(
    409,
    'message_redacted',
    'The words of this message were erased, and cannot be told or asked again.',
  ),
  nothingToMerge: problem(
    409,
    'nothing_to_merge',
    'There is nothing in that chat that this one does not see already.',
  ),
  chatIdTaken: problem(
    409,
    'chat_id_taken',
    'A chat of yours has this id, and was made of something else.',
  ),
  branchHasChildren: problem(
    409,
    'branch_has_children',
    'The chat has branches, and children=refuse was asked.',
  ),
  conversationDeleted: problem(
    409,
    'conversation_deleted',
    'The conversation of this branch is deleted. Restore its root first.',
  ),
  sessionFull: problem(409, 'session_full', 'The session holds all that a session can hold.'),
  tooManySessions: problem(
    409,
    'too_many_sessions',
    'The account has as many sessions as it can have.',
  ),
  tooManyWebhooks: problem(
    409,
    'too_many_webhooks',
    'The account has as many webhooks as it can have.',
  ),
  tooManyShares: problem(
    409,
    'too_many_shares',
    'The chat has as many links as it can have. End one of them.',
  ),
  tooManyImports: problem(
    409,
    'too_many_imports',
    'The account has as many imports on their way as it can have.',
  ),
  webhookDisabled: problem(409, 'webhook_disabled', 'The webhook is disabled.'),
  fileInUse: problem(409, 'file_in_use', 'A pair names this file.'),
  filesFull: problem(409, 'files_full', 'The files of the account take as much as they may.'),
  idempotencyKeyInUse: problem(
    409,
    'idempotency_key_in_use',
    'A request with this Idempotency-Key is still running.',
  ),
  revisionStale: problem(
    412,
    'revision_stale',
    'It changed after you read it: the If-Match revision is stale.',
  ),
  bodyTooLarge: problem(413, 'body_too_large', 'The body is larger than this route takes.'),
  unsupportedMediaType: problem(
    415,
    'unsupported_media_type',
    'Send JSON: Content-Type: application/json.',
  ),
  rangeNotSatisfiable: problem(416, 'range_not_satisfiable', 'The file has no such bytes.'),
  validation: problem(422, 'validation_failed', 'Some fields are not acceptable.'),
  importEmpty: problem(422, 'import_empty', 'The file is empty.'),
  idempotencyKeyReused: problem(
    422,
    'idempotency_key_reused',
    'This Idempotency-Key was used with another body.',
  ),
  contextTooLong: problem(
    422,
    'context_length_exceeded',
    'The messages are longer than the model can read.',
  ),
  rateLimited: problem(429, 'rate_limited', 'Too many requests.'),
  tooManyAnswers: problem(
    429,
    'too_many_answers',
    'The account has as many answers on their way as it may have at once.',
  ),
  tokensSpent: problem(429, 'tokens_spent', 'The account has used the tokens of this day.'),
  modelRateLimited: problem(
    429,
    'model_rate_limited',
    'The provider of the model takes no more requests at the moment.',
  ),
  headersTooLarge: problem(
    431,
    'headers_too_large',
    'The headers are larger than this server takes.',
  ),
  internal: problem(500, 'internal', 'Something broke on our side.'),
  methodUnknown: problem(501, 'method_unknown', 'This server does not know that method.'),
  modelFailed: problem(502, 'model_failed', 'The model could not answer.'),
  contentUnavailable: problem(
    503,
    'content_unavailable',
    'The words of this page cannot be read at the moment.',
  ),
  outcomeUnknown: problem(
    503,
    'outcome_unknown',
    'The connection to the database broke during the commit. Retry with the same Idempotency-Key.',
  ),
  tookTooLong: problem(
    503,
    'took_too_long',
    'The request took too long and was given up. Nothing was changed.',
  ),
  resourceBusy: problem(
    503,
    'resource_busy',
    'Others are changing the same; the wait for them took too long. Nothing was changed.',
  ),
  storeUnavailable: problem(503, 'store_unavailable', 'A store is away. Try again soon.'),
  modelUnavailable: problem(
    503,
    'model_unavailable',
    'The provider of the model cannot be reached.',
  ),
  modelTimeout: problem(504, 'model_timeout', 'The model did not answer in time.'),
} as const;

/** A 422 about one field. */
export const invalidField = (path: string, message: string): Problem =>
  problems.validation({ errors: [{ path, message }] });

/**
 * So many faults of a request are named; whoever mends those and asks again is told the next ones.
 */
export const FAULTS_NAMED_MAX = 20;
/** Paths and messages may quote what a client sent. */
const PATH_CHARS_MAX = 200;
const MESSAGE_CHARS_MAX = 500;

/** The document that RFC 9457 calls problem details, with our `code` and `request_id`. */
export function problemDocument(
  { kind, details }: Problem,
  requestId: string = randomUUID(),
): Record<string, unknown> {
  const { detail, errors, errors_more: unnamed = 0, headers: _headers, ...extensions } = details;
  const named = errors?.slice(0, FAULTS_NAMED_MAX).map(shortened);
  const more = unnamed + (errors?.length ?? 0) - (named?.length ?? 0);
  return {
    type: `/docs/errors#${kind.code}`,
    title: kind.title,
    status: kind.status,
    code: kind.code,
    detail: detail ?? sentenceOf(named, more) ?? kind.title,
    request_id: requestId,
    ...(named && { errors: named }),
    ...(more > 0 && { errors_more: more }),
    ...extensions,
  };
}

/** A fault as it is told: what it quotes is cut where it becomes long. */
export const shortened = ({ path, message }: FieldError): FieldError => ({
  path: cut(path, PATH_CHARS_MAX),
  message: cut(message, MESSAGE_CHARS_MAX),
});

const cut = (text: string, charsMax: number): string =>
  text.length > charsMax ? `${text.slice(0, charsMax).toWellFormed()}…` : text;

function sentenceOf(named: readonly FieldError[] | undefined, more: number): string | undefined {
  const sentence = named?.map(({ path, message }) => `${path}: ${message}`).join('; ');
  return more > 0 ? `${sentence}; and ${more} more` : sentence;
}
