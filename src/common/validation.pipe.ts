import { type ArgumentMetadata, Injectable, type PipeTransform, type Type, ValidationPipe } from '@nestjs/common';
import { getMetadataStorage, type ValidationError, type ValidatorOptions } from 'class-validator';
import { isUuid } from './ids.js';
import { type FieldError, invalidField, problems } from './problems.js';
import { isLenient } from './strict-input.guard.js';

/** Nobody of good will nests deeper. */
export const JSON_LEVELS_MAX = 32;
/** Nest's pipe would take these keys out without a word. */
const KEYS_REFUSED = new Set(['__proto__', 'constructor', 'prototype']);

/**
 * Checks every body and query against its DTO class: unknown fields are refused (dropped, where the class is `@Lenient()`), and so is text
 * that the two stores would not give back unchanged. A refusal is one 422 that names each field.
 */
@Injectable()
export class DtoPipe extends ValidationPipe {
  constructor() {
    super({
      transform: true,
      whitelist: true,
      forbidNonWhitelisted: true,
      forbidUnknownValues: true,
      stopAtFirstError: true,
      validationError: { target: false, value: false },
      exceptionFactory: (errors) => problems.validation({ errors: fieldErrors(errors) }),
    });
  }

  override async transform(value: unknown, metadata: ArgumentMetadata): Promise<unknown> {
    if (metadata.type !== 'body' && metadata.type !== 'query') return value;
    const input = value === undefined ? {} : value;
    if (typeof input !== 'object' || input === null || Array.isArray(input)) throw invalidField('', 'the body must be a JSON object');
    const known = metadata.metatype && isLenient(metadata.metatype) ? knownTo(metadata.metatype, input) : input;
    const spoiled = spoiledText(known, '');
    if (spoiled) throw problems.validation({ errors: [spoiled] });
    return super.transform(known, metadata);
  }

  protected override validate(dto: object, options?: ValidatorOptions): Promise<ValidationError[]> | ValidationError[] {
    return super.validate(dto, isLenient(dto.constructor) ? { ...options, forbidNonWhitelisted: false } : options);
  }
}

function fieldErrors(errors: readonly ValidationError[], prefix = ''): FieldError[] {
  return errors.flatMap(({ property, constraints, children }) => {
    const path = prefix + property;
    const own = Object.entries(constraints ?? {}).map(([rule, message]) => ({
      path,
      message: rule === 'whitelistValidation' ? 'there is no such field; leave it out' : message,
    }));
    return [...own, ...fieldErrors(children ?? [], `${path}.`)];
  });
}

/** By class: they are declared once, and asked for with every request. */
const namesOf = new Map<Type, ReadonlySet<string>>();

/** The fields that the class has rules for: what the others hold does not matter. */
function knownTo(dto: Type, input: object): object {
  const rules = () => getMetadataStorage().getTargetValidationMetadatas(dto, '', false, false);
  const names = namesOf.get(dto) ?? new Set(rules().map(({ propertyName }) => propertyName));
  namesOf.set(dto, names);
  return Object.fromEntries(Object.entries(input).filter(([name]) => names.has(name)));
}

/**
 * The first string (key or value) that would be changed silently on its way into a store: PostgreSQL refuses U+0000, and turns a lone surrogate into U+FFFD.
 */
function spoiledText(value: unknown, path: string): FieldError | null {
  if (typeof value === 'string') return textFault(value, path);
  if (typeof value !== 'object' || value === null) return null;
  for (const [key, inner] of Object.entries(value)) {
    const at = path ? `${path}.${key}` : key;
    const fault = keyFault(key, path) ?? spoiledText(inner, at);
    if (fault) return fault;
  }
  return null;
}

/** Whether objects and lists lie in each other more than `levels` times. Looks no deeper than that. */
export function isNestedDeeper(value: unknown, levels: number): boolean {
  if (typeof value !== 'object' || value === null) return false;
  return levels === 0 || Object.values(value).some((inner) => isNestedDeeper(inner, levels - 1));
}

function keyFault(key: string, path: string): FieldError | null {
  return KEYS_REFUSED.has(key) ? { path, message: `must not have the key ${key}` } : textFault(key, path);
}

function textFault(text: string, path: string): FieldError | null {
  if (text.includes('\0')) return { path, message: 'must not contain U+0000' };
  return text.isWellFormed() ? null : { path, message: 'must be well-formed Unicode (it has a lone surrogate)' };
}

/** A path parameter that is a UUID; answered in lower case. A malformed one is a 422 that names it. */
@Injectable()
export class UuidPipe implements PipeTransform<string, string> {
  transform(value: string, { data }: ArgumentMetadata): string {
    if (!isUuid(value)) throw invalidField(data ?? 'id', 'must be a UUID');
    return value.toLowerCase();
  }
}
