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
    const http = context.switchToHttp();
    const request = http.getRequest<FastifyRequest>();
    if (!request.read) return next.handle();
    const reply = http.getResponse<FastifyReply>();
    return from(this.around(request, reply, () => firstValueFrom(next.handle())));
  }

  /** The same for a route that passes by Nest (`common/short-way.ts`). */
  around(
    request: FastifyRequest,
    reply: FastifyReply,
    make: () => Promise<unknown>,
  ): Promise<unknown> {
    return request.read ? this.keeping(request, reply, make) : make();
  }

  private async keeping(
    request: FastifyRequest,
    reply: FastifyReply,
    make: () => Promise<unknown>,
  ): Promise<unknown> {
    const read = request.read!;
    // A handler that names the state needs no look-up before it.
    const state = read.validation.stated ? null : await this.cache.stateOf(read);
    // No such chat: the route says so itself.
    if (state === null && !read.validation.stated) return make();
    return this.cache.keep(read, keptOf(await make(), state, reply), request, reply);
  }
}

/**
 * `state` was read before the answer was made, for handlers that do not tell it: an answer that is
 * newer than its state harms nobody.
 */
function keptOf(answer: unknown, state: string | null, reply: FastifyReply): KeptAnswer {
  const link = (reply.getHeader('link') as string | undefined) ?? '';
  if (answer instanceof StatedJson)
    return { state: answer.state, link, json: Buffer.from(answer.json) };
  return {
    state: state!,
    link,
    json: Buffer.from(typeof answer === 'string' ? answer : JSON.stringify(answer)),
  };
}
