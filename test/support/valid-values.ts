import fc from 'fast-check';
import {
  faultsOf,
  holds,
  joined,
  resolve,
  withOption,
  type Schema,
  type Schemas,
} from './schema.js';

type Values = fc.Arbitrary<unknown>;

const LISTS_MAX = 4;
const TEXT_MAX = 40;
/** A longer bound may be one of bytes, which a schema cannot say. */
const BRIM_MAX = 2048;
const DEPTH_MAX = 6;

/**
 * Values of every kind that a schema of `openapi.json` allows, and none that it forbids. @param
 * depth of lists and objects in each other
 */
export function valuesOf(schema: Schema, schemas: Schemas, depth = DEPTH_MAX): Values {
  const { not, ...others } = schema;
  if (not)
    return valuesOf(others, schemas, depth).filter(
      (value) => faultsOf(value, not, schemas).length > 0,
    );
  if (schema.$ref) return valuesOfNamed(schema.$ref, schemas, depth);
  if (schema.allOf?.some((part) => !part.if))
    return valuesOf(joined(schema, schemas), schemas, depth);
  const options = (schema.anyOf ?? schema.oneOf)?.filter(
    (option) => depth > 0 || !isContainer(option),
  );
  if (options)
    return fc.oneof(
      ...options.map((option) => valuesOf(withOption(schema, option), schemas, depth)),
    );
  if (schema.enum) return fc.constantFrom(...schema.enum);
  return ofTypes(schema, schemas, depth);
}

/** By document, name and depth: what is named in many places is made once. */
const made = new WeakMap<Schemas, Map<string, Values>>();

function valuesOfNamed(ref: string, schemas: Schemas, depth: number): Values {
  const known = made.get(schemas) ?? new Map<string, Values>();
  made.set(schemas, known);
  const key = `${ref} ${depth}`;
  const values = known.get(key) ?? valuesOf(resolve(ref, schemas), schemas, depth);
  known.set(key, values);
  return values;
}

/** What is not said to be of a type may be any JSON. */
function ofTypes(schema: Schema, schemas: Schemas, depth: number): Values {
  const types = schema.type ?? (schema.properties ? 'object' : ANY);
  const values = fc.oneof(...[types].flat().map((type) => ofType(type, schema, schemas, depth)));
  return types === ANY ? values.filter(isSendable) : values;
}

/**
 * No text that is sent here may have U+0000, wherever it stands; a schema cannot say that of fields
 * that it does not name, or that may be any JSON.
 */
const isSendable = (value: unknown): boolean => !JSON.stringify(value).includes('\\u0000');
const freeJson = fc.jsonValue({ maxDepth: 2 }).filter(isSendable);
const ANY = ['object', 'string', 'number', 'boolean', 'null'];
const isContainer = ({ type }: Schema): boolean => type === 'array' || type === 'object';

function ofType(type: string, schema: Schema, schemas: Schemas, depth: number): Values {
  const { minimum: min = -1_000_000, maximum: max = 1_000_000 } = schema;
  if (type === 'null') return fc.constant(null);
  if (type === 'boolean') return fc.boolean();
  if (type === 'integer') return fc.integer({ min, max });
  if (type === 'number') return fc.double({ min, max, noNaN: true, noDefaultInfinity: true });
  if (type === 'array') return listsOf(schema, schemas, depth - 1);
  return type === 'object'
    ? conditionsKept(objectsOf(schema, schemas, depth - 1), schema, schemas)
    : textsOf(schema);
}

function listsOf(
  { items = {}, contains, minItems: minLength = 0, maxItems = Infinity, uniqueItems }: Schema,
  schemas: Schemas,
  depth: number,
): Values {
  const bounds = { minLength, maxLength: Math.min(maxItems, minLength + LISTS_MAX) };
  const each = valuesOf(items, schemas, depth);
  if (uniqueItems) return fc.uniqueArray(each, { ...bounds, comparator: 'SameValue' });
  const list = fc.array(each, bounds);
  if (!contains) return list;
  const one = valuesOf(contains, schemas, depth);
  return fc
    .tuple(list, one, fc.nat(LISTS_MAX))
    .map(([others, wanted, at]) => others.toSpliced(at, 0, wanted));
}

/** Fields that are not required come and go; where others are allowed, some come. */
function objectsOf(
  { properties = {}, required = [], additionalProperties, ...rest }: Schema,
  schemas: Schemas,
  depth: number,
): Values {
  const fields = Object.fromEntries(
    Object.entries(properties).map(([name, schema]) => [name, valuesOf(schema, schemas, depth)]),
  );
  const known = fc.record(fields, { requiredKeys: required.filter((name) => name in fields) });
  if (!additionalProperties) return known;
  const names = rest.propertyNames
    ? textsOf({ maxLength: 12, ...rest.propertyNames, minLength: 1 })
    : textsOf({ maxLength: 12, minLength: 1, pattern: '^[^\\u0000]*$' });
  const inner =
    additionalProperties === true ? freeJson : valuesOf(additionalProperties, schemas, depth);
  const maxKeys = Math.min(rest.maxProperties ?? Infinity, LISTS_MAX);
  const others = fc.dictionary(
    (names as fc.Arbitrary<string>).filter((name) => !(name in properties)),
    inner,
    { maxKeys, noNullPrototype: true },
  );
  return fc.tuple(others, known).map(([more, own]) => ({ ...more, ...own }));
}

/** Where the condition of an `if` holds, the fields that its `then` names are made by it. */
function conditionsKept(objects: Values, { allOf = [] }: Schema, schemas: Schemas): Values {
  return allOf.reduce<Values>((values, { if: condition, then }) => {
    const better = valuesOf({ type: 'object', ...then! }, schemas) as fc.Arbitrary<object>;
    return values.chain((value) =>
      holds(value as object, condition!)
        ? better.map((more) => ({ ...(value as object), ...more }))
        : fc.constant(value),
    );
  }, objects);
}

const instants = fc
  .date({ noInvalidDate: true, min: new Date('1970-01-01'), max: new Date('2200-01-01') })
  .map((date) => date.toISOString());
const FORMATS: Readonly<Record<string, fc.Arbitrary<string>>> = {
  uuid: fc.uuid(),
  email: fc.emailAddress(),
  uri: fc.webUrl(),
  date: instants.map((text) => text.slice(0, 10)),
  'date-time': instants,
};

/**
 * JSON carries no half of a surrogate pair: a text has none. Some are as long as they may be, in
 * characters that are two code units each.
 */
function textsOf({
  format,
  pattern,
  minLength = 0,
  maxLength = Infinity,
}: Schema): fc.Arbitrary<string> {
  const most = Math.min(maxLength, minLength + TEXT_MAX);
  const plain = fc.string({ unit: 'binary', minLength, maxLength: most });
  const texts = (format && FORMATS[format]) || (pattern ? matching(pattern, plain) : plain);
  const regex = new RegExp(pattern ?? '', 'u');
  const brim = '😀'.repeat(maxLength <= BRIM_MAX ? maxLength : 1);
  const fits = (text: string): boolean =>
    [...text].length >= minLength && [...text].length <= maxLength && regex.test(text);
  const all =
    !format && fits(brim)
      ? fc.oneof({ weight: 4, arbitrary: texts }, { weight: 1, arbitrary: fc.constant(brim) })
      : texts;
  return all.filter((text) => text.isWellFormed() && fits(text));
}

/** By pattern: texts that are made for one take a while to be planned. */
const planned = new Map<string, fc.Arbitrary<string>>();

function matching(pattern: string, plain: fc.Arbitrary<string>): fc.Arbitrary<string> {
  const regex = new RegExp(pattern, 'u');
  // Patterns that leave most texts alone get texts of all kinds; the others such as are made for
  // them.
  if (/^\^\[\^/.test(pattern)) return plain.filter((text) => regex.test(text));
  const texts = planned.get(pattern) ?? fc.stringMatching(regex, { size: 'small' });
  planned.set(pattern, texts);
  return texts;
}
