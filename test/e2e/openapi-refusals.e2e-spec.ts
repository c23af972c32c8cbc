import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { startTestApp, type TestApp } from '../support/app.js';
import { TestClient } from '../support/client.js';
import {
  type Call,
  callAs,
  codesOf,
  type Operation,
  operations,
  takesForm,
} from '../support/contract.js';
import { aForm } from '../support/forms.js';
import { PASSWORD } from './auth-tester.js';
import { aScene, aWebhook, GOOD, inChat, type Scene, scenesFor } from './openapi-calls.js';

const named = operations.map((operation): [string, Operation] => [
  operation.operationId,
  operation,
]);
const of = (id: string): Operation => operations.find(({ operationId }) => operationId === id)!;
const isOurs = ({ path }: Operation): boolean => path.startsWith('/api/v1/');
const isSecured = ({ security }: Operation): boolean => security?.length !== 0;

let server: TestApp;
/** Two people for all refusals: what is refused changes nothing. */
let ann: TestClient;
let stranger: TestClient;
beforeAll(async () => {
  server = await startTestApp();
  ann = await TestClient.register(server.url);
  stranger = await TestClient.register(server.url);
});
afterAll(() => server.close());

/** An id of the same kind that nobody has; numbers count from 1 for each account. */
function unknownLike(id: unknown): unknown {
  if (!id) return id;
  return /^\d+$/.test(String(id)) ? '999999' : randomUUID();
}

describe('a refusal', () => {
  it.each(named.filter(([, operation]) => isOurs(operation) || isSecured(operation)))(
    'of %s is documented, whatever is wrong',
    async (_id, operation) => {
      const path = Object.fromEntries(
        operation.parameters
          .filter((one) => one.in === 'path')
          .map(({ name }) => [name, randomUUID()]),
      );
      const isInPath = operation.parameters.some(
        ({ in: where, schema }) => where === 'path' && (schema.format ?? schema.type) !== 'string',
      );
      const stray = {
        path,
        query: { stray: '1' },
        ...(takesForm(operation) && aForm({ bytes: 'x' })),
        ...(operation.requestBody && !takesForm(operation) && { body: {} }),
      };
      const answers = [
        ...(isOurs(operation) ? [await callAs(ann, operation, stray)] : []),
        ...(isSecured(operation)
          ? [await callAs(new TestClient(server.url), operation, { path })]
          : []),
        ...(isInPath ? [await callAs(ann, operation, {})] : []),
        ...(takesJson(operation) ? await brokenBodies(operation, path) : []),
      ];
      const wanted = [
        isOurs(operation) && 422,
        isSecured(operation) && 401,
        isInPath && 422,
        ...(takesJson(operation) ? [400, 415, 413] : []),
      ];
      expect(answers.map(({ status }) => status)).toEqual(wanted.filter(Boolean));
    },
  );

  /** Where the body is a file, any bytes are one. */
  const takesJson = ({ requestBody }: Operation): boolean =>
    requestBody !== undefined && requestBody.content['application/octet-stream'] === undefined;

  /** Clients of other protocols send their whole chat, and the parts of a pair hold much. */
  const takesMuch = ({ path, operationId }: Operation): boolean =>
    path.startsWith('/v1/') ||
    ['/api/chat', '/agui', '/agui/connect', '/aui/v1/runs/stream'].includes(path) ||
    /^(create|update)AuiMessage$/.test(operationId) ||
    /^(addMessage|addMessageVerb|editMessage|regenerateMessage)$/.test(operationId);

  const brokenBodies = async (operation: Operation, path: Record<string, string>) => [
    await callAs(ann, operation, {
      path,
      ...(takesForm(operation) ? aForm({ bytes: 'x' }, {}, { isCut: true }) : { raw: '{' }),
    }),
    await callAs(ann, operation, { path, raw: 'x', headers: { 'content-type': 'text/plain' } }),
    await callAs(ann, operation, {
      path,
      raw: JSON.stringify({ name: 'x'.repeat(takesMuch(operation) ? 9_000_000 : 600_000) }),
    }),
  ];

  /**
   * Models belong to nobody, whoever has a link may read it, and an AI SDK client that names an
   * unknown chat gets one.
   */
  // So is a pair that starts a conversation: most conversations have none.
  const ANYBODYS = [
    ...['streamUiMessage', 'runAgent', 'listAuiThreads', 'createAuiThread', 'readShared'],
    ...['createChat', 'createChatVerb'],
  ];
  const isOwned = ([, { tags, operationId, responses }]: [string, Operation]): boolean =>
    responses[404] !== undefined && !tags.includes('openai') && !ANYBODYS.includes(operationId);

  const sceneFor = scenesFor(() => server);

  it.each(named.filter(isOwned))(
    'of %s is a 404 where there is no such thing',
    async (id, operation) => {
      const scene = await sceneFor(operation);
      const { path = {}, query, body, ...rest } = await GOOD[id]!(scene);
      const missing = (fields: object | undefined) =>
        fields &&
        Object.fromEntries(
          Object.entries(fields).map(([name, value]) => [
            name,
            // There is one assistant, and any other is no value of the field.
            /(^|_)(?<!assistant_)(id|uuid)$/.test(name) ? unknownLike(value) : value,
          ]),
        );
      const call = {
        ...rest,
        path: missing(path),
        ...(query && { query: missing(query) }),
        ...(body ? { body: missing(body) } : {}),
      };
      const strange = await callAs(scene.ann, operation, call);
      const foreign = await callAs(stranger, operation, { ...rest, path, query, body });
      expect([strange.status, foreign.status]).toEqual([404, 404]);
      expect({ ...foreign.body, request_id: '' }).toEqual({ ...strange.body, request_id: '' });
    },
  );

  /** Conflicts and other refusals with a story. */
  const STORIES: [string, string, (scene: Scene) => Call | Promise<Call>][] = [
    ['register', 'email_taken', ({ ann }) => ({ body: { email: ann.email, password: PASSWORD } })],
    [
      'login',
      'invalid_credentials',
      ({ ann }) => ({ body: { email: ann.email, password: 'another password' } }),
    ],
    ['refresh', 'invalid_refresh_token', () => ({ body: { refresh_token: 'brt_nobody' } })],
    [
      'addMessage',
      'branch_head_moved',
      (scene) => ({
        ...inChat(scene),
        body: { question: 'q', response: 'r', parent_response_id: scene.chat.pairs[0] },
      }),
    ],
    [
      'retryAnswer',
      'answer_not_retryable',
      ({ chat }) => ({ path: { chat_id: chat.id, response_id: chat.pairs[0]! }, body: {} }),
    ],
    [
      'createBranch',
      'message_not_found',
      (scene) => ({ ...inChat(scene), body: { response_id: randomUUID() } }),
    ],
    [
      'getMessage',
      'message_not_found',
      (scene) => ({ path: { chat_id: scene.branch, response_id: scene.chat.pairs[2]! } }),
    ],
    [
      'listMessages',
      'message_not_found',
      (scene) => ({ ...inChat(scene), query: { around: randomUUID() } }),
    ],
    [
      'updateChat',
      'revision_stale',
      (scene) => ({ ...inChat(scene), body: { pinned: true }, headers: { 'if-match': '"0"' } }),
    ],
    [
      'updateChatVerb',
      'revision_stale',
      ({ chat }) => ({ body: { chat_id: chat.id, pinned: true }, headers: { 'if-match': '"0"' } }),
    ],
    [
      'deleteChat',
      'revision_stale',
      (scene) => ({ ...inChat(scene), headers: { 'if-match': '"0"' } }),
    ],
    [
      'deleteChat',
      'branch_has_children',
      (scene) => ({ ...inChat(scene), query: { children: 'refuse' } }),
    ],
    [
      'deleteChatVerb',
      'branch_has_children',
      ({ chat }) => ({ query: { chat_id: chat.id, children: 'refuse' } }),
    ],
    [
      'restoreChat',
      'conversation_deleted',
      async (scene) => (
        await scene.ann.delete(`/chats/${scene.chat.id}`),
        { path: { chat_id: scene.branch } }
      ),
    ],
    [
      'createWebhook',
      'too_many_webhooks',
      async (scene) => {
        for (let n = 0; n < 20; n++) await aWebhook(scene);
        return { body: { url: 'https://receiver.invalid' } };
      },
    ],
    [
      'testWebhook',
      'webhook_disabled',
      async (scene) => {
        const { path } = await aWebhook(scene);
        await scene.ann.patch(`/webhooks/${path.webhook_id}`, { enabled: false });
        return { path };
      },
    ],
    ['endAuthSession', 'session_not_found', () => ({ path: { session_id: randomUUID() } })],
    ['deleteApiKey', 'api_key_not_found', () => ({ path: { api_key_id: randomUUID() } })],
  ];

  it.each(STORIES)('of %s as %s is documented', async (id, code, story) => {
    const scene = await aScene(server);
    const answer = await callAs(scene.ann, of(id), await story(scene));
    expect([answer.body.code, codesOf(of(id), answer.status)]).toEqual([
      code,
      expect.arrayContaining([code]),
    ]);
  });
});
