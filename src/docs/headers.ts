import { HEADER_NOTES } from '../common/api-headers.js';
import { type Components, type Operation, responseOf, successOf, takeNote } from './document.js';

const text = { type: 'string' } as const;

/** Headers of answers, described once and named by the operations that send them. */
const ANSWERED: NonNullable<Components['headers']> = {
  ETag: {
    description: 'Strong tag of the state that was read, for `If-None-Match` and `If-Match`.',
    schema: { ...text, example: '"7"' },
  },
  'Idempotent-Replayed': {
    description:
      '`true` when this is the answer of an earlier request with the same `Idempotency-Key`; absent otherwise.',
    schema: { type: 'string', enum: ['true'] },
  },
  Link: {
    description:
      'The neighbouring pages (RFC 8288), as far as there are any, relative to the address that was asked for.',
    schema: { ...text, example: '<?limit=50&cursor=Y2hhdHN8MDE5YWEx>; rel="next"' },
  },
  'Content-State': {
    description:
      '`stored`: the words are where they belong. `journaled`: MongoDB is away; they are safe in PostgreSQL and follow by themselves.',
    schema: { type: 'string', enum: ['stored', 'journaled'] },
  },
  'Retry-After': {
    description: 'Seconds to wait before the next try.',
    schema: { type: 'integer', example: 2 },
  },
  RateLimit: {
    description: 'What is left of the limit (draft-ietf-httpapi-ratelimit-headers).',
    schema: { ...text, example: '"default";r=0;t=41' },
  },
  'WWW-Authenticate': {
    description: 'The challenge (RFC 6750).',
    schema: { ...text, example: 'Bearer realm="banyan", error="invalid_token"' },
  },
};

/** Headers of requests. */
const ASKED: NonNullable<Components['parameters']> = {
  'Idempotency-Key': {
    name: 'Idempotency-Key',
    in: 'header',
    description:
      'Any 1 to 255 printable ASCII characters, for example a UUID. Sent again within a day with the same body, the request is done once and answered the same.',
    schema: { ...text, minLength: 1, maxLength: 255, pattern: '^[!-~]([ -~]*[!-~])?$' },
  },
  'If-Match': {
    name: 'If-Match',
    in: 'header',
    description:
      'The `ETag` of the chat as you read it: if it changed since, nothing is done and the answer is 412.',
    schema: text,
  },
  'If-None-Match': {
    name: 'If-None-Match',
    in: 'header',
    description: 'The `ETag` that you have: if nothing changed, the answer is 304 without a body.',
    schema: text,
  },
};

export const headerRef = (name: string): { $ref: string } => ({
  $ref: `#/components/headers/${name}`,
});

/**
 * Writes the notes of `common/api-headers.ts` out: what each operation takes and answers in
 * headers.
 */
export function addHeaders(operation: Operation): void {
  if (takeNote(operation, HEADER_NOTES.idempotent)) {
    take(operation, 'Idempotency-Key');
    answer(operation, 'Idempotent-Replayed');
  }
  if (takeNote(operation, HEADER_NOTES.guarded)) {
    take(operation, 'If-Match');
    if (successOf(operation)?.content) answer(operation, 'ETag');
  }
  if (takeNote(operation, HEADER_NOTES.revalidated)) {
    take(operation, 'If-None-Match');
    answer(operation, 'ETag');
    operation.responses['304'] = {
      description: 'What you have is the newest.',
      headers: { ETag: headerRef('ETag') },
    };
  }
  if (takeNote(operation, HEADER_NOTES.linked)) answer(operation, 'Link');
  if (takeNote(operation, HEADER_NOTES.contentState)) answer(operation, 'Content-State');
  if (responseOf(operation, 503)) answer(operation, 'Retry-After', 503);
}

/** Whether the operation takes a header, by its name in the components. */
export const takes = (operation: Operation, name: string): boolean =>
  (operation.parameters ?? []).some(
    (parameter) => '$ref' in parameter && parameter.$ref === `#/components/parameters/${name}`,
  );

export const addHeaderComponents = (components: Components): void => {
  components.headers = ANSWERED;
  components.parameters = ASKED;
};

function take(operation: Operation, name: string): void {
  operation.parameters = [
    ...(operation.parameters ?? []),
    { $ref: `#/components/parameters/${name}` },
  ];
}

function answer(operation: Operation, name: string, status?: number): void {
  const response = status === undefined ? successOf(operation) : responseOf(operation, status);
  if (response) response.headers = { ...response.headers, [name]: headerRef(name) };
}
