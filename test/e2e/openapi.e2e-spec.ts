import { randomUUID } from 'node:crypto';
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { PUBLIC_ROUTES } from '../../src/modules/auth/public-routes.js';
import { startTestApp, type TestApp } from '../support/app.js';
import { TestClient } from '../support/client.js';
import {
  callAs,
  document,
  followed,
  type Operation,
  operations,
  schemas,
} from '../support/contract.js';
import { routesOf } from '../support/routes.js';
import { faultsOf } from '../support/schema.js';
import { aScene, GOOD, scenesFor } from './openapi-calls.js';

const named = operations.map((operation): [string, Operation] => [
  operation.operationId,
  operation,
]);
const isSecured = ({ security }: Operation): boolean => security?.length !== 0;

let server: TestApp;
beforeAll(async () => {
  server = await startTestApp();
});
afterAll(() => server.close());

/** Everything below a node that is an object, with its path. */
function nodesOf(node: unknown, at = '#'): [string, Record<string, unknown>][] {
  if (typeof node !== 'object' || node === null) return [];
  const inner = Object.entries(node).flatMap(([key, value]) => nodesOf(value, `${at}/${key}`));
  return Array.isArray(node) ? inner : [[at, node as Record<string, unknown>], ...inner];
}

describe('the document', () => {
  it('is OpenAPI 3.1 and says who we are', () => {
    expect(document.openapi).toBe('3.1.0');
    expect(document.info).toMatchObject({
      title: 'Banyan',
      version: expect.stringMatching(/^\d+\.\d+\.\d+/),
      license: { name: 'Apache-2.0' },
    });
    expect(Object.keys(document).sort()).toEqual([
      'components',
      'info',
      'openapi',
      'paths',
      'security',
      'servers',
      'tags',
    ]);
  });

  it('says of every text of a JSON body what it must be: one with U+0000 is refused', () => {
    const textsOf = (schema: object, seen: Set<string>): [string, Record<string, unknown>][] =>
      nodesOf(schema).flatMap(([at, node]) => {
        const ref = node['$ref'] as string | undefined;
        if (!ref) return node['type'] === 'string' && !/\/examples?\b/.test(at) ? [[at, node]] : [];
        if (seen.has(ref)) return [];
        return textsOf(followed({ $ref: ref }), seen.add(ref));
      });
    const texts = operations.flatMap(({ operationId, requestBody }) => {
      const schema = requestBody?.content['application/json']?.schema;
      return schema ? textsOf(schema, new Set([operationId])) : [];
    });
    const rules = ['pattern', 'enum', 'const', 'format'];
    const free = texts.filter(([, text]) => !rules.some((rule) => rule in text));
    expect(texts.length).toBeGreaterThan(100);
    expect(free.map(([at]) => at)).toEqual([]);
  });

  it.each(['openapi', 'postman'])(
    'and what is made from it are in git as `npm run %s` makes them',
    async (name) => {
      const script = fileURLToPath(new URL(`../../scripts/${name}.mjs`, import.meta.url));
      const { stdout } = await promisify(execFile)(process.execPath, [script, '--check']);
      expect(stdout).toContain('is up to date');
    },
  );

  it('has no reference that leads nowhere, and no component that nobody names', () => {
    const refs = nodesOf(document).flatMap(([, node]) =>
      typeof node.$ref === 'string' ? [node.$ref] : [],
    );
    for (const $ref of refs) expect(followed({ $ref })).toBeDefined();
    const parts = Object.entries(document.components as Record<string, object>).filter(
      ([kind]) => kind !== 'securitySchemes',
    );
    const names = parts.flatMap(([kind, part]) =>
      Object.keys(part).map((name) => `#/components/${kind}/${name}`),
    );
    expect(names.filter((name) => !refs.includes(name))).toEqual([]);
  });

  it('has neither a keyword of OpenAPI 3.0 nor a note of ours left in it', () => {
    expect(
      nodesOf(document).filter(
        ([at, node]) =>
          !/examples?\//.test(at) &&
          ('nullable' in node || Object.keys(node).some((key) => key.startsWith('x-'))),
      ),
    ).toEqual([]);
  });

  it('gives every operation a name of its own, a summary, and a tag that is described', () => {
    expect(new Set(operations.map(({ operationId }) => operationId)).size).toBe(operations.length);
    const tags = new Map(
      (document.tags as { name: string; description: string }[]).map(({ name, description }) => [
        name,
        description,
      ]),
    );
    for (const { operationId, summary, tags: own } of operations) {
      expect(operationId).toMatch(/^[a-z][a-zA-Z]+$/);
      expect([operationId, summary, own.map((tag) => tags.get(tag))]).toEqual([
        operationId,
        expect.stringMatching(/^[A-Z].+[^.]$/),
        [expect.stringMatching(/.+/)],
      ]);
    }
  });

  it.each(named)(
    '%s: its parameters are those of its path, and all are described',
    (_id, { path, parameters }) => {
      const inPath = parameters.filter((one) => one.in === 'path');
      expect(inPath.map(({ name }) => `{${name}}`).sort()).toEqual(
        (path.match(/\{\w+\}/g) ?? []).sort(),
      );
      expect(inPath.every(({ required }) => required)).toBe(true);
      for (const { name, schema } of parameters)
        expect([name, typeof schema.type]).toEqual([name, schema.oneOf ? 'undefined' : 'string']);
    },
  );

  it('gives examples that fit their schemas', () => {
    const media = nodesOf(document).flatMap(([at, node]) =>
      node.schema && node.examples ? [{ at, ...(node as any) }] : [],
    );
    expect(media.length).toBeGreaterThan(20);
    for (const { at, schema, examples } of media) {
      for (const { value } of Object.values<{ value: unknown }>(examples))
        expect([at, faultsOf(value, schema, schemas)]).toEqual([at, []]);
    }
    for (const [at, node] of nodesOf(schemas)) {
      if (node.example !== undefined && node.type)
        expect([at, faultsOf(node.example, node, schemas)]).toEqual([at, []]);
    }
  });
});

it('the checker of these tests sees a missing field, a stray one, and one of a wrong kind', () => {
  const head = { chat_id: randomUUID(), response_id: null, seq: 1 };
  const faultsWith = (fields: object) =>
    faultsOf({ ...head, ...fields }, { $ref: '#/components/schemas/HeadDto' }, schemas).length;
  expect(
    [{}, { seq: 1.5 }, { chat_id: 'x' }, { chat_id: null }, { stray: 1 }, { seq: undefined }].map(
      faultsWith,
    ),
  ).toEqual([0, 1, 1, 1, 1, 1]);
  expect(faultsOf({}, { $ref: '#/components/schemas/HeadDto' }, schemas)).toHaveLength(3);
});

/** The page and the documentation are no part of the API. */
const OTHER_PAGES = /^($|c\/|icon\.svg|assets\/|docs|openapi\.json)/;

describe('the routes', () => {
  it('of the server and of the document are the same', async () => {
    const paths = [...new Set(routesOf(server.app).map((route) => route.split(' ')[1]!))].filter(
      (path) => !OTHER_PAGES.test(path.slice(1)),
    );
    const served: string[] = [];
    for (const path of paths) {
      for (const method of ['GET', 'POST', 'PUT', 'PATCH', 'DELETE']) {
        const { status, body } = await new TestClient(server.url).request(
          method,
          path.replace(/:\w+/g, randomUUID()),
        );
        if (status !== 405 && (body?.error?.code ?? body?.code) !== 'route_not_found')
          served.push(`${method} ${path.replace(/:(\w+)/g, '{$1}')}`);
      }
    }
    expect(served.sort()).toEqual(operations.map(({ method, path }) => `${method} ${path}`).sort());
  });

  it('without a token are the public ones', () => {
    const open = operations
      .filter((operation) => !isSecured(operation))
      .map(({ method, path }) => `${method} ${path}`);
    expect(open.sort()).toEqual(
      PUBLIC_ROUTES.filter((route) => !OTHER_PAGES.test(route.split(' /')[1]!))
        .map((route) => route.replace(/:(\w+)/g, '{$1}'))
        .sort(),
    );
  });
});

describe('an answer', () => {
  const sceneFor = scenesFor(() => server);

  it.each(named)('of %s to a good request is as the document says', async (id, operation) => {
    const scene = await sceneFor(operation);
    const call = await GOOD[id]?.(scene);
    if (!call) throw new Error(`Say in GOOD how ${id} is called.`);
    const answer = await callAs(scene.ann, operation, call);
    expect(answer.status).toBeLessThan(300);
    const headers = Object.keys(operation.responses[answer.status]?.headers ?? {}).filter((name) =>
      /^(etag|content-state)$/i.test(name),
    );
    expect(headers.filter((name) => !answer.headers.has(name))).toEqual([]);
  });

  it.each(named.filter(([, operation]) => operation.responses[304]))(
    'of %s to who has it is a 304',
    async (id, operation) => {
      const scene = await sceneFor(operation);
      const call = await GOOD[id]!(scene);
      const { headers } = await callAs(scene.ann, operation, call);
      expect(
        (
          await callAs(scene.ann, operation, {
            ...call,
            headers: { 'if-none-match': headers.get('etag')! },
          })
        ).status,
      ).toBe(304);
    },
  );

  it.each(
    named.filter(([, { parameters }]) => parameters.some(({ name }) => name === 'Idempotency-Key')),
  )('of %s is given twice', async (id, operation) => {
    const scene = await aScene(server);
    const good = await GOOD[id]!(scene);
    const call = { ...good, headers: { ...good.headers, 'idempotency-key': randomUUID() } };
    const first = await callAs(scene.ann, operation, call);
    const second = await callAs(scene.ann, operation, call);
    expect([second.status, second.text, second.headers.get('idempotent-replayed')]).toEqual([
      first.status,
      first.text,
      'true',
    ]);
    const bad = await callAs(scene.ann, operation, {
      ...call,
      headers: { ...call.headers, 'idempotency-key': 'ä' },
    });
    expect(bad.body.error?.code ?? bad.body.code).toBe('invalid_idempotency_key');
  });

  it('of every POST of ours but those that hold secrets or store nothing is kept under an Idempotency-Key', () => {
    const without = operations.filter(
      ({ method, path, parameters }) =>
        method === 'POST' &&
        !path.includes('/auth/') &&
        !path.endsWith('/events/ticket') &&
        ![
          '/v1/chat/completions',
          '/api/chat',
          '/agui',
          '/agui/connect',
          '/mcp',
          '/aui/v1/runs/stream',
        ].includes(path) &&
        !/^\/v1\/responses\/(input_tokens|compact)$/.test(path) &&
        !/^\/aui\/v1\/.*\/(heartbeat|end)$/.test(path) &&
        !parameters.some(({ name }) => name === 'Idempotency-Key'),
    );
    expect(without.map(({ operationId }) => operationId)).toEqual([]);
  });
});

describe('the pages', () => {
  it('/docs, /openapi.json and /docs/errors need no token', async () => {
    const anyone = new TestClient(server.url);
    const [ui, json, errors] = await Promise.all(
      ['/docs', '/openapi.json', '/docs/errors'].map((path) => anyone.request('GET', path)),
    );
    expect([ui!.status, json!.status, errors!.status]).toEqual([200, 200, 200]);
    expect(Object.keys(json!.body.paths)).toEqual(Object.keys(document.paths));
    expect(errors!.text).toContain('<h2 id="chat_not_found">');
    expect(errors!.headers.get('content-type')).toBe('text/html; charset=utf-8');
  });

  it('/docs brings no script and no style from elsewhere', async () => {
    const { text } = await new TestClient(server.url).request('GET', '/docs');
    expect(
      text.match(/(?:src|href)\s*=\s*["'][^"']+/g)?.filter((link) => /:\/\//.test(link)),
    ).toEqual([]);
    expect(text).not.toMatch(/<script>|<script [^>]*>[^<\s]/);
  });
});
