import { createParamDecorator, type ExecutionContext } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';

/** Of a body those members that are not known here: a page's own. */
export const OwnFields = createParamDecorator(
  (known: ReadonlySet<string>, context: ExecutionContext): Record<string, unknown> => {
    const { body } = context.switchToHttp().getRequest<FastifyRequest>();
    return Object.fromEntries(
      Object.entries(body ?? {}).filter(([name]) => !known.has(name)),
    ) as Record<string, unknown>;
  },
);
