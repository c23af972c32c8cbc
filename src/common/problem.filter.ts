import {
  type ArgumentsHost,
  Catch,
  type ExceptionFilter,
  HttpException,
  Logger,
} from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { openAiError, openAiHeaders, openAiStatus, speaksOpenAi } from './openai-error.js';
import { noForm } from './multipart.js';
import { Problem, problemDocument, problems } from './problems.js';
import { StoreRefusesError, WRITES_REFUSED } from './store-refusal.js';
import { SQLSTATE } from '../runtime/pg-errors.js';

/**
 * SQLSTATEs that say "not now": connection lost, shutting down, too many connections, out of
 * resources.
 */
const POSTGRES_AWAY = /^(08...|57P0[1-5]|53...)$/;
/**
 * Those of a PostgreSQL that is well and gave one statement up: it was cancelled
 * (`statement_timeout`), or waited too long for others.
 */
const GIVEN_UP: Readonly<Record<string, () => Problem>> = {
  [SQLSTATE.queryCanceled]: () => problems.tookTooLong({ headers: { 'retry-after': '5' } }),
  [SQLSTATE.lockNotAvailable]: () => problems.resourceBusy({ headers: { 'retry-after': '1' } }),
  [SQLSTATE.deadlock]: () => problems.resourceBusy({ headers: { 'retry-after': '1' } }),
};
const SOCKET_AWAY = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'ENOENT',
  'EPIPE',
  'ETIMEDOUT',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
]);
/**
 * What node-postgres, its pool and the ORM say without a code. Its own time-out is longer than that
 * of a statement: it speaks of a silent server.
 */
const POOL_AWAY =
  /^(timeout exceeded when trying to connect|Connection terminated|Cannot use a pool after calling end|Query read timeout|Query runner already released|Client (was closed|has encountered a connection error))/;
const BROKEN_MIDWAY = /^(Connection terminated|Query read timeout)/;
/** A server that is shut down or killed may have carried the statement out, and not said so. */
const MIDWAY_CODES = new Set<string>([
  'ECONNRESET',
  SQLSTATE.adminShutdown,
  SQLSTATE.crashShutdown,
]);

interface Fault {
  code?: string;
  message?: string;
  statusCode?: number;
  driverError?: Fault;
}

/**
 * The one place where an error becomes an answer: `application/problem+json` (RFC 9457), never a
 * stack.
 */
@Catch()
export class ProblemFilter implements ExceptionFilter {
  private readonly logger = new Logger('Problem');

  catch(error: unknown, host: ArgumentsHost): void {
    const request = host.switchToHttp().getRequest<FastifyRequest>();
    const reply = host.switchToHttp().getResponse<FastifyReply>();
    const found = problemOf(error, request.method);
    const takesForm = request.routeOptions?.config.takesForm;
    const problem = found.kind.status === 415 && takesForm ? noForm() : found;
    if (problem.kind.status >= 500) this.report(error, problem, request.id);
    sendProblem(reply, problem, request.id);
  }

  /** A store that is away is known by its sentence; a stack is for faults of ours. */
  private report(error: unknown, { kind }: Problem, requestId: string): void {
    const { stack, message, cause } = error instanceof Error ? error : new Error(String(error));
    const line = { message: 'request failed', request_id: requestId, code: kind.code };
    if (kind.status === 500) this.logger.error({ ...line, cause: stack ?? message });
    else this.logger.warn({ ...line, cause: typeof cause === 'string' ? cause : message });
  }
}

/**
 * Writes a problem document, or OpenAI's envelope where that is spoken; also for errors that happen
 * before Nest sees the request.
 */
export function sendProblem(reply: FastifyReply, problem: Problem, requestId: string): void {
  const { kind, details } = problem;
  if (speaksOpenAi(reply.request.url)) {
    reply.status(openAiStatus(kind)).headers({ ...openAiHeaders(kind), ...details.headers });
    return void reply
      .header('content-type', 'application/json; charset=utf-8')
      .send(openAiError(problem));
  }
  void reply
    .status(kind.status)
    .headers(details.headers ?? {})
    .header('content-type', 'application/problem+json')
    .header('cache-control', 'no-store')
    // As bytes: to a text Fastify would add a charset, which this media type does not have.
    .send(Buffer.from(JSON.stringify(documentFor(reply.request.url, problem, requestId))));
}

/** The client of the Assistant Cloud reads `message`, and `error` as a code. */
function documentFor(url: string, problem: Problem, requestId: string): Record<string, unknown> {
  const document = problemDocument(problem, requestId);
  if (!/^\/aui(?=[/?]|$)/.test(url)) return document;
  return { ...document, message: document['detail'], error: document['code'] };
}

/**
 * Any error as a problem: ours as it is, the framework's by its kind, a store that is away as 503,
 * the rest as a bare 500.
 */
export function problemOf(error: unknown, method: string): Problem {
  if (error instanceof Problem) return error;
  const fault = error as Fault;
  return (
    frameworkProblem(error, fault) ??
    storeProblem(fault.driverError ?? fault, method) ??
    problems.internal()
  );
}

function frameworkProblem(error: unknown, fault: Fault): Problem | null {
  const status = error instanceof HttpException ? error.getStatus() : fault.statusCode;
  if (status === undefined || status >= 500) return null;
  if (status === 404) return problems.routeNotFound();
  if (status === 413) return problems.bodyTooLarge();
  if (status === 415) return problems.unsupportedMediaType();
  if (status === 401) return problems.unauthorized();
  const aboutJson = error instanceof SyntaxError || /JSON/i.test(fault.message ?? '');
  return aboutJson
    ? problems.invalidJson({ detail: fault.message })
    : problems.invalidRequest({ detail: fault.message });
}

function storeProblem({ code = '', message = '' }: Fault, method: string): Problem | null {
  const midway = BROKEN_MIDWAY.test(message) || MIDWAY_CODES.has(code);
  if (midway && method !== 'GET' && method !== 'HEAD')
    return problems.outcomeUnknown({ headers: { 'retry-after': '1' } });
  const refused = WRITES_REFUSED[code];
  if (refused)
    return problems.storeUnavailable({
      detail: new StoreRefusesError('PostgreSQL', refused).message,
      headers: { 'retry-after': '10' },
    });
  const givenUp = GIVEN_UP[code];
  if (givenUp) return givenUp();
  const away = POSTGRES_AWAY.test(code) || SOCKET_AWAY.has(code) || POOL_AWAY.test(message);
  return away ? problems.storeUnavailable({ headers: { 'retry-after': '2' } }) : null;
}
