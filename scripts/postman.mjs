// npm run postman: writes postman_collection.json (v2.1) from openapi.json and postman-steps.mjs;
// with --check it compares, and exits with 1. scripts/newman.mjs runs the collection against a
// server of its own.
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { writeOrCheck } from './generated.mjs';
import { FOLDERS, VARIABLES } from './postman-steps.mjs';

const SCHEMA = 'https://schema.getpostman.com/json/collection/v2.1.0/collection.json';
const fileOf = (name) => fileURLToPath(new URL(`../${name}`, import.meta.url));
const document = JSON.parse(readFileSync(fileOf('openapi.json'), 'utf8'));

const operations = new Map(
  Object.entries(document.paths).flatMap(([path, item]) =>
    Object.entries(item).map(([method, operation]) => [
      operation.operationId,
      { ...operation, method: method.toUpperCase(), path },
    ]),
  ),
);

function collection() {
  const missing = [...operations.keys()].filter(
    (id) =>
      !Object.values(FOLDERS)
        .flat()
        .some(({ op }) => op === id),
  );
  if (missing.length > 0)
    throw new Error(`No step of scripts/postman-steps.mjs calls: ${missing.join(', ')}`);
  const { title, version, description } = document.info;
  return {
    info: {
      name: title,
      description: `${description}\n\nRun it from top to bottom against a fresh account: it makes one.`,
      version,
      schema: SCHEMA,
    },
    auth: { type: 'bearer', bearer: [{ key: 'token', value: '{{access_token}}', type: 'string' }] },
    variable: Object.entries(VARIABLES).map(([key, value]) => ({ key, value })),
    item: Object.entries(FOLDERS).map(([name, steps]) => folder(name, steps)),
  };
}

function folder(name, steps) {
  const description = document.tags.find((tag) => tag.name === name)?.description;
  return { name, ...(description && { description }), item: steps.map(requestOf) };
}

function requestOf(step) {
  const operation = operations.get(step.op);
  if (!operation)
    throw new Error(
      `scripts/postman-steps.mjs names an operation that is not in openapi.json: ${step.op}`,
    );
  const { summary, description, method, security } = operation;
  const body = bodyOf(step, operation);
  const headers = { ...(body && { 'Content-Type': 'application/json' }), ...step.headers };
  return {
    name: step.name ?? summary,
    event: [
      ...(step.before ? [script('prerequest', [step.before])] : []),
      script('test', testsOf(step, operation)),
    ],
    request: {
      method,
      ...(description && { description }),
      ...((step.noauth || security?.length === 0) && { auth: { type: 'noauth' } }),
      header: Object.entries(headers).map(([key, value]) => ({ key, value })),
      ...(body && { body: { mode: 'raw', raw: body, options: { raw: { language: 'json' } } } }),
      url: urlOf(step, operation),
    },
  };
}

const script = (listen, exec) => ({ listen, script: { type: 'text/javascript', exec } });

function bodyOf({ body, raw }, { requestBody }) {
  if (raw !== undefined || !requestBody) return raw;
  const [example] = Object.values(requestBody.content['application/json']?.examples ?? {});
  return JSON.stringify(body ?? example?.value ?? {}, null, 2);
}

function urlOf({ path: ids = {}, query = {} }, { path }) {
  const filled = path.replace(/\{(\w+)\}/g, (_, name) => ids[name] ?? `{{${name}}}`);
  const pairs = Object.entries(query).map(([key, value]) => ({ key, value }));
  const search = pairs.map(({ key, value }) => `${key}=${value}`).join('&');
  return {
    raw: `{{base_url}}${filled}${search && `?${search}`}`,
    host: ['{{base_url}}'],
    path: filled.slice(1).split('/'),
    ...(pairs.length > 0 && { query: pairs }),
  };
}

/** The lines of a test script. */
function testsOf({ status: wanted, code, set = {}, tests = {}, stream = false }, { responses }) {
  const status = wanted ?? Number(Object.keys(responses).find((one) => one.startsWith('2')));
  const schema = stream ? null : schemaOf(responses[status]);
  const isOpenAi = schema?.name === 'OpenAiErrorDto';
  const own = Object.entries(tests).map(([sentence, fact]) =>
    assertion(sentence, `pm.expect(${fact}).to.be.true`),
  );
  return [
    assertion(`answers ${status}`, `pm.response.to.have.status(${status})`),
    ...(schema || own.length > 0 || Object.keys(set).length > 0
      ? [`const answer = pm.response.${stream ? 'text' : 'json'}();`]
      : []),
    ...(schema
      ? [
          assertion(
            `has the fields of ${schema.name}`,
            `pm.expect(answer).to.include.all.keys(${schema.required.map((key) => `'${key}'`).join(', ')})`,
          ),
        ]
      : []),
    ...(code
      ? [
          assertion(
            `says ${code}`,
            `pm.expect(${isOpenAi ? 'answer.error.code' : 'answer.code'}).to.equal('${code}')`,
          ),
        ]
      : []),
    ...own,
    ...Object.entries(set).map(
      ([name, value]) => `pm.collectionVariables.set('${name}', ${value});`,
    ),
  ];
}

const assertion = (sentence, line) => `pm.test(${JSON.stringify(sentence)}, () => ${line});`;

/** Name and required fields of what a response answers; null when it has no body. */
function schemaOf(response) {
  if (!response)
    throw new Error('A step wants a status that openapi.json does not know for its operation');
  const found = response.$ref
    ? document.components.responses[response.$ref.split('/').at(-1)]
    : response;
  const [media] = Object.values(found.content ?? {});
  const name = media?.schema.$ref?.split('/').at(-1);
  return name ? { name, required: document.components.schemas[name].required } : null;
}

process.exit(writeOrCheck(fileOf('postman_collection.json'), collection(), 'npm run postman'));
