import { createParamDecorator, type ExecutionContext } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import './principal.js';
import { problems } from './problems.js';

/** The `account_id` of whoever sent the request, as a string. Only for routes behind the guard. */
export const CurrentAccount = createParamDecorator(
  (_data: unknown, context: ExecutionContext): string => {
    const { principal } = context.switchToHttp().getRequest<FastifyRequest>();
    // Only a route that is marked public by mistake comes here; it must not answer with somebody's
    // data.
    if (!principal) throw problems.unauthorized();
    return principal.accountId;
  },
);
