import { createParamDecorator, type ExecutionContext } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';

/** Of the body of a UI chat those members that are none of ours: a page's own. */
export const OwnFields = createParamDecorator(
  (known: ReadonlySet<string>, context: ExecutionContext): Record<string, unknown> => {
    const { body } = context.switchToHttp().getRequest<FastifyRequest>();
    return Object.fromEntries(
      Object.entries(body as object).filter(([name]) => !known.has(name)),
    ) as Record<string, unknown>;
  },
);
