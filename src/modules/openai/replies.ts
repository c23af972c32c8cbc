import type { FastifyReply } from 'fastify';
import { serverSent } from '../completion/server-sent-answer.js';

/** Sends server-sent events as they are made. */
export function sendEventStream(reply: FastifyReply, frames: AsyncIterable<string>): void {
  void reply
    .header('content-type', 'text/event-stream; charset=utf-8')
    .header('cache-control', 'no-cache, no-transform')
    // nginx would gather the events until its buffer is full.
    .header('x-accel-buffering', 'no')
    .send(serverSent(frames));
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
