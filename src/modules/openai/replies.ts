import type { FastifyReply } from 'fastify';
import { EVENT_STREAM_HEADERS } from '../../runtime/event-stream.js';
import { serverSent } from '../answer/server-sent-answer.js';

/** Sends server-sent events as they are made. */
export function sendEventStream(reply: FastifyReply, frames: AsyncIterable<string>): void {
  void reply.headers(EVENT_STREAM_HEADERS).send(serverSent(frames));
}

/** Aborts when the client goes before its answer has ended. */
export function goneSignal({ raw }: FastifyReply): AbortSignal {
  const gone = new AbortController();
  if (raw.destroyed) gone.abort();
  raw.once('close', () => {
    if (!raw.writableFinished) gone.abort();
  });
  return gone.signal;
}
