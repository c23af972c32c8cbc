import type { Readable } from 'node:stream';
import type { FastifyReply } from 'fastify';
import { EVENT_STREAM_HEADERS } from '../../common/event-stream-headers.js';
import type { AnswerStream } from '../completion/answer-event.js';
import { serverSentAnswer } from '../completion/server-sent-answer.js';
import type { AppendAnswer } from './append.service.js';

/** The JSON of a pair, and in the header where its words are. */
export function sendPair(reply: FastifyReply, { json, contentState }: AppendAnswer): string {
  if (contentState) reply.header('content-state', contentState);
  return json;
}

/** An answer as it is written. */
export function sendEvents(reply: FastifyReply, events: AnswerStream): Readable {
  reply.headers(EVENT_STREAM_HEADERS);
  return serverSentAnswer(events);
}
