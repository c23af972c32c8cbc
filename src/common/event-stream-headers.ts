/** Headers of every stream of server-sent events (WHATWG HTML, 9.2). */
export const EVENT_STREAM_HEADERS = {
  'content-type': 'text/event-stream; charset=utf-8',
  'cache-control': 'no-cache, no-transform',
  // nginx would gather the events until its buffer is full.
  'x-accel-buffering': 'no',
} as const;
