import type { INestApplication, PipeTransform } from '@nestjs/common';
import { ROUTE_ARGS_METADATA } from '@nestjs/common/constants.js';
import { RouteParamtypes } from '@nestjs/common/enums/route-paramtypes.enum.js';
import { ModulesContainer } from '@nestjs/core';
import type { OpenAPIObject } from '@nestjs/swagger';
import { NAME_CHARS_MAX, NamePipe } from '../common/name.js';
import { SAID_TEXT } from '../common/text-patterns.js';
import { UuidPipe } from '../common/validation.pipe.js';
import { isReference, type Operation, placesOf, type Schema } from './document.js';
import { type Class, rulesOf } from './rules.js';

/** What a handler is given of a request. */
interface Argument {
  index: number;
  /** The name of a parameter; undefined for all of them. */
  data?: string;
  pipes: (PipeTransform | Class)[];
}

interface Handler {
  operationId: string;
  /** Its arguments by `<RouteParamtypes>:<index>`. */
  args: Readonly<Record<string, Argument>>;
  /** The types of all of them, bodies and queries among them. */
  types: readonly Class[];
}

/** What a pipe checks of a parameter in a path. */
const SAID_BY_PIPE = new Map<Class, Schema>([
  [UuidPipe, { format: 'uuid' }],
  [NamePipe, { minLength: 1, maxLength: NAME_CHARS_MAX, pattern: SAID_TEXT }],
]);

/** The handlers of all routes. */
export function handlersOf(app: INestApplication): Handler[] {
  const controllers = [...app.get(ModulesContainer).values()].flatMap((module) => [
    ...module.controllers.values(),
  ]);
  return controllers.flatMap(({ metatype }) => {
    const controller = metatype as Class;
    return Object.getOwnPropertyNames(controller.prototype).map((name) =>
      handlerOf(controller, name),
    );
  });
}

function handlerOf(controller: Class, name: string): Handler {
  const prototype = controller.prototype as Record<string, object>;
  const operation = Reflect.getMetadata('swagger/apiOperation', prototype[name]!) as
    { operationId?: string } | undefined;
  return {
    operationId: operation?.operationId ?? name,
    args: (Reflect.getMetadata(ROUTE_ARGS_METADATA, controller, name) ?? {}) as Handler['args'],
    types: (Reflect.getMetadata('design:paramtypes', prototype, name) ?? []) as Class[],
  };
}

/**
 * Says of the parameters in paths and queries what is checked of them: by the pipe of the one, by
 * the class of the other. What stands there already is more exact.
 */
export function addParameterRules(document: OpenAPIObject, handlers: readonly Handler[]): void {
  const byId = new Map(handlers.map((handler) => [handler.operationId, handler]));
  for (const { operation } of placesOf(document)) {
    const handler = byId.get(operation.operationId ?? '');
    if (!handler) continue;
    for (const [kind, { index, data, pipes }] of Object.entries(handler.args)) {
      const [type] = kind.split(':').map(Number);
      if (type === RouteParamtypes.PARAM && data !== undefined)
        for (const pipe of pipes) say(operation, 'path', data, SAID_BY_PIPE.get(classOf(pipe)));
      if (type === RouteParamtypes.QUERY && data === undefined)
        for (const [name, rule] of rulesOf(handler.types[index]!))
          say(operation, 'query', name, rule);
    }
  }
}

const classOf = (pipe: PipeTransform | Class): Class =>
  typeof pipe === 'function' ? pipe : (pipe.constructor as Class);

function say(
  { parameters = [] }: Operation,
  place: string,
  name: string,
  rule: Partial<Schema> | undefined,
): void {
  for (const parameter of parameters) {
    if (isReference(parameter) || parameter.in !== place || parameter.name !== name) continue;
    const schema = parameter.schema as Schema;
    if (!schema.oneOf && !schema.anyOf) Object.assign(schema, { ...rule, ...schema });
  }
}
