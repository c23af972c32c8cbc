import type { INestApplication } from '@nestjs/common';
import { DocumentBuilder, type OpenAPIObject, SwaggerModule } from '@nestjs/swagger';
import { OpenAiErrorDto } from '../common/openai-error.dto.js';
import { ProblemDto } from '../common/problem.dto.js';
import { buildInfo } from '../config/build-info.js';
import { AGUI_MESSAGES } from '../modules/agui/agui-schemas.js';
import { UI_MESSAGES } from '../modules/aisdk/ui-schemas.js';
import { addProblems } from './answers.js';
import {
  type Components,
  isReference,
  type Operation,
  type Parameter,
  type OperationPlace,
  placesOf,
  type Schema,
  successOf,
} from './document.js';
import { EXAMPLES } from './examples.js';
import { completeParameter, completeSchema } from './glossary.js';
import { addHeaderComponents, addHeaders } from './headers.js';
import { addPartRules } from './part-rules.js';
import { addParameterRules, handlersOf } from './parameter-rules.js';
import { addRules } from './rules.js';
import { addTextRules } from './text-rules.js';

const DESCRIPTION = `The self-hosted backend for AI conversations that branch.

**Try it here.** Execute *Make an account* below: you are signed in by that. Then start a chat, copy its \`chat_id\` into *Add a question*, and branch from any pair.

**Branches are chats.** A branch has a \`chat_id\` of its own; it sees the pair it was made from and all before it. Nothing is copied, and what it inherits never changes under it.

**Errors** are \`application/problem+json\` (RFC 9457) with a \`code\`; [each of them is explained](/docs/errors).

**Safe retries.** Send an \`Idempotency-Key\` with a POST: sent again, it is done once and answered the same.

**Lost updates.** Send the \`ETag\` of a read as \`If-Match\` with a change, or as \`If-None-Match\` with the next read.

Every answer has an \`X-Request-Id\`, and \`RateLimit\` where requests are counted.`;

/** The chapters, in their order. Those without a route are left out. */
const TAGS: readonly (readonly [name: string, description: string])[] = [
  [
    'auth',
    'Accounts, tokens and API keys. The access token or an API key goes into `Authorization: Bearer …`.',
  ],
  ['chats', 'A chat is one line of conversation: a root, or a branch of another chat.'],
  ['shares', 'Links by which people without an account read a branch.'],
  ['messages', 'QA pairs on the path of a chat, from the first one of the root to its newest.'],
  ['branches', 'Fork at any pair, see the tree, go from branch to branch, compare two.'],
  ['files', 'Bytes that parts of pairs name: pictures, documents, whatever was sent or made.'],
  ['search', 'What was said, found in all conversations of an account or in one.'],
  ['usage', 'What the answers of models took.'],
  ['events', 'What happens in a conversation, as it happens; what was missed is sent first.'],
  [
    'webhooks',
    'Addresses of the outside that are told of events: signed as Standard Webhooks wants it, tried again when they fail.',
  ],
  ['transfer', 'Conversations in and out: exports of other programs, and our own.'],
  ['verb routes', 'Other doors to the same services, with the `chat_id` in the query or the body.'],
  [
    'sessions in memory',
    'A facade: numbered sessions in the memory of one process. Unknown fields are ignored.',
  ],
  [
    'first message',
    'A facade: ordinary chats, also known by a number, read as single messages. Unknown fields are ignored.',
  ],
  [
    'chat sessions',
    'A facade: sessions by name, in Redis where there is one. Unknown fields are ignored.',
  ],
  [
    'openai',
    'OpenAI’s API, for clients that speak it: base URL `/v1`, errors in OpenAI’s envelope. Unknown fields are ignored.',
  ],
  [
    'AI SDK',
    'The wire of `useChat` (AI SDK 5 to 7), over ordinary chats. Unknown fields are ignored.',
  ],
  [
    'AG-UI',
    'The wire of AG-UI 1.0 (`HttpAgent` of `@ag-ui/client`), over ordinary chats. Fields that are not known are kept.',
  ],
  [
    'Assistant Cloud',
    'The API of `assistant-cloud` (assistant-ui), over ordinary chats: base URL `/aui`.',
  ],
  ['MCP', 'The Model Context Protocol, for agents: tools over ordinary chats.'],
  ['health', 'For load balancers and people; without a token.'],
];

/** The OpenAPI 3.1 document of the routes of an application; `openapi.json` in git is this. */
export function openApiOf(app: INestApplication): OpenAPIObject {
  const document = SwaggerModule.createDocument(app, head(), {
    extraModels: [ProblemDto, OpenAiErrorDto],
    operationIdFactory: (_controller, method) => method,
  });
  const components = (document.components ??= {});
  const handlers = handlersOf(app);
  addParameterRules(document, handlers);
  for (const place of placesOf(document)) completeOperation(place, components);
  addHeaderComponents(components);
  addRules(
    (components.schemas ??= {}),
    handlers.flatMap(({ types }) => types),
  );
  addPartRules(components.schemas);
  Object.assign(components.schemas, UI_MESSAGES, AGUI_MESSAGES);
  addTextRules(document, components);
  for (const schema of Object.values(components.schemas ?? {}))
    if (!isReference(schema)) completeSchema(schema);
  sortComponents(components);
  const { openapi, info, servers, security } = document;
  const paths = byChapter(document);
  const used = new Set(placesOf(document).flatMap(({ operation }) => operation.tags ?? []));
  const tags = TAGS.filter(([name]) => used.has(name)).map(([name, description]) => ({
    name,
    description,
  }));
  return { openapi, info, servers, tags, security, paths, components };
}

function head(): Omit<OpenAPIObject, 'paths'> {
  return new DocumentBuilder()
    .setOpenAPIVersion('3.1.0')
    .setTitle('Banyan')
    .setDescription(DESCRIPTION)
    .setVersion(buildInfo().version)
    .setLicense('Apache-2.0', 'https://www.apache.org/licenses/LICENSE-2.0')
    .addServer('/', 'The server that this document comes from')
    .addBearerAuth({
      type: 'http',
      scheme: 'bearer',
      bearerFormat: 'JWT',
      description: 'An access token or an API key.',
    })
    .addSecurityRequirements('bearer')
    .build();
}

function completeOperation(place: OperationPlace, components: Components): void {
  const { operation } = place;
  for (const parameter of operation.parameters ?? [])
    if (!isReference(parameter)) completeParameter(parameter as Parameter);
  completeBody(operation, components);
  addStream(operation, components);
  addHeaders(operation);
  addProblems(place, components);
  const success = successOf(operation);
  if (success) success.description ||= success.content ? 'Done.' : 'Done; there is nothing to say.';
}

/** Gives the body its examples; a body whose fields may all be absent may be absent itself. */
function completeBody({ requestBody }: Operation, components: Components): void {
  if (!requestBody || isReference(requestBody)) return;
  for (const content of Object.values(requestBody.content)) {
    const name =
      content.schema && isReference(content.schema) ? content.schema.$ref.split('/').at(-1)! : '';
    const schema = components.schemas?.[name] as Schema | undefined;
    const examples = EXAMPLES[name];
    if (examples) content.examples = structuredClone(examples) as typeof content.examples;
    requestBody.required = (schema?.required ?? []).length > 0;
  }
}

/** Whoever may ask for a stream may be answered with one. */
function addStream(operation: Operation, { schemas = {} }: Components): void {
  const { requestBody: body } = operation;
  const success = successOf(operation);
  if (!body || isReference(body) || !success?.content) return;
  const named = Object.values(body.content).map(({ schema }) =>
    schema && isReference(schema) ? schema.$ref.split('/').at(-1)! : '',
  );
  const takesStream = named.some(
    (name) => 'stream' in ((schemas[name] as Schema | undefined)?.properties ?? {}),
  );
  if (takesStream) success.content['text/event-stream'] ??= { schema: { type: 'string' } };
}

/** The paths in the order of their chapters; within one, in that of the controllers. */
function byChapter(document: OpenAPIObject): OpenAPIObject['paths'] {
  const names = TAGS.map(([name]) => name);
  const chapterOf = new Map(
    placesOf(document).map(({ path, operation }) => [
      path,
      names.indexOf(operation.tags?.[0] ?? ''),
    ]),
  );
  return Object.fromEntries(
    Object.entries(document.paths).sort(
      ([left], [right]) => chapterOf.get(left)! - chapterOf.get(right)!,
    ),
  );
}

/** By name: the document must not depend on the order in which modules are loaded. */
function sortComponents(components: Components): void {
  const byName = <Value>(map: Record<string, Value> = {}): Record<string, Value> =>
    Object.fromEntries(Object.entries(map).sort(([left], [right]) => (left < right ? -1 : 1)));
  components.schemas = byName(components.schemas);
  components.responses = byName(components.responses);
}
