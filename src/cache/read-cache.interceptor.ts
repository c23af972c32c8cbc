import { CACHE_MANAGER } from '@nestjs/cache-manager';
import { type CallHandler, type ExecutionContext, HttpStatus, Inject, Injectable, type NestInterceptor } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import type { Cache } from 'cache-manager';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { firstValueFrom, from, type Observable } from 'rxjs';
import { etagOf, noneMatches } from '../common/etag.js';
import { isUuid } from '../common/ids.js';
import { VALIDATOR, type ValidatorKind } from './validated.js';
import { Validators } from './validators.js';

/** Larger answers are not worth the memory. */
const CACHED_CHARS_MAX = 1024 * 1024;

interface Exchange {
  request: FastifyRequest;
  reply: FastifyReply;
  etag: string;
  key: string;
}

/**
 * Serves read routes marked `@Validated` from the cache. The key is account, state and URL, and the state is read from PostgreSQL for each
 * request: so an answer is never stale after a write on any instance, whatever became of Redis in between, and no account is given
 * another's. (Nest's own interceptor keys by URL alone.) It also makes the ETag and answers 304.
 */
@Injectable()
export class ReadCacheInterceptor implements NestInterceptor {
  constructor(
    private readonly reflector: Reflector,
    private readonly validators: Validators,
    @Inject(CACHE_MANAGER) private readonly cache: Cache,
  ) {}

  async intercept(context: ExecutionContext, next: CallHandler): Promise<Observable<unknown>> {
    const kind = this.reflector.get<ValidatorKind | undefined>(VALIDATOR, context.getHandler());
    const request = context.switchToHttp().getRequest<FastifyRequest>();
    const chatId = kind && chatIdOf(request);
    const accountId = request.principal?.accountId;
    if (!kind || !chatId || !accountId) return next.handle();
    // Read before the answer is made: an answer that is newer than its key harms nobody, an older one would.
    const state = await this.validators.stateOf(kind, accountId, chatId);
    if (state === null) return next.handle();
    const reply = context.switchToHttp().getResponse<FastifyReply>();
    return from(this.answer({ request, reply, etag: etagOf(state), key: `read:${accountId}:${state}:${request.url}` }, next));
  }

  private async answer({ request, reply, etag, key }: Exchange, next: CallHandler): Promise<unknown> {
    const cached = await this.lookUp(key);
    const text = cached ?? (await this.make(reply, key, next));
    reply.headers({ etag, 'cache-control': 'private, no-cache', vary: 'authorization', 'x-cache': cached === null ? 'miss' : 'hit' });
    if (noneMatches(request.headers['if-none-match'], etag)) {
      reply.status(HttpStatus.NOT_MODIFIED);
      return undefined;
    }
    const split = text.indexOf('\n');
    if (split > 0) reply.header('link', text.slice(0, split));
    reply.header('content-type', 'application/json; charset=utf-8');
    return text.slice(split + 1);
  }

  /** Kept as one text: the `Link` header (which never has a line break), a line break, the JSON. */
  private async make(reply: FastifyReply, key: string, next: CallHandler): Promise<string> {
    const answer: unknown = await firstValueFrom(next.handle());
    const json = typeof answer === 'string' ? answer : JSON.stringify(answer);
    const text = `${(reply.getHeader('link') as string | undefined) ?? ''}\n${json}`;
    // Not waited for, and a cache that is away is only slower.
    if (text.length <= CACHED_CHARS_MAX) void this.cache.set(key, text).catch(() => undefined);
    return text;
  }

  private async lookUp(key: string): Promise<string | null> {
    const cached = await this.cache.get<string>(key).catch(() => null);
    return cached ?? null;
  }
}

function chatIdOf({ params, query }: FastifyRequest): string | null {
  const { chat_id } = { ...(query as Record<string, unknown>), ...(params as Record<string, unknown>) };
  return isUuid(chat_id) ? chat_id.toLowerCase() : null;
}
