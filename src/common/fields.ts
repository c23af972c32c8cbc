import { applyDecorators } from '@nestjs/common';
import {
  IsBoolean,
  IsIn,
  IsInt,
  Max,
  Min,
  ValidateBy,
  ValidateIf,
  type ValidationArguments,
} from 'class-validator';
import { Read } from './dto-reader.js';
import { isUuid } from './ids.js';
import { isLonger } from './text-length.js';
import { CURSOR_TEXT } from './text-patterns.js';

const CURSOR = new RegExp(CURSOR_TEXT);

/**
 * A check that says itself what is wrong, or null. It runs once: what it found is kept for the
 * moment until it is told.
 */
export function Held(
  name: string,
  faultOf: (value: unknown, args?: ValidationArguments) => string | null,
  ...constraints: unknown[]
): PropertyDecorator {
  let fault: string | null = null;
  const validate = (value: unknown, args?: ValidationArguments): boolean => {
    fault = faultOf(value, args);
    return fault === null;
  };
  return ValidateBy({
    name,
    constraints,
    validator: { validate, defaultMessage: () => fault ?? '' },
  });
}

/**
 * What a string field of ours must be; `bytesMax` counts UTF-8, `charsMax` characters (code points,
 * as `maxLength` of JSON Schema does).
 */
export interface TextRules {
  charsMax?: number;
  bytesMax?: number;
  /** Blank text (nothing but white space) is refused unless this is set. */
  blank?: boolean;
}

/** A string that says something and fits. */
export const IsSaid = ({
  charsMax = Infinity,
  bytesMax = Infinity,
  blank = false,
}: TextRules = {}): PropertyDecorator => {
  const faultOf = (value: unknown): string | null => {
    if (typeof value !== 'string') return 'must be a string';
    if (!blank && value.trim() === '') return 'must not be empty or blank';
    if (isLonger(value, charsMax)) return `must have at most ${charsMax} characters`;
    if (Buffer.byteLength(value) > bytesMax) return `must have at most ${bytesMax} bytes of UTF-8`;
    return null;
  };
  // The rules go with it for the API document (docs/rules.ts).
  return Held('isSaid', faultOf, { charsMax, bytesMax, blank });
};

/** A UUID in its textual form; read in lower case. */
export const IsId = (): PropertyDecorator =>
  applyDecorators(
    Read((value) => (isUuid(value) ? value.toLowerCase() : value)),
    ValidateBy({
      name: 'isId',
      validator: { validate: isUuid, defaultMessage: () => 'must be a UUID' },
    }),
  );

/**
 * A cursor of a page; whether it is one of the list is seen where it is read (`cursor.ts`).
 */
export const IsCursor = (charsMax = 400): PropertyDecorator =>
  Held(
    'isCursor',
    (value) =>
      typeof value === 'string' && value.length <= charsMax && CURSOR.test(value)
        ? null
        : 'is not a cursor of this list; take one from a page of it',
    charsMax,
  );

/**
 * The field may be left out. Null is a value like any other here: a field that takes it says so by
 * `IsOptional`.
 */
export const Optional = (): PropertyDecorator => ValidateIf((_body, value) => value !== undefined);

/** A whole number in a query string. */
export const QueryInt = (min: number, max: number): PropertyDecorator =>
  applyDecorators(
    Read((value) =>
      typeof value === 'string' && /^\d{1,15}$/.test(value) ? Number(value) : value,
    ),
    IsInt({ message: `must be a whole number from ${min} to ${max}` }),
    Min(min, { message: `must be at least ${min}` }),
    Max(max, { message: `must be at most ${max}` }),
  );

/** `true` or `false` in a query string. */
export const QueryBoolean = (): PropertyDecorator =>
  applyDecorators(
    Read((value) => (value === 'true' ? true : value === 'false' ? false : value)),
    IsBoolean({ message: 'must be true or false' }),
  );

export const OneOf = (values: readonly unknown[]): PropertyDecorator =>
  IsIn(values as unknown[], { message: `must be one of: ${values.join(', ')}` });

/** RFC 3339 with an offset: a local time would mean another instant on another machine. */
const INSTANT = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d)$/;

/** A point in time, as text. */
export const IsInstant = (): PropertyDecorator =>
  ValidateBy({
    name: 'isInstant',
    validator: {
      validate: (value: unknown) =>
        typeof value === 'string' && INSTANT.test(value) && !Number.isNaN(Date.parse(value)),
      defaultMessage: () =>
        'must be a time in ISO 8601 with an offset, such as 2027-01-31T00:00:00Z',
    },
  });
