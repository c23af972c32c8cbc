import { type ArgumentMetadata, Injectable, type PipeTransform, type Type } from '@nestjs/common';
import { readDto } from './dto-reader.js';
import { Faults } from './faults.js';
import { isUuid } from './ids.js';
import { isObject } from './is-object.js';
import { isSound } from './json-body.js';
import { invalidField } from './problems.js';

/**
 * Checks every body and query against its DTO class: unknown fields are refused (dropped, where the
 * class is `@Lenient()`), and so is text that the two stores would not give back unchanged. A
 * refusal is one 422 that names the fields.
 */
@Injectable()
export class DtoPipe implements PipeTransform {
  transform(value: unknown, { type, metatype }: ArgumentMetadata): unknown {
    if (type !== 'body' && type !== 'query') return value;
    const input = value === undefined ? {} : value;
    if (!isObject(input)) throw invalidField('', 'the body must be a JSON object');
    const faults = new Faults();
    const dto = readDto(metatype as Type<object>, input, { faults, checkText: !isSound(input) });
    faults.throwIfAny();
    return dto;
  }
}

/**
 * A path parameter that is a UUID; answered in lower case. A malformed one is a 422 that names it.
 */
@Injectable()
export class UuidPipe implements PipeTransform<string, string> {
  transform(value: string, { data }: ArgumentMetadata): string {
    if (!isUuid(value)) throw invalidField(data ?? 'id', 'must be a UUID');
    return value.toLowerCase();
  }
}
