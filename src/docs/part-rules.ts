import { PART_DTOS, PartSourceDto } from '../modules/chat/part.dto.js';
import { type Components, isReference } from './document.js';

/** Says of parts that they have no other fields, but where they may. */
export function addPartRules(schemas: NonNullable<Components['schemas']>): void {
  for (const dto of PART_DTOS) {
    const schema = schemas[dto.name];
    if (schema && !isReference(schema)) schema.additionalProperties = dto === PartSourceDto;
  }
}
