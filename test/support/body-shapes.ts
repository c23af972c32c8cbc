import { type Operation, schemas } from './contract.js';
import type { Schema } from './schema.js';

/** As much as the bodies of a route may hold. */
export interface Size {
  values: number;
  bytes: number;
}

export interface Shape {
  name: string;
  /** In pieces, of which the large ones are the same in many bodies. */
  body: readonly Buffer[];
}

/** Left for the rest of a body. */
const [REST_VALUES, REST_BYTES] = [200, 4096];
/**
 * More in a known field shows nothing that an unknown one, filled to the bound, does not: what
 * grows faster than a body shows by then.
 */
const KNOWN_MAX: Size = { values: 20_000, bytes: 256 * 1024 };

const UUID = '019aa1b2-c3d4-7e5f-8a6b-7c8d9e0f1a2b';
const OF_FORMAT: Readonly<Record<string, string>> = {
  uuid: UUID,
  email: 'ada@example.org',
  'date-time': '2099-01-31T00:00:00Z',
};

export const bodySchemaOf = ({ requestBody }: Operation): Schema | undefined =>
  requestBody?.content['application/json']?.schema;

/** A body that the document allows: its first example, else one made from the schema. */
export function goodBodyOf(operation: Operation): Record<string, unknown> {
  const [example] = Object.values(
    operation.requestBody?.content['application/json']?.examples ?? {},
  );
  return (example?.value ?? sampleOf(bodySchemaOf(operation)!)) as Record<string, unknown>;
}

/** The fields that the document knows of a body. */
export const fieldsOf = (operation: Operation): string[] =>
  Object.keys(resolved(bodySchemaOf(operation)!).properties ?? {});

/** The path of an operation with what the document gives as examples for its parameters. */
export const examplePathOf = ({ path, parameters }: Operation): string =>
  path.replace(/\{(\w+)\}/g, (_, name: string) => {
    const { schema, example } = parameters.find((one) => one.name === name) as {
      schema: Schema;
      example?: unknown;
    };
    return encodeURIComponent(String(example ?? sampleOf(schema)));
  });

function resolved(schema: Schema): Schema {
  const { $ref, allOf, oneOf, anyOf, properties } = schema;
  if (properties) return schema;
  if ($ref) return resolved(schemas[$ref.split('/').pop()!]!);
  if (allOf) return Object.assign({}, ...allOf.map(resolved)) as Schema;
  const [first] = oneOf ?? anyOf ?? [];
  return first ? resolved(first) : schema;
}

function sampleOf(schema: Schema & { example?: unknown; examples?: unknown[] }): unknown {
  const given = schema.example ?? schema.examples?.[0];
  if (given !== undefined) return given;
  const { type, enum: values, format = '', minimum, items, properties = {} } = resolved(schema);
  if (values) return values[0];
  const samples: Record<string, () => unknown> = {
    integer: () => minimum ?? 1,
    number: () => minimum ?? 1,
    boolean: () => true,
    array: () => [sampleOf(items!)],
    object: () =>
      Object.fromEntries(
        Object.entries(properties).map(([name, field]) => [name, sampleOf(field)]),
      ),
    string: () => OF_FORMAT[format] ?? 'some text of a person',
  };
  return samples[[type].flat()[0] ?? 'string']!();
}

/**
 * Bodies of every shape that is dear for what reads it, each as large as it may be: in each known
 * field, and in fields of nobody, of which one has a name that is kept to the last digit elsewhere.
 */
export function shapesFor(operation: Operation, size: Size): Shape[] {
  const good = goodBodyOf(operation);
  const known = {
    values: Math.min(size.values, KNOWN_MAX.values),
    bytes: Math.min(size.bytes, KNOWN_MAX.bytes),
  };
  const brimful = ['metadata', 'nobodys'];
  const places = new Map([
    ...fieldsOf(operation).map((field): [string, Size] => [field, known]),
    ...brimful.map((field): [string, Size] => [field, size]),
  ]);
  const shapes = [...places].flatMap(([place, room]) =>
    [...hostilePayloads(room), goodOnes(known, good[place])].map(([name, json]) =>
      shapeOf(`${name} in ${place}`, good, place, json),
    ),
  );
  return [...shapes, ...wholes(size, good), ...beyond(size)];
}

function shapeOf(name: string, good: object, place: string, json: Buffer): Shape {
  const others = Object.entries(good).filter(([key]) => key !== place);
  const head = others.map(([key, value]) => `${memberOf(key, value)},`).join('');
  return { name, body: [Buffer.from(`{${head}"${place}":`), json, Buffer.from('}')] };
}
const memberOf = (key: string, value: unknown): string =>
  `${JSON.stringify(key)}:${JSON.stringify(value)}`;

const times = (count: number, make: (n: number) => string): string =>
  Array.from({ length: count }, (_, n) => make(n)).join(',');

type Payload = [name: string, json: Buffer];

/** What is as large as that is made once for each size. */
function onceBySize<T>(make: (size: Size) => T): (size: Size) => T {
  const made = new Map<string, T>();
  return (size) => {
    const key = JSON.stringify(size);
    const known = made.get(key) ?? make(size);
    made.set(key, known);
    return known;
  };
}

const hostilePayloads = onceBySize((size) =>
  makePayloads(size).map(([name, json]): Payload => [name, Buffer.from(json)]),
);

function makePayloads({ values, bytes }: Size): [name: string, json: string][] {
  const [most, long] = [values - REST_VALUES, bytes - REST_BYTES];
  return [
    ['lists', `[${times(most / 2, () => '[]')}]`],
    ['objects', `[${times(most / 2, () => '{}')}]`],
    ['pairs', `[${times(most / 3, () => '{"b":0,"a":0}')}]`],
    ['strings', `[${times(most, () => '"a"')}]`],
    ['nulls', `[${times(most, () => 'null')}]`],
    ['numbers', `[${times(most, () => '1.5')}]`],
    ['towers', `[${times(Math.floor(most / 30), () => `${'['.repeat(28)}${']'.repeat(28)}`)}]`],
    ['members', `{${times(most, (n) => `"k${n}":0`)}}`],
    ['numbered members', `{${times(most, (n) => `"${n}":0`)}}`],
    ['64 members', `{${times(64, (n) => `"k${n}":"${'x'.repeat(200)}"`)}}`],
    ['digits', `{"a":[${times(1500, (n) => `${n}.1234560`)}]}`],
    ['many digits', `[${times(Math.min(most, long / 5), () => '1.10')}]`],
    ['a long string', `"${'x'.repeat(long)}"`],
    ['half a string', `"${'ä'.repeat(Math.floor(Math.min(long, 128 * 1024) / 2) - 8)}"`],
    ['escapes', `"${'\\u00e4'.repeat(Math.floor(long / 6))}"`],
    ['pairs of surrogates', `"${'\\ud83c\\udf32'.repeat(Math.floor(long / 12))}"`],
    ['spoiled text', `[${times(most / 2, () => '"a"')},"\\u0000"]`],
  ];
}

function goodOnes({ values, bytes }: Size, good: unknown): Payload {
  const items = [good ?? null].flat();
  const perItem = JSON.stringify(items).split(/[,[{]/).length;
  const fitting = Math.min(
    (values - REST_VALUES) / perItem,
    (bytes - REST_BYTES) / (JSON.stringify(items).length + 1),
  );
  const one = JSON.stringify(items[0] ?? null);
  const json = `[${times(Math.max(1, Math.floor(fitting)), () => one)}]`;
  return ['good ones', Buffer.from(json)];
}

/** What stands behind the fields of a good body, or within its first brace. */
const fillings = onceBySize(({ values, bytes }) => {
  const most = values - REST_VALUES;
  const padded = Math.floor((bytes - REST_BYTES) / most) - 4;
  const members = (key: (n: number) => string) =>
    Buffer.from(`,${times(most, (n) => `"${key(n)}":0`)}}`);
  return {
    behind: {
      'unknown keys': members((n) => `k${n}`),
      'long unknown keys': members((n) => `k${n}`.padEnd(padded, '_')),
      'numbered keys': members((n) => String(n)),
      'a long unknown text': Buffer.from(`,"nobodys":"${'x'.repeat(bytes - REST_BYTES)}"}`),
      'one key many times': members(() => '__proto__'),
    },
    space: Buffer.from(' \n'.repeat(Math.floor((bytes - REST_BYTES) / 2))),
  };
});

function wholes(size: Size, good: object): Shape[] {
  const json = JSON.stringify(good);
  const { behind, space } = fillings(size);
  return [
    ...Object.entries(behind).map(([name, filling]) => ({
      name,
      body: [Buffer.from(json.slice(0, -1)), filling],
    })),
    { name: 'white space', body: [Buffer.from('{'), space, Buffer.from(json.slice(1))] },
  ];
}

/** What no route takes. */
const beyond = onceBySize(({ bytes }): Shape[] => {
  const depth = Math.min(100_000, bytes / 4);
  const count = Math.floor((bytes - REST_BYTES) / 8);
  const bodies = {
    'lists without end': `{"messages":[${times(count, () => '[]')}]}`,
    'members without end': `{"metadata":{${times(Math.floor(count / 2), (n) => `"${n}":0`)}}}`,
    'levels without end': `{"metadata":${'['.repeat(depth)}${']'.repeat(depth)}}`,
  };
  return Object.entries(bodies).map(([name, body]) => ({ name, body: [Buffer.from(body)] }));
});
