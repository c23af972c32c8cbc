import type { Readable } from 'node:stream';
import type { FastifyReply } from 'fastify';
import { EVENT_STREAM_HEADERS } from '../../runtime/event-stream.js';
import type { Answer, AnswerStream } from './answer.js';
import { serverSentAnswer } from './server-sent-answer.js';

/** The pair at the end of its answer, and in the header where its words are; or the answer as it is written. */
export async function send(reply: FastifyReply, answer: Answer, stream = false): Promise<string | Readable> {
  if (stream) return sendEvents(reply, answer.events());
  const { json, contentState } = await answer.whole();
  if (contentState) reply.header('content-state', contentState);
  return json;
}

/** An answer as it is written. */
export function sendEvents(reply: FastifyReply, events: AnswerStream): Readable {
  reply.headers(EVENT_STREAM_HEADERS);
  return serverSentAnswer(events);
}
