import type { OpenAPIObject } from '@nestjs/swagger';
import { ANY_TEXT } from '../common/text-patterns.js';
import { type Components, isReference, placesOf, type Schema } from './document.js';

/** These formats leave no room for what a text must not have. */
const EXACT_FORMATS = ['uuid', 'email', 'date-time', 'uri'];
const isPlainText = ({ type, format = '', pattern, enum: values }: Schema): boolean =>
  [type].flat().includes('string' as never) &&
  !EXACT_FORMATS.includes(format) &&
  !pattern &&
  !values;

const schemasIn = ({ properties, items, additionalProperties, oneOf, anyOf, allOf }: Schema) => [
  ...Object.values(properties ?? {}),
  ...[items, additionalProperties].filter((schema) => typeof schema === 'object'),
  ...[oneOf, anyOf, allOf].flatMap((list) => list ?? []),
];

/**
 * Says of every text that a JSON body can have, however deep it lies, that it has no U+0000
 * (`spoiled-text.ts` refuses it wherever it stands).
 */
export function addTextRules(document: OpenAPIObject, components: Components): void {
  const seen = new Set<object>();
  const visit = (schema: object): void => {
    if (seen.has(schema)) return;
    seen.add(schema);
    if (isReference(schema)) {
      const named = components.schemas?.[schema.$ref.split('/').at(-1)!];
      if (named) visit(named);
      return;
    }
    if (isPlainText(schema)) (schema as Schema).pattern = ANY_TEXT;
    schemasIn(schema).forEach(visit);
  };
  for (const { operation } of placesOf(document)) {
    const body = operation.requestBody;
    if (!body || isReference(body)) continue;
    const schema = body.content['application/json']?.schema;
    if (schema) visit(schema);
  }
}
