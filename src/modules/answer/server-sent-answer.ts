import type { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { Logger } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { exactJson } from '../../common/exact-json.js';
import { problemOf } from '../../common/problem.filter.js';
import { problemDocument } from '../../common/problems.js';
import { EVENT_STREAM_HEADERS, eventStream, sentEvent } from '../../runtime/event-stream.js';
import type { Answer, AnswerEvent, AnswerStream } from './answer.js';

/** After this a stream begins, whatever keeps its answer from beginning. */
const SOON_MS = 1000;

/**
 * The pair at the end of its answer, and in the header where its words are; or the answer as it is
 * written. A stream whose answer has not begun within a second, because it waits for another one,
 * begins with a comment; what would have been an error answer is then the event `error`.
 */
export async function send(
  reply: FastifyReply,
  asked: Answer | Promise<Answer>,
  stream = false,
): Promise<string | Readable> {
  if (stream) {
    const answer = await soonOf(Promise.resolve(asked));
    if (answer) return sendEvents(reply, answer.events());
    reply.headers(EVENT_STREAM_HEADERS);
    return serverSent(framesLater(Promise.resolve(asked), reply.request));
  }
  const { json, contentState } = await (await asked).whole();
  if (contentState) reply.header('content-state', contentState);
  return json;
}

/** Null where it takes longer. @throws what it does */
async function soonOf(asked: Promise<Answer>): Promise<Answer | null> {
  const patience = new AbortController();
  const tooLate = sleep(SOON_MS, null, { signal: patience.signal }).catch(() => null);
  return Promise.race([asked, tooLate]).finally(() => patience.abort());
}

async function* framesLater(
  asked: Promise<Answer>,
  { id, method }: FastifyRequest,
): AsyncGenerator<string> {
  yield ': waiting\n\n';
  let answer: Answer;
  try {
    answer = await asked;
  } catch (error) {
    yield sentEvent(JSON.stringify(problemDocument(problemOf(error, method), id)), 'error');
    return;
  }
  yield* framesOf(answer.events());
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
