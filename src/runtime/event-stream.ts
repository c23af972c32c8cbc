import { Readable } from 'node:stream';

/** Headers of every stream of server-sent events (WHATWG HTML, 9.2). */
export const EVENT_STREAM_HEADERS = {
  'content-type': 'text/event-stream; charset=utf-8',
  'cache-control': 'no-cache, no-transform',
  // nginx would gather the events until its buffer is full.
  'x-accel-buffering': 'no',
} as const;

/** Frames that wait for a slow reader. What comes after them is not even made before it reads. */
const FRAMES_MAX = 16;
const PING_MS = 15_000;
const PING = ': ping\n\n';

/**
 * One server-sent event (WHATWG HTML, 9.2.6).
 * @param data without line breaks, as JSON is: so one `data` line is enough
 */
export function sentEvent(data: string, event?: string, id?: string | number): string {
  const head = id === undefined ? '' : `id: ${id}\n`;
  return event === undefined
    ? `${head}data: ${data}\n\n`
    : `${head}event: ${event}\ndata: ${data}\n\n`;
}

/**
 * Frames as they are made, with pings while there are none. A reader that is slow has them made
 * later; one that leaves ends their making. Empty frames are left out.
 * @param onBreak is told of an error: the status is out by then, so the reader sees a stream
 * without its end
 */
export const eventStream = (
  frames: AsyncIterable<string>,
  onBreak: (error: unknown) => void,
): Readable => Readable.from(withPings(frames, onBreak), { highWaterMark: FRAMES_MAX });

async function* withPings(
  frames: AsyncIterable<string>,
  onBreak: (error: unknown) => void,
): AsyncGenerator<string> {
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
    onBreak(error);
  } finally {
    // Not waited for: a reader that left would wait for the next piece.
    void iterator.return?.();
  }
}

/** What keeps proxies from closing a stream while a model thinks. */
async function orPing(
  next: Promise<IteratorResult<string>>,
): Promise<IteratorResult<string> | typeof PING> {
  let timer: NodeJS.Timeout | undefined;
  const quiet = new Promise<typeof PING>(
    (resolve) => (timer = setTimeout(resolve, PING_MS, PING).unref()),
  );
  try {
    return await Promise.race([next, quiet]);
  } finally {
    clearTimeout(timer);
  }
}
