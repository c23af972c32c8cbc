import type { FastifyReply, FastifyRequest } from 'fastify';
import { sendProblem } from './problem.filter.js';
import { problems } from './problems.js';
import { hasBody } from './unread-body.js';

/** Node's limit for a whole request, in milliseconds: for the largest file on a slow line. */
export const FORM_MS = 3_600_000;
/** The same for headers, and for all bodies that have no files. */
export const BODY_MS = 30_000;

/**
 * Refuses a body that does not come in time. Node has one limit for all requests of a server; here
 * bodies without files have a shorter one. @throws never; answers request_timeout
 */
export function limitSlowBodies(
  request: FastifyRequest,
  reply: FastifyReply,
  done: () => void,
): void {
  done();
  const { raw, headers, routeOptions } = request;
  if (!hasBody(headers) || routeOptions.config.takesForm) return;
  const timer = setTimeout(() => {
    if (!raw.complete && !reply.sent) sendProblem(reply, problems.requestTimeout(), request.id);
  }, BODY_MS).unref();
  raw.once('close', () => clearTimeout(timer));
}
