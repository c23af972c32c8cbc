import { SetMetadata } from '@nestjs/common';

const STATED = 'banyan:stated';

/**
 * On the class of a body: what the API document says of it as a whole, in the words of JSON Schema,
 * such as which of its fields must be there together.
 */
export const Stated = (schema: object): ClassDecorator => SetMetadata(STATED, schema);

/** What was so said of a class. */
export const statedOf = (dto: object): object => (Reflect.getMetadata(STATED, dto) ?? {}) as object;

/** Of a field that is given: null is as if it were not there. */
export const GIVEN = { not: { type: 'null' } };

/** JSON Schema: an object that has all of these fields, whatever else it has. */
export const having = (fields: Record<string, object>): object => ({
  ...{ type: 'object', required: Object.keys(fields), properties: fields },
  additionalProperties: true,
});
