import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { startTestApp, type TestApp } from '../support/app.js';
import { callAs, type Operation, operations, schemas } from '../support/contract.js';
import { valuesOf } from '../support/valid-values.js';
import { aScene, GOOD, type Scene } from './openapi-calls.js';

const RUNS = 25;

/** Refusals of what the document allows, since only the server can know. */
const MAY_REFUSE: Readonly<Record<string, RegExp>> = {
  changePassword: /is not the password/,
  createApiKey: /must be in the future/,
  createWebhook: /must have a host that this server sends to/,
  updateWebhook: /must have a host that this server sends to/,
  // What a page shows is its own affair: the question is looked for in it.
  streamUiMessage: /must have a message of the role user|must have a text that is not blank|must be text;|that was not given here/,
  // The order of what was said; the API takes more of it than is stored here.
  createResponse:
    /there is none|must end with a message of the user|another branch than|must not be given together|must be absent with store/,
  createConversation: /there is none/,
  createConversationItems: /there is none|heard only where a conversation is made/,
};

const taking = operations
  .filter(({ requestBody }) => requestBody)
  .map((operation): [string, Operation] => [operation.operationId, operation]);

let server: TestApp;
beforeAll(async () => {
  server = await startTestApp();
});
afterAll(() => server.close());

const bodySchema = ({ requestBody }: Operation) => Object.values(requestBody!.content)[0]!.schema;

describe('a body that the document allows', () => {
  it.each(taking)('is not refused by %s for its form', async (id, operation) => {
    const scene: Scene = await aScene(server);
    const bodies = valuesOf(bodySchema(operation), schemas);
    const { path, query } = await GOOD[id]!(scene);
    const property = fc.asyncProperty(bodies, async (body) => {
      const answer = await callAs(scene.ann, operation, { path, query, body });
      if (![400, 415, 422].includes(answer.status)) return;
      if (!MAY_REFUSE[id]?.test(answer.text)) throw new Error(`${JSON.stringify(body)} was refused: ${answer.text}`);
    });
    const { failed, seed, errorInstance } = await fc.check(property, { numRuns: RUNS });
    expect(failed ? `seed ${seed}: ${String(errorInstance)}` : 'taken').toBe('taken');
  });
});
