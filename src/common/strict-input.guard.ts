import { type CanActivate, type ExecutionContext, Injectable, SetMetadata } from '@nestjs/common';
import { ROUTE_ARGS_METADATA } from '@nestjs/common/constants.js';
import { RouteParamtypes } from '@nestjs/common/enums/route-paramtypes.enum.js';
import { Reflector } from '@nestjs/core';
import type { FastifyRequest } from 'fastify';
import { Faults } from './faults.js';

const LENIENT = 'banyan:lenient';

/**
 * For facades, on the controller and on its DTOs: fields that they do not know are ignored there,
 * as their clients expect.
 */
export const Lenient = (): MethodDecorator & ClassDecorator => SetMetadata(LENIENT, true);

/** Whether a DTO class is marked `@Lenient()`. */
export const isLenient = (dto: object): boolean => Reflect.getMetadata(LENIENT, dto) === true;

/**
 * Refuses a query or a body on a route that takes none: there a typing error would otherwise pass
 * unnoticed. Routes that take one check its fields by their DTO.
 */
@Injectable()
export class StrictInputGuard implements CanActivate {
  constructor(private readonly reflector: Reflector) {}

  canActivate(context: ExecutionContext): boolean {
    if (context.getType() !== 'http') return true;
    const request = context.switchToHttp().getRequest<FastifyRequest>();
    if (strayInputs(request, NOTHING).length === 0) return true;
    const [handler, controller] = [context.getHandler(), context.getClass()];
    if (this.reflector.getAllAndOverride<boolean>(LENIENT, [handler, controller])) return true;
    const faults = new Faults();
    faults.addUnknown(strayInputs(request, takenInputs(controller, handler.name)));
    faults.throwIfAny();
    return true;
  }
}

const NOTHING: ReadonlySet<number> = new Set();

/** The names of fields that come in a query or a body which the route does not take. */
export function strayInputs({ query, body }: FastifyRequest, takes: ReadonlySet<number>): string[] {
  const [inQuery, inBody] = [
    takes.has(RouteParamtypes.QUERY) ? [] : keys(query),
    takes.has(RouteParamtypes.BODY) ? [] : keys(body),
  ];
  return [...inQuery, ...inBody];
}

const keys = (value: unknown): string[] =>
  typeof value === 'object' && value !== null ? Object.keys(value) : [];

/** What a route takes, as `RouteParamtypes`. Nest keeps it by `<type>:<index>`. */
export function takenInputs(controller: object, name: string): ReadonlySet<number> {
  const args = Reflect.getMetadata(ROUTE_ARGS_METADATA, controller, name) as object | undefined;
  return new Set(Object.keys(args ?? {}).map((key) => Number(key.split(':')[0])));
}
