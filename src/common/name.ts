import { type ArgumentMetadata, Injectable, type PipeTransform } from '@nestjs/common';
import { invalidField } from './problems.js';
import { isLonger } from './text-length.js';

export const NAME_CHARS_MAX = 200;

/**
 * A name that clients make up (of a session, of a chat), taken as it is: any text that says
 * something. @throws 422 that names `field`
 */
export function checkedName(field: string, name: string): string {
  const fault = isLonger(name, NAME_CHARS_MAX)
    ? `must have at most ${NAME_CHARS_MAX} characters`
    : name.trim() === ''
      ? 'must not be empty or blank'
      : name.includes('\0') || !name.isWellFormed()
        ? 'must be well-formed Unicode without U+0000'
        : null;
  if (fault) throw invalidField(field, fault);
  return name;
}

/** A path parameter that is such a name. */
@Injectable()
export class NamePipe implements PipeTransform<string, string> {
  transform(value: string, { data = 'id' }: ArgumentMetadata): string {
    return checkedName(data, value);
  }
}
