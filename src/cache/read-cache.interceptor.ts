import { CACHE_MANAGER } from '@nestjs/cache-manager';
import { type CallHandler, type ExecutionContext, HttpStatus, Inject, Injectable, type NestInterceptor } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import type { Cache } from 'cache-manager';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { firstValueFrom, from, type Observable } from 'rxjs';
import { etagOf, noneMatches } from '../common/etag.js';
import { isUuid } from '../common/ids.js';
import { StatedJson, VALIDATOR, type Validation } from './validated.js';
import { Validators } from './validators.js';

/** Larger answers are not worth the memory. */
const CACHED_CHARS_MAX = 1024 * 1024;

/** An answer and the state it was read in. */
interface Made {
  state: string;
  /** The `Link` header; empty when there is none. */
  link: string;
  json: string;
}

interface Read {
  request: FastifyRequest;
  reply: FastifyReply;
  accountId: string;
  chatId: string;
  validation: Validation;
}

/**
 * Serves read routes marked `@Validated` from the cache. The key is account and URL; what is kept there names the state it was read in, and is
 * served only while PostgreSQL says that this is still the state: so an answer is never stale after a write on any instance, whatever became of
 * Redis in between, and no account is given another's. (Nest's own interceptor keys by URL alone.) It also makes the ETag and answers 304.
 */
@Injectable()
export class ReadCacheInterceptor implements NestInterceptor {
  constructor(
    private readonly reflector: Reflector,
    private readonly validators: Validators,
    @Inject(CACHE_MANAGER) private readonly cache: Cache,
  ) {}

  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    const validation = this.reflector.get<Validation | undefined>(VALIDATOR, context.getHandler());
    const request = context.switchToHttp().getRequest<FastifyRequest>();
    const chatId = validation && chatIdOf(request);
    const accountId = request.principal?.accountId;
    // Without them the route answers for itself: a 401 or a 422.
    if (!validation || !chatId || !accountId) return next.handle();
    const reply = context.switchToHttp().getResponse<FastifyReply>();
    return from(this.answer({ request, reply, accountId, chatId, validation }, next));
  }

  private async answer(read: Read, next: CallHandler): Promise<unknown> {
    const key = `read:${read.accountId}:${read.request.url}`;
    const kept = await this.lookUp(key);
    // A first read by a handler that names the state needs no look-up of its own.
    const state = kept || !read.validation.stated ? await this.validators.stateOf(read.validation.kind, read.accountId, read.chatId) : null;
    if (kept && kept.state === state) return send(read, kept, 'hit');
    // No such chat: the route says so itself.
    if (state === null && !read.validation.stated) return firstValueFrom(next.handle());
    const made = await make(read.reply, state, next);
    const text = `${made.state}\n${made.link}\n${made.json}`;
    // Not waited for, and a cache that is away is only slower.
    if (text.length <= CACHED_CHARS_MAX) void this.cache.set(key, text).catch(() => undefined);
    return send(read, made, 'miss');
  }

  private async lookUp(key: string): Promise<Made | null> {
    const text = await this.cache.get<string>(key).catch(() => null);
    if (!text) return null;
    const [first, second] = [text.indexOf('\n'), text.indexOf('\n', text.indexOf('\n') + 1)];
    return { state: text.slice(0, first), link: text.slice(first + 1, second), json: text.slice(second + 1) };
  }
}

/** `state` was read before the answer is made, for handlers that do not tell it: an answer that is newer than its state harms nobody. */
async function make(reply: FastifyReply, state: string | null, next: CallHandler): Promise<Made> {
  const answer: unknown = await firstValueFrom(next.handle());
  const link = (reply.getHeader('link') as string | undefined) ?? '';
  if (answer instanceof StatedJson) return { state: answer.state, link, json: answer.json };
  return { state: state!, link, json: typeof answer === 'string' ? answer : JSON.stringify(answer) };
}

function send({ request, reply }: Read, { state, link, json }: Made, xCache: 'hit' | 'miss'): string | undefined {
  const etag = etagOf(state);
  reply.headers({ etag, 'cache-control': 'private, no-cache', vary: 'authorization', 'x-cache': xCache });
  if (noneMatches(request.headers['if-none-match'], etag)) {
    reply.status(HttpStatus.NOT_MODIFIED);
    return undefined;
  }
  if (link) reply.header('link', link);
  reply.header('content-type', 'application/json; charset=utf-8');
  return json;
}

function chatIdOf({ params, query }: FastifyRequest): string | null {
  const { chat_id } = { ...(query as Record<string, unknown>), ...(params as Record<string, unknown>) };
  return isUuid(chat_id) ? chat_id.toLowerCase() : null;
}
