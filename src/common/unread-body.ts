import type { FastifyReply, FastifyRequest } from 'fastify';
import { problems } from './problems.js';

/**
 * How long the rest of a body that nobody reads is thrown away, so that its sender can read the
 * answer, before the connection is cut.
 */
const LINGER_MS = 2000;

/**
 * A coding that we cannot undo would be taken for the body itself (RFC 9110, 8.4). @throws
 * unsupported_media_type
 */
export function refuseCodings(
  { headers }: FastifyRequest,
  _reply: FastifyReply,
  done: (error?: Error) => void,
): void {
  const coding = headers['content-encoding'];
  if (coding === undefined || coding.trim().toLowerCase() === 'identity' || !hasBody(headers))
    return done();
  const detail = 'Send the body as it is, without Content-Encoding.';
  done(problems.unsupportedMediaType({ detail, headers: { 'accept-encoding': 'identity' } }));
}

/**
 * A request that was answered before its body was read does not keep its connection for long. Node
 * drops what still comes of it.
 */
export function cutUnread({ raw }: FastifyRequest, _reply: FastifyReply, done: () => void): void {
  done();
  if (raw.complete !== false || raw.socket.destroyed) return;
  const cut = setTimeout(() => raw.complete || raw.socket.destroy(), LINGER_MS).unref();
  raw.once('close', () => clearTimeout(cut));
}

/** Whether a body is announced. */
export const hasBody = ({
  'content-length': length,
  'transfer-encoding': coding,
}: FastifyRequest['headers']): boolean =>
  coding !== undefined || (length !== undefined && length !== '0');
