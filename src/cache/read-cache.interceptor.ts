import {
  type CallHandler,
  type ExecutionContext,
  Injectable,
  type NestInterceptor,
} from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { firstValueFrom, from, type Observable } from 'rxjs';
import type { KeptAnswer } from './answer-store.js';
import { ReadCache } from './read-cache.js';
import { StatedJson } from './validated.js';

/**
 * Has answers of `@Validated` routes kept, with the state that they were read in. It also makes
 * their ETag, and answers 304.
 */
@Injectable()
export class ReadCacheInterceptor implements NestInterceptor {
  constructor(private readonly cache: ReadCache) {}

  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    const request = context.switchToHttp().getRequest<FastifyRequest>();
    return request.read
      ? from(this.answer(request, context.switchToHttp().getResponse<FastifyReply>(), next))
      : next.handle();
  }

  private async answer(
    request: FastifyRequest,
    reply: FastifyReply,
    next: CallHandler,
  ): Promise<unknown> {
    const read = request.read!;
    // A handler that names the state needs no look-up before it.
    const state = read.validation.stated ? null : await this.cache.stateOf(read);
    // No such chat: the route says so itself.
    if (state === null && !read.validation.stated) return firstValueFrom(next.handle());
    return this.cache.keep(read, await make(reply, state, next), request, reply);
  }
}

/**
 * `state` was read before the answer is made, for handlers that do not tell it: an answer that is
 * newer than its state harms nobody.
 */
async function make(
  reply: FastifyReply,
  state: string | null,
  next: CallHandler,
): Promise<KeptAnswer> {
  const answer: unknown = await firstValueFrom(next.handle());
  const link = (reply.getHeader('link') as string | undefined) ?? '';
  if (answer instanceof StatedJson)
    return { state: answer.state, link, json: Buffer.from(answer.json) };
  return {
    state: state!,
    link,
    json: Buffer.from(typeof answer === 'string' ? answer : JSON.stringify(answer)),
  };
}
