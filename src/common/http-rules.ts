import type { IncomingMessage, Server } from 'node:http';
import type { FastifyInstance, HTTPMethods } from 'fastify';
import { sendProblem } from './problem.filter.js';
import { problems } from './problems.js';

/**
 * Those that the router is given. No route knows TRACE: it is answered like every method that we
 * have no use for.
 */
export const METHODS: readonly HTTPMethods[] = [
  'GET',
  'HEAD',
  'POST',
  'PUT',
  'PATCH',
  'DELETE',
  'OPTIONS',
  'TRACE',
];
const ROUTED: ReadonlySet<string> = new Set(METHODS);

/** Host and port as RFC 3986, 3.2 has them; empty where the target has none. */
const HOST = /^[\w.~!$&'()*+,;=%:[\]-]*$/;

/**
 * What of RFC 9110 and 9112 Node and Fastify leave to the application, or answer without a body.
 */
export function keepHttpRules(fastify: FastifyInstance, server: Server): void {
  fastify.addHook('onRequest', (request, reply, done) => {
    const fault = hostFault(request.raw);
    if (fault === null) done();
    else sendProblem(reply, problems.invalidRequest({ detail: fault }), request.id);
  });
  // PROPFIND, QUERY and two dozen more are read by the parser and unknown to the router, which
  // would say 404 for a path that there is.
  server.prependListener('request', (request: IncomingMessage) => {
    if (!ROUTED.has(request.method!)) request.method = 'TRACE';
  });
  // An expectation that is not known may be ignored (RFC 9110, 10.1.1); Node alone answers a 417
  // that says nothing.
  server.on('checkExpectation', (request, response) => server.emit('request', request, response));
}

/**
 * What is wrong with the Host of a request (RFC 9112, 3.2), where several lines of it would be read
 * differently by a proxy and by us; null when nothing is.
 */
export function hostFault({ rawHeaders, httpVersion }: IncomingMessage): string | null {
  const hosts = rawHeaders.filter(
    (_value, i) => i % 2 === 1 && rawHeaders[i - 1]!.toLowerCase() === 'host',
  );
  if (hosts.length > 1) return 'There is more than one Host header.';
  if (hosts.length === 0) return httpVersion === '1.1' ? 'There is no Host header.' : null;
  return HOST.test(hosts[0]!) ? null : 'The Host header is neither a name nor an address.';
}
