import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { startTestApp, type TestApp } from '../support/app.js';
import {
  callAs,
  type Operation,
  operations,
  type Parameter,
  schemas,
  takesForm,
} from '../support/contract.js';
import { aForm } from '../support/forms.js';
import { resolve, type Schema } from '../support/schema.js';
import { valuesOf } from '../support/valid-values.js';
import { aScene, GOOD, type Scene } from './openapi-calls.js';

const RUNS = 25;

/** Ids of nobody, calls and results that do not belong together, choices of nothing. */
const NAMED =
  /must end with|another branch than|must not be given together|must be absent with store|There is no (response|item)|names the file|which nobody has called|twice|two tools|among the tools|that was made here|must say what to make short|no call of that id|call_id|has a result for|messages: calls/;

/** Refusals of what the document allows, since only the server can know. */
const PARTS =
  /question: must be a string|is of no call|is no file|must be the text of|must not be null without|goes? not with|blank|given twice|_parts|settings|"pairs/;
const MAY_REFUSE: Readonly<Record<string, RegExp>> = {
  // What is said by parts hangs together: calls and results, texts and parts, one place of a file.
  addMessage: PARTS,
  addMessageVerb: PARTS,
  editMessage: PARTS,
  regenerateMessage: PARTS,
  changePassword: /is not the password/,
  createApiKey: /must be in the future/,
  createWebhook: /must have a host that this server sends to/,
  updateWebhook: /must have a host that this server sends to/,
  // What a page shows is its own affair: the question is looked for in it.
  streamUiMessage:
    /must have a message of the role user|must have a text that is not blank|must be text;|that was not given here|callSettings|"(config|tools|message|messages)\b|must have parts of some type/,
  // What is new stands behind what is known; parts and calls are looked for in it.
  runAgent:
    /must say something|no answer yet|must not be empty or blank|must be a text|content|toolCallId|metadata|"?messages\b|is of no call|forwardedProps|tools|There is no such message/,
  connectAgent: /"?messages\b/,
  // Parents are looked for, and messages have a role.
  createAuiMessage: /content|"parent_id"|"parent_external_id"|"lease_id"|There is no such message/,
  updateAuiMessage: /content|"lease_id"|There is no such message/,
  listAuiMessages: /"after"|There is no such message/,
  listAuiThreads: /There is no such chat/,
  // A link that goes on with the branch ends at no pair, and no link has ended before it began.
  shareChat: /goes with no response_id|must be in the future/,
  // What is named may not be there, and what was said has an order.
  createResponse: NAMED,
  countInputTokens: NAMED,
  compactResponse: NAMED,
  createConversation: NAMED,
  createConversationItems: NAMED,
  createChatCompletion: NAMED,
};

const taking = operations
  .filter(({ requestBody }) => requestBody && !requestBody.content['application/octet-stream'])
  .map((operation): [string, Operation] => [operation.operationId, operation]);

let server: TestApp;
beforeAll(async () => {
  server = await startTestApp();
});
afterAll(() => server.close());

const bodySchema = ({ requestBody }: Operation) => Object.values(requestBody!.content)[0]!.schema;

const formOf = ({ file = '', ...fields }: Record<string, string>) => aForm({ bytes: file }, fields);

describe('a body that the document allows', () => {
  it.each(taking)('is not refused by %s for its form', async (id, operation) => {
    const scene: Scene = await aScene(server);
    const bodies = valuesOf(bodySchema(operation), schemas);
    const { path, query } = await GOOD[id]!(scene);
    const property = fc.asyncProperty(bodies, async (body) => {
      const sent = takesForm(operation) ? formOf(body as Record<string, string>) : { body };
      const answer = await callAs(scene.ann, operation, { path, query, ...sent });
      if (![400, 415, 422].includes(answer.status)) return;
      if (!MAY_REFUSE[id]?.test(answer.text))
        throw new Error(`${JSON.stringify(body)} was refused: ${answer.text}`);
    });
    const { failed, seed, errorInstance } = await fc.check(property, { numRuns: RUNS });
    expect(failed ? `seed ${seed}: ${String(errorInstance)}` : 'taken').toBe('taken');
  });
});

/** Of a parameter in a header HTTP takes printable ASCII, without blanks around it. */
const sentIn = ({ in: place }: Parameter, value: unknown): string =>
  place === 'header' ? String(value).replace(/[^!-~]/g, '~') || '~' : String(value);

const textsForbiddenBy = (schema: Schema): string[] => {
  if (schema.$ref) return textsForbiddenBy(resolve(schema.$ref, schemas));
  const { type, enum: values, format, minimum, maximum } = schema;
  if (values) return ['', 'nonsense', String(values[0]).toUpperCase()];
  if (type === 'boolean') return ['', 'yes', '1'];
  if (format === 'uuid') return ['', 'x', '019aa1b2-c3d4-7e5f-8a6b-7c8d9e0f1a2'];
  if (type !== 'integer') return [];
  return [
    '',
    'x',
    '1.5',
    '1e1',
    ...(minimum === undefined ? [] : [`${minimum - 1}`]),
    ...(maximum === undefined ? [] : [`${maximum + 1}`]),
  ];
};

const asking = operations
  .flatMap((operation) =>
    operation.parameters
      .filter((one) => one.in !== 'path')
      .map((parameter) => ({ operation, parameter })),
  )
  .map(({ operation, parameter }): [string, string, Operation, Parameter] => [
    operation.operationId,
    parameter.name,
    operation,
    parameter,
  ]);

describe('a parameter of a query or a header', () => {
  const RUNS_OF_ONE = 12;

  /** A call that is good but for one parameter. */
  async function callWith(
    scene: Scene,
    operation: Operation,
    parameter: Parameter,
    value: unknown,
  ) {
    const call = await GOOD[operation.operationId]!(scene);
    const one = { [parameter.name]: sentIn(parameter, value) };
    const query = parameter.in === 'query' ? { ...call.query, ...one } : call.query;
    const headers = parameter.in === 'header' ? { ...call.headers, ...one } : call.headers;
    return callAs(scene.ann, operation, { ...call, query, headers });
  }

  it.each(asking)(
    '%s: %s is refused by its name where the document forbids its value',
    async (_id, name, operation, parameter) => {
      const scene = await aScene(server);
      for (const text of textsForbiddenBy(parameter.schema)) {
        const { status, text: answer } = await callWith(scene, operation, parameter, text);
        expect([text, [400, 422]]).toEqual([text, expect.arrayContaining([status])]);
        expect([text, status, answer]).toEqual([
          text,
          expect.any(Number),
          expect.stringContaining(name),
        ]);
      }
    },
  );

  it.each(asking)(
    '%s: %s with a value that the document allows is answered as documented',
    async (_id, _name, operation, parameter) => {
      const scene = await aScene(server);
      const property = fc.asyncProperty(valuesOf(parameter.schema, schemas), async (value) => {
        const { status, text } = await callWith(scene, operation, parameter, value);
        if (status >= 500)
          throw new Error(`${JSON.stringify(value)} was answered by ${status}: ${text}`);
      });
      const { failed, seed, errorInstance } = await fc.check(property, { numRuns: RUNS_OF_ONE });
      expect(failed ? `seed ${seed}: ${String(errorInstance)}` : 'answered').toBe('answered');
    },
  );
});
