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
    const { query, body } = context.switchToHttp().getRequest<FastifyRequest>();
    if (isEmpty(query) && isEmpty(body)) return true;
    if (
      this.reflector.getAllAndOverride<boolean>(LENIENT, [context.getHandler(), context.getClass()])
    )
      return true;
    const takes = takenInputs(context);
    const faults = new Faults();
    if (!takes.has(RouteParamtypes.QUERY)) faults.addUnknown(keys(query));
    if (!takes.has(RouteParamtypes.BODY)) faults.addUnknown(keys(body));
    faults.throwIfAny();
    return true;
  }
}

const keys = (value: unknown): string[] =>
  typeof value === 'object' && value !== null ? Object.keys(value) : [];
const isEmpty = (value: unknown): boolean => keys(value).length === 0;

/** Nest keys its parameter metadata by `<type>:<index>`. */
function takenInputs(context: ExecutionContext): Set<number> {
  const args = Reflect.getMetadata(
    ROUTE_ARGS_METADATA,
    context.getClass(),
    context.getHandler().name,
  ) as object | undefined;
  return new Set(Object.keys(args ?? {}).map((key) => Number(key.split(':')[0])));
}
