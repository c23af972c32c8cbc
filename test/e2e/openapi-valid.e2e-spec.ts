import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { startTestApp, type TestApp } from '../support/app.js';
import type { Answer, TestClient } from '../support/client.js';
import {
  type Call,
  callAs,
  type Operation,
  operations,
  type Parameter,
  schemas,
  takesForm,
} from '../support/contract.js';
import { aForm } from '../support/forms.js';
import { faultsOf, resolve, type Schema } from '../support/schema.js';
import { valuesOf } from '../support/valid-values.js';
import { aScene, GOOD, type Scene } from './openapi-calls.js';

const RUNS = 25;
/** The same values in each run: what fails, fails again. TEST_SEED draws others. */
const SEED = Number(process.env.TEST_SEED ?? 1);
/** What is found by then is told; a failure is made smaller by many further requests. */
const LIMIT_MS = 20_000;

/** Ids of nobody, calls and results that do not belong together, choices of nothing. */
const NAMED =
  /must end with|another branch than|There is no (response|item)|names the file|which nobody has called|twice|two tools|among the tools|that was made here|no call of that id|call_id|has a result for|messages: calls/;

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
  register: /invitation: is not good/,
  resetPassword: /token: is not good/,
  createApiKey: /must be in the future/,
  createWebhook: /must have a host that this server sends to/,
  updateWebhook: /must have a host that this server sends to/,
  // What a file is, is told by its bytes; what a result is of, by the path.
  streamUiMessage: /by its bytes|is of no call|must not be given twice/,
  // What is new stands behind what is known; parts and calls are looked for in it.
  runAgent: /by its bytes|is of no call|must not be given twice|that has no answer yet/,
  shareChat: /must be in the future/,
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
    const { failed, errorInstance } = await fc.check(property, {
      seed: SEED,
      numRuns: RUNS,
      interruptAfterTimeLimit: LIMIT_MS,
    });
    expect(failed ? String(errorInstance) : 'taken').toBe('taken');
  });
});

/** Of a parameter in a header HTTP takes printable ASCII, without blanks around it. */
const sentIn = ({ in: place }: Parameter, value: unknown): string =>
  place === 'header' ? String(value).replace(/[^!-~]/g, '~') || '~' : String(value);

/**
 * Refusals of a value that the document allows: what only the server knows (a key that came twice
 * by chance, too), or others say.
 */
const MAY_REFUSE_VALUE =
  /is not a cursor of this list|use only one of|to look for|to be found beside|words"|idempotency_key_reused/;

/** What people and programs send in the place of an id, a name or a cursor. */
const STRAY = [
  ...['', ' ', 'x', '0', '=', 'conv_', 'resp_x', 'msg_', 'file-1', 'a b', '\u0000', '\u2603'],
  ...['019aa1b2-c3d4-7e5f-8a6b-7c8d9e0f1a2', 'conv_019aa1b2-c3d4-7e5f-8a6b-7c8d9e0f1a2b:'],
];

const textsForbiddenBy = (schema: Schema): string[] => {
  if (schema.$ref) return textsForbiddenBy(resolve(schema.$ref, schemas));
  const { type, enum: values, format, minimum, maximum, maxLength = Infinity } = schema;
  if (values) return ['', 'nonsense', String(values[0]).toUpperCase()];
  if (type === 'boolean') return ['', 'yes', '1'];
  if (format === 'uuid') return ['', 'x', '019aa1b2-c3d4-7e5f-8a6b-7c8d9e0f1a2'];
  if (type !== 'integer')
    return [...STRAY, ...(maxLength < Infinity ? ['x'.repeat(maxLength + 1)] : [])].filter(
      (text) => faultsOf(text, schema, schemas).length > 0,
    );
  return [
    '',
    'x',
    '1.5',
    '1e1',
    ...(minimum === undefined ? [] : [`${minimum - 1}`]),
    ...(maximum === undefined ? [] : [`${maximum + 1}`]),
  ];
};

/** What is no segment of a path, and a header that says nothing, are other requests. */
const isNothing = (text: string, { in: place }: Parameter): boolean =>
  (place === 'path' && text === '') || (place === 'header' && !/^[!-~]+$/.test(text));
const forbiddenTo = (parameter: Parameter): string[] =>
  textsForbiddenBy(parameter.schema).filter((text) => !isNothing(text, parameter));

type Asked = [operationId: string, name: string, operation: Operation, parameter: Parameter];
const asking = operations.flatMap((operation) =>
  operation.parameters.map((parameter): Asked => [
    ...([operation.operationId, parameter.name, operation, parameter] as const),
  ]),
);
/** Of what is a UUID and no more, any other one is an unknown one. */
const isPlainId = ([, , , { in: place, schema }]: Asked): boolean =>
  place === 'path' && schema.format === 'uuid';

describe('a parameter of a path, a query or a header', () => {
  const RUNS_OF_ONE = 12;
  interface Stage {
    scene: Scene;
    call: Call;
  }
  const stages = new Map<string, Promise<Stage>>();
  const aStage = async (id: string, ann?: TestClient): Promise<Stage> => {
    const scene = await aScene(server, ann);
    return { scene, call: await GOOD[id]!(scene) };
  };
  /** One for all parameters of an operation: what is refused or only read changes nothing. */
  const stageOf = (id: string): Promise<Stage> =>
    stages.get(id) ?? stages.set(id, aStage(id)).get(id)!;

  /** A call that is good but for one parameter. */
  async function callWith(
    { ann }: Scene,
    call: Call,
    operation: Operation,
    parameter: Parameter,
    value: unknown,
  ): Promise<Answer> {
    const one = { [parameter.name]: sentIn(parameter, value) };
    const query = parameter.in === 'query' ? { ...call.query, ...one } : call.query;
    const headers = parameter.in === 'header' ? { ...call.headers, ...one } : call.headers;
    const path = parameter.in === 'path' ? { ...call.path, ...one } : call.path;
    return callAs(ann, operation, { ...call, path, query, headers });
  }

  it.each(asking.filter(([, , , parameter]) => forbiddenTo(parameter).length > 0))(
    '%s: %s is refused by its name where the document forbids its value',
    async (id, name, operation, parameter) => {
      const { scene, call } = await stageOf(id);
      for (const text of forbiddenTo(parameter)) {
        const { status, text: answer } = await callWith(scene, call, operation, parameter, text);
        expect([text, [400, 422]]).toEqual([text, expect.arrayContaining([status])]);
        expect([text, status, answer]).toEqual([
          text,
          expect.any(Number),
          expect.stringContaining(name),
        ]);
      }
    },
  );

  it.each(asking.filter((one) => !isPlainId(one)))(
    '%s: %s with a value that the document allows is answered as documented',
    async (id, _name, operation, parameter) => {
      const isRead = operation.method === 'GET';
      const stage = await stageOf(id);
      const { scene } = isRead ? stage : await aStage(id, stage.scene.ann);
      const property = fc.asyncProperty(valuesOf(parameter.schema, schemas), async (value) => {
        const call = isRead ? stage.call : await GOOD[id]!(scene);
        const { status, text } = await callWith(scene, call, operation, parameter, value);
        const isRefused = [400, 422].includes(status) && !MAY_REFUSE_VALUE.test(text);
        if (status >= 500 || isRefused)
          throw new Error(`${JSON.stringify(value)} was answered by ${status}: ${text}`);
      });
      const { failed, errorInstance } = await fc.check(property, {
        seed: SEED,
        numRuns: RUNS_OF_ONE,
      });
      expect(failed ? String(errorInstance) : 'answered').toBe('answered');
    },
  );
});
