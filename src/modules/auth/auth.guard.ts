import { type CanActivate, type ExecutionContext, Injectable } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import type { FastifyRequest } from 'fastify';
import type { Principal } from '../../common/principal.js';
import { PUBLIC } from '../../common/public.js';
import { Authenticator } from './authenticator.service.js';
import { bearerToken, unauthorized } from './bearer.js';

/** Lets nobody in without a good token, on every route that is not marked `@Public()`; sets `request.principal`. */
@Injectable()
export class AuthGuard implements CanActivate {
  // Reflection costs more than all the rest of a warm check.
  private readonly isPublic = new WeakMap<object, boolean>();

  constructor(
    private readonly reflector: Reflector,
    private readonly authenticator: Authenticator,
  ) {}

  /** @throws `unauthorized`; and what PostgreSQL throws while it is away, which becomes a 503 */
  canActivate(context: ExecutionContext): true | Promise<true> {
    if (this.publicRoute(context)) return true;
    const request = context.switchToHttp().getRequest<FastifyRequest>();
    const token = bearerToken(request.headers.authorization);
    const found = token === null ? null : this.authenticator.authenticate(token);
    return found instanceof Promise ? found.then((principal) => admit(request, principal)) : admit(request, found);
  }

  private publicRoute(context: ExecutionContext): boolean {
    const handler = context.getHandler();
    const known = this.isPublic.get(handler);
    if (known !== undefined) return known;
    const marked = this.reflector.getAllAndOverride<boolean>(PUBLIC, [handler, context.getClass()]) === true;
    this.isPublic.set(handler, marked);
    return marked;
  }
}

function admit(request: FastifyRequest, principal: Principal | null): true {
  if (!principal) throw unauthorized(request.headers.authorization !== undefined);
  request.principal = principal;
  return true;
}
