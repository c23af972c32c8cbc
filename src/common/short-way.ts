import {
  type ArgumentMetadata,
  type PipeTransform,
  RequestMethod,
  type Type,
} from '@nestjs/common';
import {
  HEADERS_METADATA,
  HTTP_CODE_METADATA,
  METHOD_METADATA,
  ROUTE_ARGS_METADATA,
} from '@nestjs/common/constants.js';
import { RouteParamtypes } from '@nestjs/common/enums/route-paramtypes.enum.js';
import { ExecutionContextHost } from '@nestjs/core/helpers/execution-context-host.js';
import type { FastifyReply, FastifyRequest, RouteHandlerMethod } from 'fastify';
import './principal.js';
import { ProblemFilter } from './problem.filter.js';
import { routeConfig } from './route-config.js';
import { strayInputs, takenInputs } from './strict-input.guard.js';
import { DtoPipe } from './validation.pipe.js';

/** A method of a controller. */
interface Method {
  controller: Type;
  name: string;
}

declare module 'fastify' {
  interface FastifyContextConfig {
    /** What is called of a route that is marked `@ShortWay`. */
    shortWay?: Method;
  }
}

/**
 * Marks a route so hot that what Nest does around it is a third of its cost: Fastify calls it. What
 * it takes, how that is checked and how it is answered is read from the same decorators, once. Only
 * a request that passes all checks goes this way, and none that asks for a stream: Nest refuses the
 * others, and so nothing is said twice. For routes all of whose arguments Nest itself,
 * `createParamDecorator` and pipes without dependencies can read, at once.
 */
export const ShortWay = (): MethodDecorator => (target, name, descriptor) =>
  routeConfig({ shortWay: { controller: target.constructor as Type, name: String(name) } })(
    target,
    name,
    descriptor,
  );

/** What stands before all methods, as an interceptor of Nest does: it has the answer made. */
export interface Interceptor {
  around(
    request: FastifyRequest,
    reply: FastifyReply,
    make: () => Promise<unknown>,
  ): Promise<unknown>;
}

/** The handler of such a route. */
export function onShortWay(
  { controller, name }: Method,
  instance: object,
  usual: RouteHandlerMethod,
  interceptor: Interceptor,
): RouteHandlerMethod {
  const takes = argumentsOf(controller, name);
  const inputs = takenInputs(controller, name);
  const answer = answerOf(controller, name);
  const method = (instance as Record<string, (...args: unknown[]) => Promise<unknown>>)[name]!;
  return function (request, reply) {
    const args = isPlain(request, inputs) ? read(takes, request, reply) : null;
    if (!args) return usual.call(this, request, reply);
    answer(reply);
    // Nobody waits for it: Fastify waits for the answer.
    void interceptor
      .around(request, reply, () => method.apply(instance, args))
      .then((made) => void reply.send(made))
      .catch((error: unknown) => filter.catch(error, new ExecutionContextHost([request, reply])));
  };
}

const filter = new ProblemFilter();
const dtoPipe = new DtoPipe();

type Read = (request: FastifyRequest, reply: FastifyReply) => unknown;

/**
 * Whoever is nobody, and what the route does not take, is for the guards; a stream is for those who
 * watch over its end.
 */
const isPlain = (request: FastifyRequest, inputs: ReadonlySet<number>): boolean =>
  request.principal !== undefined &&
  (request.body as { stream?: unknown } | undefined)?.stream === undefined &&
  strayInputs(request, inputs).length === 0;

/** Null where something is wrong with one. */
function read(takes: readonly Read[], request: FastifyRequest, reply: FastifyReply) {
  try {
    return takes.map((take) => take(request, reply));
  } catch {
    return null;
  }
}

/** An argument, as Nest keeps it by `<type>:<index>`. */
interface Argument {
  index: number;
  data?: string;
  pipes: (PipeTransform | Type<PipeTransform>)[];
  /** Of a decorator that was made by `createParamDecorator`. */
  factory?: (data: unknown, context: ExecutionContextHost) => unknown;
}

function argumentsOf(controller: Type, name: string): Read[] {
  const given = Reflect.getMetadata(ROUTE_ARGS_METADATA, controller, name) as object;
  const types = Reflect.getMetadata(
    'design:paramtypes',
    controller.prototype as object,
    name,
  ) as Type[];
  const takes: Read[] = [];
  for (const [key, argument] of Object.entries(given) as [string, Argument][])
    takes[argument.index] = readerOf(Number(key.split(':')[0]), argument, types[argument.index]!);
  return takes;
}

function readerOf(type: number, { data, pipes, factory }: Argument, metatype: Type): Read {
  if (factory) return (request, reply) => factory(data, new ExecutionContextHost([request, reply]));
  const known = READERS[type];
  if (!known) throw new Error(`A short way takes no argument of the type ${type}.`);
  const [kind, value] = known;
  const all = [dtoPipe, ...pipes.map((pipe) => (typeof pipe === 'function' ? new pipe() : pipe))];
  const about: ArgumentMetadata = { type: kind, metatype, data };
  return (request, reply) =>
    all.reduce<unknown>((read, pipe) => pipe.transform(read, about), value(request, reply, data));
}

type Value = (request: FastifyRequest, reply: FastifyReply, data?: string) => unknown;

const READERS: Record<number, readonly [ArgumentMetadata['type'], Value]> = {
  [RouteParamtypes.REQUEST]: ['custom', (request) => request],
  [RouteParamtypes.RESPONSE]: ['custom', (_request, reply) => reply],
  [RouteParamtypes.BODY]: ['body', ({ body }) => body],
  [RouteParamtypes.QUERY]: ['query', ({ query }) => query],
  [RouteParamtypes.PARAM]: ['param', ({ params }, _reply, data) => (params as Values)[data!]],
};
type Values = Record<string, unknown>;

/** Status and headers of what is made. */
function answerOf(controller: Type, name: string): (reply: FastifyReply) => void {
  const method = (controller.prototype as Record<string, object>)[name]!;
  const isPost = Reflect.getMetadata(METHOD_METADATA, method) === RequestMethod.POST;
  const status =
    (Reflect.getMetadata(HTTP_CODE_METADATA, method) as number | undefined) ?? (isPost ? 201 : 200);
  const headers = Reflect.getMetadata(HEADERS_METADATA, method) as
    { name: string; value: string }[] | undefined;
  const each = Object.fromEntries((headers ?? []).map(({ name, value }) => [name, value]));
  return (reply) => void reply.code(status).headers(each);
}
