import { getMetadataStorage } from 'class-validator';
import { statedOf } from '../common/stated.js';
import { isLenient } from '../common/strict-input.guard.js';
import type { TextRules } from '../common/fields.js';
import { type Components, isReference, type Schema } from './document.js';
import { addMetadataRules, addPlainMetadataRules } from './metadata-rules.js';
import type { MetadataRules } from '../modules/message/metadata.js';
import { CURSOR_TEXT, SAID_TEXT } from '../common/text-patterns.js';

export type Class = abstract new (...args: never[]) => object;
interface Check {
  propertyName: string;
  name?: string;
  constraints?: unknown[];
}

/**
 * What a check says of its field in the words of JSON Schema, by the name of the check; the rest
 * stands in the classes.
 */
const SAID_BY: Readonly<Record<string, (constraints: readonly never[]) => Partial<Schema>>> = {
  isQuestion: ([rules]: readonly TextRules[]) => textSchema(rules!),
  isSaid: ([rules]: readonly TextRules[]) => textSchema(rules!),
  isCursor: ([charsMax]: readonly number[]) => ({
    ...{ minLength: 1, maxLength: charsMax, pattern: CURSOR_TEXT },
  }),
  isFormed: ([pattern]: readonly string[]) => ({ pattern }),
  isId: () => ({ format: 'uuid' }),
  isEmailAddress: () => ({ format: 'email' }),
  isInstant: () => ({ format: 'date-time' }),
  arrayUnique: () => ({ uniqueItems: true }),
  arrayNotEmpty: () => ({ minItems: 1 }),
  arrayMaxSize: ([max]: readonly number[]) => ({ maxItems: max }),
};

/** By what of these fields a pair may be said. */
const SAYING = ['question', 'question_parts', 'pairs'];

/**
 * `maxLength` counts characters; of a text that is bound by its bytes it is therefore only the most
 * that can fit.
 */
function textSchema({ charsMax, bytesMax, blank }: TextRules): Partial<Schema> {
  const maxLength = Math.min(charsMax ?? Infinity, bytesMax ?? Infinity);
  return {
    ...(maxLength < Infinity && { maxLength }),
    ...(blank ? {} : { minLength: 1, pattern: SAID_TEXT }),
  };
}

/**
 * Says in the schemas of request bodies what their classes check, so that nothing is refused which
 * the document allows: which texts are blank or too long, what an id is, and that there are no
 * other fields, where such are refused.
 * @param taken the classes that routes take; those that lie in them have checks of their own
 */
export function addRules(
  schemas: NonNullable<Components['schemas']>,
  taken: readonly Class[],
): void {
  for (const dto of new Set([...taken, ...checkedClasses()])) {
    const schema = schemas[dto.name];
    if (!schema || isReference(schema) || !schema.properties) continue;
    if (!isLenient(dto)) schema.additionalProperties = false;
    const checks = checksOf(dto);
    for (const check of checks) addRule(schema, check);
    const names = checks
      .filter(({ name }) => name === 'isChatName')
      .map(({ propertyName }) => propertyName);
    if (names.length > 0) schema.anyOf = names.map((name) => ({ required: [name] }));
    addSaying(schema, checks);
    Object.assign(schema, statedOf(dto));
    const metadata = checks.find(({ name }) => name === 'isMetadata');
    if (metadata) addMetadataRules(schema, schemas, metadata.constraints![0] as MetadataRules);
    const plain = checks.find(({ name }) => name === 'isPlainMetadata');
    if (plain) addPlainMetadataRules(schema, schemas, plain.constraints![0] as MetadataRules);
  }
}

function addSaying(schema: Schema, checks: readonly Check[]): void {
  if (!checks.some(({ name }) => name === 'isQuestion')) return;
  const fields = SAYING.filter((field) => field in schema.properties!);
  schema.anyOf = fields.map((field) => ({ required: [field] }));
}

/** class-validator keeps the classes that it has checks for, and gives no list of them. */
const checkedClasses = (): Class[] => [
  ...(
    getMetadataStorage() as unknown as { validationMetadatas: Map<Class, unknown> }
  ).validationMetadatas.keys(),
];

const checksOf = (dto: Class): Check[] =>
  getMetadataStorage().getTargetValidationMetadatas(dto, '', false, false) as Check[];

/** What the checks of a class say of its fields, by their names. */
export const rulesOf = (dto: Class): [name: string, rule: Partial<Schema>][] =>
  checksOf(dto).flatMap(({ propertyName, name = '', constraints = [] }) => {
    const say = SAID_BY[name];
    return say ? [[propertyName, say(constraints as never[])]] : [];
  });

function addRule(
  { properties = {} }: Schema,
  { propertyName, name = '', constraints = [] }: Check,
): void {
  const field = properties[propertyName];
  const say = SAID_BY[name];
  if (!field || isReference(field) || !say) return;
  // What the class says itself is more exact.
  Object.assign(field, { ...say(constraints as never[]), ...field });
}
