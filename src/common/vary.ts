import type { FastifyReply } from 'fastify';

/**
 * Says that an answer depends on this header of the request too, beside what was said already, by
 * CORS of the page that asks (RFC 9110, 12.5.5).
 */
export function varyBy(reply: FastifyReply, header: string): void {
  const said = reply.getHeader('vary');
  reply.header('vary', said === undefined ? header : `${said}, ${header}`);
}
