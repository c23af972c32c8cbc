import { type CanActivate, type ExecutionContext, Injectable } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import type { FastifyRequest } from 'fastify';
import '../../common/principal.js';
import { PUBLIC } from '../../common/public.js';
import { unauthorized } from './bearer.js';

/**
 * The wall behind the `Doorkeeper`: whatever that lets pass, no route that is not marked
 * `@Public()` runs without a principal. A route that only one of the two takes for public is
 * closed.
 */
@Injectable()
export class AuthGuard implements CanActivate {
  // Reflection costs more than all the rest of a check.
  private readonly isPublic = new WeakMap<object, boolean>();

  constructor(private readonly reflector: Reflector) {}

  /** @throws unauthorized */
  canActivate(context: ExecutionContext): true {
    const { principal, headers } = context.switchToHttp().getRequest<FastifyRequest>();
    if (principal || this.publicRoute(context)) return true;
    throw unauthorized(headers.authorization !== undefined);
  }

  private publicRoute(context: ExecutionContext): boolean {
    const handler = context.getHandler();
    const known = this.isPublic.get(handler);
    if (known !== undefined) return known;
    const marked =
      this.reflector.getAllAndOverride<boolean>(PUBLIC, [handler, context.getClass()]) === true;
    this.isPublic.set(handler, marked);
    return marked;
  }
}
