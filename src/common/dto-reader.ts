import { applyDecorators, type Type } from '@nestjs/common';
import {
  getMetadataStorage,
  ValidateBy,
  type ValidationArguments,
  ValidationTypes,
  type ValidatorConstraintInterface,
} from 'class-validator';
import type { Faults } from './faults.js';
import { isObject } from './is-object.js';
import { spoiledText } from './spoiled-text.js';
import { isLenient } from './strict-input.guard.js';

const READ = 'read';
const NESTED = 'nested';
const MEMBERS = 'members';
const WITHIN = 'within';

/** Changes a value before it is checked: `Read((value) => …)`. It must bear values of any type. */
export const Read = (read: (value: unknown) => unknown): PropertyDecorator =>
  ValidateBy({ name: READ, constraints: [read], validator: { validate: () => true } });

/**
 * A field of a query that is made of all parameters with its name and a dot before theirs:
 * `metadata.KEY=value`.
 */
export const Members = (): PropertyDecorator =>
  ValidateBy({ name: MEMBERS, validator: { validate: () => true } });

/** A field that is an object of a DTO class. */
export const ObjectOf = (dto: () => Type): PropertyDecorator =>
  ValidateBy({
    name: NESTED,
    constraints: [dto],
    validator: { validate: isObject, defaultMessage: () => 'must be an object' },
  });

/** A field that is a list of at most `max` objects of a DTO class. */
export const ListOf = (dto: () => Type, max: number): PropertyDecorator =>
  ValidateBy({
    name: NESTED,
    constraints: [dto],
    validator: {
      validate: (value) => Array.isArray(value) && value.length <= max,
      defaultMessage: () => `must be a list of at most ${max} objects`,
    },
  });

/** What is wrong within a value: where (`.3.call_id`), and what. */
interface InnerFault {
  path: string;
  message: string;
}
type FaultWithin = (value: unknown, body: object) => InnerFault | null;

/**
 * A check of all that a field holds, which says itself where in it something is wrong. It comes
 * behind the other rules of the field.
 * @param constraints for the API document, under this name
 */
export const Within = (
  name: string,
  faultOf: FaultWithin,
  ...constraints: unknown[]
): PropertyDecorator =>
  applyDecorators(
    ValidateBy({ name: WITHIN, constraints: [faultOf], validator: { validate: () => true } }),
    ValidateBy({ name, constraints, validator: { validate: () => true } }),
  );

interface Rule {
  holds: (value: unknown, args: ValidationArguments) => boolean;
  /** `value` and `object` are those of the moment. */
  args: ValidationArguments;
  message: () => string;
}

interface Field {
  name: string;
  reads: ((value: unknown) => unknown)[];
  /** The field is checked only where all of them hold. */
  conditions: ((dto: object, value: unknown) => boolean)[];
  /** In the order of the decorators, from the last one up. */
  rules: Rule[];
  nested: (() => Type) | null;
  within: FaultWithin | null;
  /** Whether it is made of parameters by `Members`. */
  members: boolean;
}

interface Plan {
  lenient: boolean;
  fields: readonly Field[];
  names: ReadonlySet<string>;
  /** Those that are made by `Members`. */
  members: readonly string[];
}

/** One reading of one body. */
interface BodyReading {
  faults: Faults;
  /** Whether strings may hold what a store would change. */
  checkText: boolean;
  /** Of the object that is read, with a dot behind it; empty for the body itself. */
  path?: string;
}

/** By class: decorators are run once, bodies come all the time. */
const plans = new Map<Type, Plan>();

/**
 * Reads an object as a DTO by the decorators of class-validator on its class: each field is taken
 * as it is (or as its `Read` makes it) and held to its rules, of which the first that does not hold
 * is told. The cost grows with what is read and not faster: class-transformer and the validator of
 * class-validator pay the square of the number of unknown keys, and some 15 µs for each object of a
 * list.
 */
export function readDto<Dto extends object>(
  dto: Type<Dto>,
  input: object,
  reading: BodyReading,
): Dto {
  const { faults, path = '' } = reading;
  const plan = plans.get(dto) ?? makePlan(dto);
  const values = input as Record<string, unknown>;
  const read = new dto() as Record<string, unknown>;
  if (!plan.lenient) faults.addUnknown(unknownIn(values, plan), path);
  for (const name of plan.members) read[name] = membersOf(values, name);
  for (const { name, reads } of plan.fields) {
    if (plan.names.has(name) && Object.hasOwn(values, name))
      read[name] = reads.reduce((value, change) => change(value), values[name]);
  }
  for (const field of plan.fields) readField(field, read, reading);
  return read as Dto;
}

const unknownIn = (values: object, { names, members }: Plan): string[] =>
  Object.keys(values).filter(
    (name) => !names.has(name) && !members.some((one) => name.startsWith(`${one}.`)),
  );

function membersOf(values: Record<string, unknown>, name: string): object | undefined {
  const found = Object.entries(values).filter(([key]) => key.startsWith(`${name}.`));
  return found.length > 0
    ? Object.fromEntries(found.map(([key, value]) => [key.slice(name.length + 1), value]))
    : undefined;
}

function readField(
  field: Field,
  read: Record<string, unknown>,
  { faults, checkText, path = '' }: BodyReading,
): void {
  const value = read[field.name];
  const at = path + field.name;
  const spoiled = checkText && field.nested === null ? spoiledText(value, at) : null;
  if (spoiled) return faults.add(spoiled.path, spoiled.message);
  if (!field.conditions.every((holds) => holds(read, value))) return;
  const broken = field.rules.find(({ holds, args }) => {
    args.value = value;
    args.object = read;
    return !holds(value, args);
  });
  const inner = broken ? null : field.within?.(value, read);
  if (broken) faults.add(at, broken.message());
  else if (inner) faults.add(at + inner.path, inner.message);
  else if (field.nested)
    read[field.name] = readNested(field.nested(), value, { faults, checkText, path: at });
}

function readNested(dto: Type, value: unknown, { faults, checkText, path }: BodyReading): unknown {
  if (!Array.isArray(value))
    return readDto(dto, value as object, { faults, checkText, path: `${path}.` });
  const list: unknown[] = [];
  for (const [index, item] of value.entries()) {
    if (faults.areEnough) break;
    if (isObject(item))
      list.push(readDto(dto, item, { faults, checkText, path: `${path}.${index}.` }));
    else faults.add(`${path}.${index}`, 'must be an object');
  }
  return list;
}

function makePlan(dto: Type): Plan {
  const fields = new Map<string, Field>();
  for (const rule of getMetadataStorage().getTargetValidationMetadatas(dto, '', false, false)) {
    const { propertyName: name } = rule;
    const field = fields.get(name) ?? {
      name,
      reads: [],
      conditions: [],
      rules: [],
      nested: null,
      within: null,
      members: false,
    };
    fields.set(name, field);
    addRule(field, rule);
  }
  const all = [...fields.values()];
  const names = new Set(all.filter(({ members }) => !members).map(({ name }) => name));
  const plan = {
    lenient: isLenient(dto),
    fields: all,
    names,
    members: all.filter(({ members }) => members).map(({ name }) => name),
  };
  plans.set(dto, plan);
  return plan;
}

type Metadata = ReturnType<
  ReturnType<typeof getMetadataStorage>['getTargetValidationMetadatas']
>[number];

function addRule(field: Field, metadata: Metadata): void {
  const { type, name, constraints, constraintCls } = metadata;
  if (type === ValidationTypes.CONDITIONAL_VALIDATION)
    field.conditions.push(constraints[0] as Field['conditions'][number]);
  else if (type !== ValidationTypes.CUSTOM_VALIDATION)
    throw new Error(`${field.name}: ${type} is not known to the reader of DTOs`);
  else if (name === READ) field.reads.push(constraints[0] as Field['reads'][number]);
  else {
    if (name === MEMBERS) field.members = true;
    if (name === NESTED) field.nested = constraints[0] as () => Type;
    if (name === WITHIN) field.within = constraints[0] as FaultWithin;
    for (const { instance } of getMetadataStorage().getTargetValidatorConstraints(constraintCls))
      field.rules.push(ruleOf(metadata, instance));
  }
}

function ruleOf(
  { target, propertyName, constraints, message, each }: Metadata,
  constraint: ValidatorConstraintInterface,
): Rule {
  const args = {
    value: undefined,
    object: {},
    constraints: constraints ?? [],
    targetName: (target as Type).name,
    property: propertyName,
  };
  const holds: Rule['holds'] = (value, given) => constraint.validate(value, given) as boolean;
  return {
    args,
    holds: each
      ? (value, given) => Array.isArray(value) && value.every((one) => holds(one, given))
      : holds,
    message: () =>
      sentenceOf(
        typeof message === 'function'
          ? message(args)
          : (message ?? constraint.defaultMessage?.(args) ?? ''),
        args,
      ),
  };
}

/** The sentences of class-validator have gaps. */
const sentenceOf = (text: string, { property, constraints }: ValidationArguments): string =>
  text.replace(/\$property|\$constraint(\d)/g, (gap, nth?: string) =>
    nth ? String(constraints[Number(nth) - 1]) : property,
  );
