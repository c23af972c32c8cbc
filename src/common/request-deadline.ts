import type { FastifyInstance } from 'fastify';
import { Deadline, requestDeadline, under } from '../runtime/deadline.js';

declare module 'fastify' {
  interface FastifyRequest {
    deadline: Deadline | null;
  }
}

/**
 * Gives each request one deadline, from its arrival to the moment that its answer begins to go out;
 * streams and what goes on behind an answer are free of it. Call it before other hooks are added.
 */
export function limitRequests(fastify: FastifyInstance): void {
  fastify.decorateRequest('deadline', null);
  fastify.addHook('onRequest', (request, { raw }, done) => {
    request.deadline = new Deadline(() => raw.destroyed && !raw.writableFinished);
    under(request.deadline, done);
  });
  // How fast a body comes is up to its client. It comes by events of the socket, to which no
  // request belongs.
  fastify.addHook('preParsing', (request, _reply, payload, done) => {
    request.deadline!.pause();
    done(null, payload);
  });
  fastify.addHook('preValidation', (request, _reply, done) => {
    request.deadline!.resume();
    if (requestDeadline() === request.deadline) done();
    else under(request.deadline!, done);
  });
  fastify.addHook('onSend', (request, _reply, _payload, done) => {
    request.deadline?.lift();
    done();
  });
}
