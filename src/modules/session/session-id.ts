import { type ArgumentMetadata, Injectable, type PipeTransform } from '@nestjs/common';
import { invalidField } from '../../common/problems.js';

export const SESSION_ID_CHARS_MAX = 200;

/** The name of a session, taken as it is: any text that says something. @throws 422 that names `session_id` */
export function checkedSessionId(name: string): string {
  const fault =
    name.length > SESSION_ID_CHARS_MAX
      ? `must have at most ${SESSION_ID_CHARS_MAX} characters`
      : name.trim() === ''
        ? 'must not be empty or blank'
        : name.includes('\0') || !name.isWellFormed()
          ? 'must be well-formed Unicode without U+0000'
          : null;
  if (fault) throw invalidField('session_id', fault);
  return name;
}

@Injectable()
export class SessionIdPipe implements PipeTransform<string, string> {
  transform(value: string): string {
    return checkedSessionId(value);
  }
}

/** A path parameter that is a whole number; which ones exist is another question. */
@Injectable()
export class WholeNumberPipe implements PipeTransform<string, number> {
  transform(value: string, { data = 'id' }: ArgumentMetadata): number {
    if (!/^-?\d+$/.test(value)) throw invalidField(data, 'must be a whole number');
    return Number(value);
  }
}
