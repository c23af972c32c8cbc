/** A schema of `openapi.json`, as far as that file uses JSON Schema. */
export interface Schema {
  $ref?: string;
  anyOf?: Schema[];
  oneOf?: Schema[];
  allOf?: Schema[];
  if?: Schema;
  not?: Schema;
  contains?: Schema;
  then?: Schema;
  const?: unknown;
  type?: string | string[];
  enum?: unknown[];
  format?: string;
  minLength?: number;
  maxLength?: number;
  pattern?: string;
  minimum?: number;
  maximum?: number;
  required?: string[];
  properties?: Record<string, Schema>;
  additionalProperties?: boolean | Schema;
  propertyNames?: Schema;
  maxProperties?: number;
  items?: Schema;
  minItems?: number;
  maxItems?: number;
  uniqueItems?: boolean;
}

export type Schemas = Readonly<Record<string, Schema>>;

const FORMATS: Readonly<Record<string, (text: string) => boolean>> = {
  uuid: (text) => /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/.test(text),
  date: (text) => /^\d{4}-\d\d-\d\d$/.test(text),
  'date-time': (text) => /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/.test(text),
  email: (text) => /^\S+@\S+$/.test(text),
  password: () => true,
  uri: (text) => URL.canParse(text),
  'uri-reference': (text) => URL.canParse(text, 'http://localhost'),
};
const KNOWN = new Set([
  ...['description', 'example', 'default'],
  '$ref',
  'anyOf',
  'oneOf',
  'not',
  'contains',
  'discriminator',
  'allOf',
  'type',
  'enum',
  'format',
  'minLength',
  'maxLength',
  'pattern',
  'minimum',
  'maximum',
  ...['required', 'properties', 'additionalProperties', 'propertyNames', 'maxProperties'],
  ...['items', 'minItems', 'maxItems', 'uniqueItems'],
]);

/**
 * What in a value is not as the schema says, one line each. A field that the schema does not name
 * is a fault too.
 */
export function faultsOf(value: unknown, schema: Schema, schemas: Schemas, at = '$'): string[] {
  const unknown = Object.keys(schema).find((key) => !KNOWN.has(key));
  if (unknown) throw new Error(`${at}: this checker does not know the keyword ${unknown}`);
  if (schema.$ref) return faultsOf(value, resolve(schema.$ref, schemas), schemas, at);
  if (schema.allOf?.some((part) => part.if)) return conditionalFaults(value, schema, schemas, at);
  if (schema.allOf) return faultsOf(value, joined(schema, schemas), schemas, at);
  const options = (schema.anyOf ?? schema.oneOf)?.map((option) => withOption(schema, option));
  if (options) return anyFaults(value, options, schemas, at);
  return (
    notFault(value, schema, schemas, at) ??
    typeFault(value, schema, at) ??
    partFaults(value, schema, schemas, at)
  );
}

/**
 * One of the options of a schema: those of an object say what is required of it besides, and what
 * its fields are.
 */
export function withOption({ anyOf: _any, oneOf: _one, ...own }: Schema, option: Schema): Schema {
  if (!own.properties) return option;
  const properties = { ...own.properties };
  for (const [name, field] of Object.entries(option.properties ?? {}))
    properties[name] = field.$ref ? field : { ...properties[name], ...field };
  const required = [...(own.required ?? []), ...(option.required ?? [])];
  return { ...own, ...option, properties, required };
}

/** Whether the condition of an `if` holds: conditions ask for one value of some fields. */
export const holds = (value: unknown, { properties = {} }: Schema): boolean =>
  Object.entries(properties).every(
    ([name, field]) => (value as Record<string, unknown> | null)?.[name] === field.const,
  );

/** Where a condition holds, its `then` goes before what is said of the fields anyway. */
function conditionalFaults(
  value: unknown,
  { allOf = [], ...own }: Schema,
  schemas: Schemas,
  at: string,
): string[] {
  const said = allOf.filter((part) => holds(value, part.if!)).map(({ then }) => then!);
  const properties = Object.assign(
    {},
    own.properties,
    ...said.map((then) => then.properties),
  ) as Record<string, Schema>;
  const required = [...(own.required ?? []), ...said.flatMap((then) => then.required ?? [])];
  return faultsOf(value, { ...own, properties, required }, schemas, at);
}

/** What the parts of `allOf` say together: a field that one of them names is known to all. */
export function joined({ allOf = [], ...own }: Schema, schemas: Schemas): Schema {
  const parts = [...allOf.map((part) => (part.$ref ? resolve(part.$ref, schemas) : part)), own];
  const properties = parts.some((part) => part.properties) && {
    properties: Object.assign({}, ...parts.map((part) => part.properties)),
  };
  return {
    ...Object.assign({}, ...parts),
    ...properties,
    required: parts.flatMap(({ required }) => required ?? []),
  };
}

export function resolve(ref: string, schemas: Schemas): Schema {
  const schema = schemas[ref.replace('#/components/schemas/', '')];
  if (!schema) throw new Error(`${ref} leads nowhere`);
  return schema;
}

function anyFaults(
  value: unknown,
  options: readonly Schema[],
  schemas: Schemas,
  at: string,
): string[] {
  const faults = options.map((option) => faultsOf(value, option, schemas, at));
  return faults.some((one) => one.length === 0) ? [] : faults.flat();
}

const notFault = (value: unknown, { not }: Schema, schemas: Schemas, at: string) =>
  not && faultsOf(value, not, schemas).length === 0
    ? [`${at}: ${JSON.stringify(value)} is what it must not be`]
    : null;

function typeFault(value: unknown, { type, enum: values }: Schema, at: string): string[] | null {
  const types = type === undefined ? [] : [type].flat();
  if (types.length > 0 && !types.some((one) => isOf(value, one)))
    return [`${at}: ${JSON.stringify(value)} is no ${types.join(' or ')}`];
  return values && !values.includes(value)
    ? [`${at}: ${JSON.stringify(value)} is none of ${values.join(', ')}`]
    : null;
}

function isOf(value: unknown, type: string): boolean {
  if (type === 'null') return value === null;
  if (type === 'integer') return Number.isInteger(value);
  if (type === 'array') return Array.isArray(value);
  if (type === 'object')
    return typeof value === 'object' && value !== null && !Array.isArray(value);
  return typeof value === type;
}

function partFaults(value: unknown, schema: Schema, schemas: Schemas, at: string): string[] {
  if (typeof value === 'string') return textFaults(value, schema, at);
  if (typeof value === 'number') return numberFaults(value, schema, at);
  if (Array.isArray(value)) return itemFaults(value, schema, schemas, at);
  return typeof value === 'object' && value !== null && schema.properties
    ? fieldFaults(value, schema, schemas, at)
    : [];
}

function itemFaults(
  list: unknown[],
  { items, contains, minItems = 0, maxItems = Infinity }: Schema,
  schemas: Schemas,
  at: string,
): string[] {
  const faults =
    list.length < minItems || list.length > maxItems ? [`${at}: ${list.length} items`] : [];
  const isThere = !contains || list.some((item) => faultsOf(item, contains, schemas).length === 0);
  return [
    ...faults,
    ...(isThere ? [] : [`${at}: has not what it must contain`]),
    ...list.flatMap((item, i) => (items ? faultsOf(item, items, schemas, `${at}[${i}]`) : [])),
  ];
}

function textFaults(
  text: string,
  { format, pattern, minLength = 0, maxLength = Infinity }: Schema,
  at: string,
): string[] {
  const isFormat = format ? FORMATS[format] : () => true;
  if (!isFormat) throw new Error(`${at}: this checker does not know the format ${format}`);
  const faults = isFormat(text) ? [] : [`${at}: ${JSON.stringify(text)} is no ${format}`];
  if (pattern && !new RegExp(pattern, 'u').test(text))
    faults.push(`${at}: ${JSON.stringify(text)} does not match ${pattern}`);
  return text.length < minLength || text.length > maxLength
    ? [...faults, `${at}: ${text.length} characters`]
    : faults;
}

const numberFaults = (
  value: number,
  { minimum = -Infinity, maximum = Infinity }: Schema,
  at: string,
): string[] => (value < minimum || value > maximum ? [`${at}: ${value} is out of range`] : []);

function fieldFaults(
  value: object,
  { properties = {}, required = [], additionalProperties }: Schema,
  schemas: Schemas,
  at: string,
): string[] {
  const missing = required
    .filter((name) => !(name in value))
    .map((name) => `${at}.${name} is missing`);
  const fields = Object.entries(value).flatMap(([name, inner]) => {
    const schema = properties[name];
    if (schema) return faultsOf(inner, schema, schemas, `${at}.${name}`);
    return additionalProperties ? [] : [`${at}.${name} is not in the document`];
  });
  return [...missing, ...fields];
}
