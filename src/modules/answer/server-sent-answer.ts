import type { Readable } from 'node:stream';
import { Logger } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { exactJson } from '../../common/exact-json.js';
import { EVENT_STREAM_HEADERS, eventStream, sentEvent } from '../../runtime/event-stream.js';
import type { Answer, AnswerEvent, AnswerStream } from './answer.js';

/**
 * The pair at the end of its answer, and in the header where its words are; or the answer as it is
 * written.
 */
export async function send(
  reply: FastifyReply,
  answer: Answer,
  stream = false,
): Promise<string | Readable> {
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

/**
 * An answer as server-sent events (WHATWG HTML, 9.2.6). Ends with the answer; whoever closes it
 * ends nothing.
 */
export const serverSentAnswer = (events: AnswerStream): Readable => serverSent(framesOf(events));

/** Events that were made elsewhere, with pings while there are none. */
export const serverSent = (frames: AsyncIterable<string>): Readable =>
  eventStream(frames, tellBreak);

/** The reader resumes. */
const tellBreak = (error: unknown): void =>
  new Logger('Answers').warn({
    message: 'a stream broke off',
    cause: error instanceof Error ? error.message : String(error),
  });

async function* framesOf(events: AnswerStream): AsyncGenerator<string> {
  for await (const event of events) yield frameOf(event);
}

function frameOf(event: AnswerEvent): string {
  if (event.type === 'delta') {
    const { generationId, responseId, n, delta } = event;
    return sentEvent(
      JSON.stringify({ response_id: responseId, n, delta }),
      'message.delta',
      `${generationId}:${n}`,
    );
  }
  if (event.type === 'part') {
    const { generationId, responseId, n, part } = event;
    return sentEvent(
      `{"response_id":"${responseId}","n":${n},"part":${exactJson(part)}}`,
      'message.part',
      `${generationId}:${n}`,
    );
  }
  if (event.type !== 'accepted') return sentEvent(event.json, `message.${event.type}`);
  const { generationId, responseId, chatId, rootChatId, seq, parentResponseId, model } = event;
  const ids = {
    response_id: responseId,
    chat_id: chatId,
    root_chat_id: rootChatId,
    parent_response_id: parentResponseId,
  };
  const data = JSON.stringify({ ...ids, seq, model, generation_id: generationId });
  return sentEvent(
    data,
    'message.accepted',
    generationId === null ? undefined : `${generationId}:0`,
  );
}
