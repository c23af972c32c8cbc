import { Readable } from 'node:stream';
import { Logger } from '@nestjs/common';
import type { AnswerEvent, AnswerStream } from './answer.js';

/** Frames that wait for a slow reader. What comes after them is not even made before it reads. */
const FRAMES_MAX = 16;
const PING_MS = 15_000;
const PING = ': ping\n\n';

/** An answer as server-sent events (WHATWG HTML, 9.2.6). Ends with the answer; whoever closes it ends nothing. */
export const serverSentAnswer = (events: AnswerStream): Readable => serverSent(framesOf(events));

/** Events that were made elsewhere, with pings while there are none. */
export const serverSent = (frames: AsyncIterable<string>): Readable => Readable.from(withPings(frames), { highWaterMark: FRAMES_MAX });

async function* framesOf(events: AnswerStream): AsyncGenerator<string> {
  for await (const event of events) yield frameOf(event);
}

async function* withPings(frames: AsyncIterable<string>): AsyncGenerator<string> {
  const iterator = frames[Symbol.asyncIterator]();
  try {
    for (let next = iterator.next(); ;) {
      const result = await orPing(next);
      if (result === PING) yield PING;
      else if (result.done) return;
      else {
        if (result.value !== '') yield result.value;
        next = iterator.next();
      }
    }
  } catch (error) {
    // The status is out already. The reader sees a stream without an end, and resumes.
    new Logger('Answers').warn({ message: 'a stream broke off', cause: error instanceof Error ? error.message : String(error) });
  } finally {
    // Not waited for: a reader that left would wait for the next piece.
    void iterator.return?.();
  }
}

/** What keeps proxies from closing a stream while a model thinks. */
async function orPing(next: Promise<IteratorResult<string>>): Promise<IteratorResult<string> | typeof PING> {
  let timer: NodeJS.Timeout | undefined;
  const quiet = new Promise<typeof PING>((resolve) => (timer = setTimeout(resolve, PING_MS, PING).unref()));
  try {
    return await Promise.race([next, quiet]);
  } finally {
    clearTimeout(timer);
  }
}

function frameOf(event: AnswerEvent): string {
  if (event.type === 'delta') {
    const { generationId, responseId, n, delta } = event;
    return frame('message.delta', JSON.stringify({ response_id: responseId, n, delta }), `${generationId}:${n}`);
  }
  if (event.type !== 'accepted') return frame(`message.${event.type}`, event.json);
  const { generationId, responseId, chatId, rootChatId, seq, parentResponseId, model } = event;
  const ids = { response_id: responseId, chat_id: chatId, root_chat_id: rootChatId, parent_response_id: parentResponseId };
  const data = JSON.stringify({ ...ids, seq, model, generation_id: generationId });
  return frame('message.accepted', data, generationId === null ? undefined : `${generationId}:0`);
}

/** JSON has no line breaks, so one `data` line is enough. */
const frame = (event: string, json: string, id?: string): string =>
  `${id === undefined ? '' : `id: ${id}\n`}event: ${event}\ndata: ${json}\n\n`;
