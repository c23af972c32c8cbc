import { openAiError, openAiStatus, speaksOpenAi } from '../common/openai-error.js';
import { PROBLEM_CODES } from '../common/api-problems.js';
import { Problem, problemDocument, type ProblemKind, problems } from '../common/problems.js';
import { type Components, type OperationPlace, takeNote } from './document.js';
import { headerRef, takes } from './headers.js';

/** How errors look: ours, and those of OpenAI's API. */
interface Form {
  name: (codes: string) => string;
  status: (kind: ProblemKind) => number;
  mediaType: string;
  schema: string;
  example: (problem: Problem) => unknown;
}
const OURS: Form = {
  name: (codes) => codes,
  status: ({ status }) => status,
  mediaType: 'application/problem+json',
  schema: 'ProblemDto',
  example: (problem) => problemDocument(problem, REQUEST_ID),
};
const OPENAI: Form = {
  name: (codes) => `openai.${codes}`,
  status: openAiStatus,
  mediaType: 'application/json',
  schema: 'OpenAiErrorDto',
  example: openAiError,
};
const REQUEST_ID = '7d9f2c1e-6a57-4a3c-9a39-0a4d1f6f5b7e';

const KINDS = new Map<string, ProblemKind>(
  Object.values(problems).map(({ kind }) => [kind.code, kind]),
);

/** What a problem says besides its fixed fields, where an example without it would be poor. */
const EXAMPLE_DETAILS: Readonly<Record<string, Record<string, unknown>>> = {
  validation_failed: { errors: [{ path: 'name', message: 'must have at most 200 characters' }] },
  branch_head_moved: {
    head: {
      chat_id: '019aa1b2-c3d4-7e5f-8a6b-7c8d9e0f1a2b',
      response_id: '019aa1b3-0d4e-7a6b-9c8d-2e3f4a5b6c7d',
      seq: 2,
    },
  },
  revision_stale: { revision: 8 },
  branch_has_children: { branches_total: 2 },
};

/** Headers that go with every problem of a status. */
const HEADERS: Readonly<Record<number, readonly string[]>> = {
  401: ['WWW-Authenticate'],
  429: ['Retry-After', 'RateLimit'],
  503: ['Retry-After'],
};

/**
 * Adds every problem that the operation can answer: its own, and those that follow from its kind.
 */
export function addProblems(place: OperationPlace, components: Components): void {
  const { responses } = place.operation;
  const form = speaksOpenAi(place.path) ? OPENAI : OURS;
  const own = takeNote<string[]>(place.operation, PROBLEM_CODES) ?? [];
  for (const [status, codes] of byStatus([...own, ...usualCodes(place)], form))
    responses[status] ??= sharedAnswer(codes, components, form);
}

/**
 * Public routes at the root (health, version) are for machines that want no more than an answer;
 * all others can refuse what they were sent.
 */
function usualCodes({ method, path, operation }: OperationPlace): string[] {
  const isOurs = path.startsWith('/api/v1/');
  const isPublic = operation.security?.length === 0;
  if (isPublic && !isOurs) return [];
  const { requestBody: body, parameters = [] } = operation;
  const rules: readonly (readonly [applies: unknown, ...codes: string[]])[] = [
    [true, 'rate_limited', 'took_too_long', 'resource_busy', 'store_unavailable'],
    // A facade ignores fields that it does not know, so only one with input can be given a wrong
    // one.
    [isOurs || body || parameters.some(isPathOrQuery), 'validation_failed'],
    [!isPublic, 'unauthorized'],
    [method !== 'GET', 'outcome_unknown'],
    [body, 'invalid_json', 'body_too_large', 'unsupported_media_type'],
    [
      takes(operation, 'Idempotency-Key'),
      'invalid_idempotency_key',
      'idempotency_key_in_use',
      'idempotency_key_reused',
      'message_redacted',
    ],
    [takes(operation, 'If-Match'), 'revision_stale'],
  ];
  return rules.flatMap(([applies, ...codes]) => (applies ? codes : []));
}

const isPathOrQuery = (parameter: object): boolean =>
  'in' in parameter && parameter.in !== 'header';

/** The codes of each status, in the order of the catalogue. */
function byStatus(codes: readonly string[], form: Form): Map<number, string[]> {
  const groups = new Map<number, string[]>();
  for (const [code, kind] of KINDS) {
    const status = form.status(kind);
    if (codes.includes(code)) groups.set(status, [...(groups.get(status) ?? []), code]);
  }
  return groups;
}

/** Answers with the same codes are one component. */
function sharedAnswer(
  codes: readonly string[],
  components: Components,
  form: Form,
): { $ref: string } {
  const name = form.name(codes.join('.'));
  components.responses ??= {};
  components.responses[name] ??= {
    description: codes.map((code) => `\`${code}\`: ${KINDS.get(code)!.title}`).join('\n\n'),
    ...headersOf(codes),
    content: {
      [form.mediaType]: {
        schema: { $ref: `#/components/schemas/${form.schema}` },
        examples: examplesOf(codes, form),
      },
    },
  };
  return { $ref: `#/components/responses/${name}` };
}

function headersOf(codes: readonly string[]): { headers?: Record<string, { $ref: string }> } {
  const names = HEADERS[KINDS.get(codes[0]!)!.status];
  return names ? { headers: Object.fromEntries(names.map((name) => [name, headerRef(name)])) } : {};
}

const examplesOf = (codes: readonly string[], form: Form): Record<string, { value: unknown }> =>
  Object.fromEntries(
    codes.map((code) => [
      code,
      { value: form.example(new Problem(KINDS.get(code)!, EXAMPLE_DETAILS[code])) },
    ]),
  );
