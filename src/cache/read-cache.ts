import { HttpStatus, Injectable } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { etagOf, noneMatches } from '../common/etag.js';
import { isUuid } from '../common/ids.js';
import '../common/principal.js';
import { hasBody } from '../common/unread-body.js';
import { varyBy } from '../common/vary.js';
import { AnswerStore, type KeptAnswer } from './answer-store.js';
import type { Validation, ValidatorKind } from './validated.js';
import { Validators } from './validators.js';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Of a read route that is marked `@Validated`. */
    validation?: Validation;
  }
  interface FastifyRequest {
    /** What is asked of a `@Validated` route, where account and chat are known. */
    read?: Read;
  }
}

interface Read {
  key: string;
  accountId: string;
  chatId: string;
  validation: Validation;
  kind: ValidatorKind;
  /** Of the chat, where it was asked for; null where there is no such chat. */
  state?: string | null;
}

/**
 * Serves read routes marked `@Validated` from what is kept, as a hook of Fastify: behind who asks,
 * and before all that Nest would do for the request. The key is account and URL; what is kept there
 * names the state it was read in, and is served only while PostgreSQL says that this is still the
 * state: so an answer is never stale after a write on any instance, whatever became of Redis in
 * between, and no account is given another's. What was kept had passed the checks of its route, and
 * they look at nothing but the URL. The `ReadCacheInterceptor` makes what is not there.
 */
@Injectable()
export class ReadCache {
  constructor(
    private readonly answers: AnswerStore,
    private readonly validators: Validators,
  ) {}

  /** A hook `onRequest`. Calls `done`, unless it answers. */
  serve(request: FastifyRequest, reply: FastifyReply, done: (error?: Error) => void): void {
    const read = readOf(request);
    if (!read) return done();
    request.read = read;
    // A body is for the route to refuse.
    const kept = hasBody(request.headers) ? null : this.answers.get(read.key);
    if (kept === null) done();
    else this.serveKept(read, kept, request, reply).then((isServed) => isServed || done(), done);
  }

  /** Keeps an answer that was made, and answers with it. */
  keep(
    read: Read,
    made: KeptAnswer,
    request: FastifyRequest,
    reply: FastifyReply,
  ): Buffer | undefined {
    this.answers.set(read.key, made);
    return answerOf(made, 'miss', request, reply);
  }

  /** The state of the chat that is asked for; null where there is none. */
  async stateOf(read: Read): Promise<string | null> {
    if (read.state === undefined)
      read.state = await this.validators.stateOf(read.kind, read.accountId, read.chatId);
    return read.state;
  }

  private async serveKept(
    read: Read,
    keeping: Promise<KeptAnswer | null>,
    request: FastifyRequest,
    reply: FastifyReply,
  ): Promise<boolean> {
    const kept = await keeping;
    if (kept === null || (await this.stateOf(read)) !== kept.state) return false;
    void reply.send(answerOf(kept, 'hit', request, reply));
    return true;
  }
}

/** Null where the route answers for itself: with a 401, a 422, or because it is not kept. */
function readOf({ routeOptions, principal, params, query, url }: FastifyRequest): Read | null {
  const { validation } = routeOptions.config;
  if (!validation || !principal) return null;
  const chatId =
    (params as { chat_id?: unknown }).chat_id ?? (query as { chat_id?: unknown }).chat_id;
  if (!isUuid(chatId)) return null;
  const { accountId } = principal;
  const { kind, treeIf } = validation;
  return {
    key: `${accountId}:${url}`,
    accountId,
    chatId: chatId.toLowerCase(),
    validation,
    kind: treeIf && (query as Record<string, unknown>)[treeIf] === 'true' ? 'tree' : kind,
  };
}

function answerOf(
  { state, link, json }: KeptAnswer,
  xCache: 'hit' | 'miss',
  { headers }: FastifyRequest,
  reply: FastifyReply,
): Buffer | undefined {
  const etag = etagOf(state);
  varyBy(reply, 'authorization');
  reply.header('etag', etag).header('cache-control', 'private, no-cache').header('x-cache', xCache);
  if (noneMatches(headers['if-none-match'], etag)) {
    reply.status(HttpStatus.NOT_MODIFIED);
    return undefined;
  }
  if (link) reply.header('link', link);
  reply.header('content-type', 'application/json; charset=utf-8');
  return json;
}
