import { EventSourceParserStream } from 'eventsource-parser/stream';
import { API, BASE } from './base';
import { renew, session } from './session';

/** What the server says of a request that it refused (RFC 9457). */
export class Problem extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    detail: string,
  ) {
    super(detail);
  }
}

interface Options {
  body?: unknown;
  form?: BodyInit;
  headers?: Record<string, string>;
  signal?: AbortSignal;
  /** Of a stream: after so long without a byte it counts as broken. */
  silenceMs?: number;
}

async function send(method: string, path: string, options: Options): Promise<Response> {
  const token = session()?.access_token;
  const { body, form, signal } = options;
  return fetch(path.startsWith('/v1/') ? `${BASE}${path}` : `${API}${path}`, {
    method,
    signal,
    headers: {
      ...(token && { authorization: `Bearer ${token}` }),
      ...(body !== undefined && { 'content-type': 'application/json' }),
      ...options.headers,
    },
    body: form ?? (body === undefined ? undefined : JSON.stringify(body)),
  });
}

/** Sends a request; renews a token that has ended without a word. @throws Problem */
export async function request(
  method: string,
  path: string,
  options: Options = {},
): Promise<Response> {
  const stale = session()?.access_token;
  let answer = await send(method, path, options);
  if (answer.status === 401 && stale && (await renew(stale))) {
    answer = await send(method, path, options);
  }
  if (answer.ok) return answer;
  const told = (await answer.json().catch(() => ({}))) as {
    code?: string;
    detail?: string;
    title?: string;
    errors?: { path: string; message: string }[];
  };
  const fields = told.errors?.map(({ path: at, message }) => `${at} ${message}`).join('; ');
  throw new Problem(
    answer.status,
    told.code ?? 'unknown',
    fields ?? told.detail ?? told.title ?? `The server answered ${answer.status}.`,
  );
}

export async function call<Answer>(
  method: string,
  path: string,
  body?: unknown,
  options: Options = {},
): Promise<Answer> {
  const answer = await request(method, path, { ...options, body });
  return (answer.status === 204 ? null : await answer.json()) as Answer;
}

/** One event of a stream. */
export interface StreamEvent {
  event: string;
  id: string | undefined;
  data: Record<string, unknown>;
}

/** The events of a stream, until it ends or `signal` aborts. @throws Problem */
export async function* stream(
  method: string,
  path: string,
  options: Options = {},
): AsyncGenerator<StreamEvent> {
  const answer = await request(method, path, {
    ...options,
    headers: { ...options.headers, accept: 'text/event-stream' },
  });
  const heard = listening(options.silenceMs);
  const reader = answer
    .body!.pipeThrough(heard.bytes)
    .pipeThrough(new TextDecoderStream() as ReadableWritablePair<string, Uint8Array>)
    .pipeThrough(new EventSourceParserStream())
    .getReader();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      const data = JSON.parse(value.data) as Record<string, unknown>;
      yield { event: value.event ?? 'message', id: value.id, data };
    }
  } finally {
    heard.stop();
    void reader.cancel().catch(() => undefined);
  }
}

/** Passes bytes on, and breaks when none come for too long: a cut connection may say nothing. */
function listening(silenceMs: number | undefined): {
  bytes: TransformStream<Uint8Array, Uint8Array>;
  stop: () => void;
} {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const watch = (out: TransformStreamDefaultController<Uint8Array>): void => {
    clearTimeout(timer);
    if (silenceMs === undefined) return;
    timer = setTimeout(() => out.error(new Error('The server says nothing.')), silenceMs);
  };
  return {
    bytes: new TransformStream({
      start: watch,
      transform: (bytes, out) => {
        watch(out);
        out.enqueue(bytes);
      },
    }),
    stop: () => clearTimeout(timer),
  };
}
