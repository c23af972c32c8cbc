import { readFileSync } from 'node:fs';
import { expect } from '@jest/globals';
import { type Answer, type RequestOptions, TestClient } from './client.js';
import { faultsOf, type Schema, type Schemas } from './schema.js';

interface Reference {
  $ref?: string;
}
export interface Parameter extends Reference {
  name: string;
  in: string;
  required?: boolean;
  schema: Schema;
}
interface Media {
  schema: Schema;
  examples?: Record<string, { value: unknown }>;
}
interface Response extends Reference {
  description: string;
  headers?: Record<string, Reference>;
  content?: Record<string, Media>;
}
export interface Operation {
  method: string;
  path: string;
  operationId: string;
  summary: string;
  tags: string[];
  security?: unknown[];
  parameters: Parameter[];
  requestBody?: { required: boolean; content: Record<string, Media> };
  responses: Record<string, Response>;
}

/** What goes into a call of an operation. */
export interface Call extends RequestOptions {
  path?: Record<string, string>;
  query?: Record<string, string>;
}

type Document = Record<string, any>;

/** The document in git, and what is made from it. */
export const document = JSON.parse(
  readFileSync(new URL('../../openapi.json', import.meta.url), 'utf8'),
) as Document;
export const schemas = document.components.schemas as Schemas;

/** Follows a reference into the components. */
export function followed<Part extends Reference>(part: Part): Part {
  if (!part.$ref) return part;
  const found = part.$ref
    .slice(2)
    .split('/')
    .reduce<any>((node, key) => node?.[key], document);
  if (found === undefined) throw new Error(`${part.$ref} leads nowhere`);
  return found as Part;
}

export const operations: Operation[] = Object.entries(
  document.paths as Record<string, Record<string, any>>,
).flatMap(([path, item]) =>
  Object.entries(item).map(([method, operation]) => ({
    ...operation,
    method: method.toUpperCase(),
    path,
    parameters: (operation.parameters ?? []).map(followed),
    responses: Object.fromEntries(
      Object.entries(operation.responses as Record<string, Response>).map(([status, one]) => [
        status,
        followed(one),
      ]),
    ),
  })),
);

/** Whether it is sent a form, with a file. */
export const takesForm = ({ requestBody }: Operation): boolean =>
  requestBody?.content['multipart/form-data'] !== undefined;

/** The codes of problems that an operation may answer with a status. */
export const codesOf = ({ responses }: Operation, status: number): string[] =>
  Object.keys(responses[status]?.content?.['application/problem+json']?.examples ?? {});

/**
 * Calls an operation and holds the answer to the document: its status, its media type, every field
 * of its body.
 */
export async function callAs(
  client: TestClient,
  operation: Operation,
  { path = {}, query, ...options }: Call,
): Promise<Answer> {
  const filled = operation.path.replace(/\{(\w+)\}/g, (_, name: string) =>
    encodeURIComponent(path[name] ?? `no-${name}`),
  );
  const url = query ? `${filled}?${new URLSearchParams(query).toString()}` : filled;
  const answer = await (streams(operation)
    ? requestHead(client, url, options)
    : client.request(operation.method, url, options));
  expectDocumented(operation, answer);
  return answer;
}

/**
 * Whether a good answer is a stream of events, which may not end by itself; one that a POST begins
 * does.
 */
const streams = ({ method, responses }: Operation): boolean =>
  method === 'GET' && Object.keys(responses[200]?.content ?? {})[0] === 'text/event-stream';

/** Like `client.get`, but a stream is left as soon as it begins. */
async function requestHead(
  { url, token }: TestClient,
  path: string,
  { headers }: RequestOptions,
): Promise<Answer> {
  const leave = new AbortController();
  const answer = await fetch(url + path, {
    signal: leave.signal,
    headers: { ...(token && { authorization: `Bearer ${token}` }), ...headers },
  });
  const text = answer.ok ? '' : await answer.text();
  leave.abort();
  return {
    status: answer.status,
    headers: answer.headers,
    text,
    body: text ? JSON.parse(text) : null,
  };
}

/** Bytes of files are anything, and read as text here; streams have a test of their own. */
const UNREAD = new Set(['text/event-stream', 'application/octet-stream']);

function expectDocumented(operation: Operation, answer: Answer): void {
  const line = `${operation.operationId} ${answer.status} ${answer.text.slice(0, 300)}`;
  expect([line, undocumented(operation, answer)]).toEqual([line, []]);
}

/** What of an answer is not as the document says. */
function undocumented(operation: Operation, answer: Answer): string[] {
  const documented = operation.responses[answer.status];
  if (!documented) return [`no status ${answer.status}`];
  if (answer.status === 304) return [];
  const content = documented.content ?? {};
  const mediaType = (answer.headers.get('content-type') ?? '').split(';')[0]!;
  const media = content[mediaType];
  if (media) return UNREAD.has(mediaType) ? [] : bodyFaults(operation, answer, media);
  const [named = ''] = Object.keys(content);
  if (mediaType !== named) return [`'${mediaType}' in the place of '${named}'`];
  return answer.text ? ['a body'] : [];
}

function bodyFaults(operation: Operation, { status, body, text }: Answer, media: Media): string[] {
  const faults = faultsOf(body ?? text, media.schema, schemas);
  const isProblem = media === operation.responses[status]?.content?.['application/problem+json'];
  return isProblem && !codesOf(operation, status).includes(body.code)
    ? [...faults, `no code ${body.code}`]
    : faults;
}
