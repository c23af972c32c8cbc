import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { deltasOf, messageOf } from './provider-turns.js';

/** The pieces of an answer of so many words. */
export const words = (n: number): string[] => Array.from({ length: n }, (_, i) => `w${i} `);

/** What a model says in its turn, piece by piece. */
export type Turn = readonly (
  | string
  | { reasoning: string }
  | { tool: { id?: string; name: string; input: unknown } }
  /** A delta as it is. */
  | { delta: object }
)[];

/**
 * How the provider answers one request. Everything is left out by default: a good answer, at once.
 */
export interface Script {
  /** Pieces of the answer; joined they are its text. */
  tokens?: readonly string[];
  /** In the place of `tokens`: with thoughts and calls. A chunk counts as a token. */
  turn?: Turn;
  /** The whole body of the stream, as it is. Ends there, unless something below says otherwise. */
  says?: string;
  /** Before each token, in ms. */
  delayMs?: number;
  /**
   * Says nothing more after so many tokens, until the client goes; 0 is before the first. Headers
   * are sent.
   */
  hangAfter?: number;
  /**
   * Goes on after so many tokens only when the test says so (`release`): until then the answer is
   * being written, however slow the machine.
   */
  gateAfter?: number;
  /** Does not even send headers. */
  silent?: boolean;
  /** Tears the connection after so many tokens. */
  cutAfter?: number;
  /** Ends the stream in order, but says neither `finish_reason` nor `[DONE]`. */
  withoutFinish?: boolean;
  /** Ends the stream with a `finish_reason` but without `[DONE]`. */
  withoutDone?: boolean;
  finishReason?: string;
  /** An error answer in OpenAI's envelope, unless `body` is given. */
  status?: number;
  headers?: Record<string, string>;
  /** Sent as it is in place of a stream. */
  body?: string | Buffer;
  /**
   * An error chunk after so many tokens, as some providers send within a stream that began with
   * 200.
   */
  errorAfter?: number;
  /** Bytes that are no event stream, after so many tokens. */
  garbageAfter?: number;
  /** Sends 4 KiB tokens until the client goes or so many bytes are sent. */
  floodBytes?: number;
  /** Null: the provider tells no usage. By default as many output tokens as `tokens`. */
  usage?: {
    prompt_tokens: number | null;
    completion_tokens: number | null;
    [detail: string]: unknown;
  } | null;
  /** Name of the model in the answer; by default the one that was asked. */
  model?: string;
}

/** What the provider was asked, and how it ended. */
export interface Asked {
  method: string;
  path: string;
  headers: IncomingMessage['headers'];
  /** The parsed JSON body. */
  body: any;
  /** Tokens that were handed to the socket so far. */
  sent: number;
  /** True once the client went before the answer had ended. */
  aborted: boolean;
  /** Resolves when the answer has ended, or the client has gone. */
  closed: Promise<void>;
}

const GOOD: Script = { tokens: ['Hello', ' from', ' the', ' fake', ' provider', '.'] };

/**
 * A server on the loopback that speaks OpenAI's chat completions, and does so as badly as it is
 * told. Requests take the next script of the queue (`next`); when that is empty, the one of
 * `always`; a function chooses by what was asked.
 */
export class FakeProvider {
  /** All requests, in the order of their arrival. */
  readonly asked: Asked[] = [];
  private readonly queue: Script[] = [];
  private standard: Script | ((asked: Asked) => Script) = GOOD;
  private waiting: { count: number; resolve: () => void }[] = [];
  private gate = new Gate();

  private constructor(private readonly server: Server) {}

  static async start(): Promise<FakeProvider> {
    const server = createServer();
    const provider = new FakeProvider(server);
    server.on(
      'request',
      (request, response) =>
        void provider.handle(request, response).catch(() => response.destroy()),
    );
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return provider;
  }

  /** As OPENAI_BASE_URL wants it, `/v1` included. */
  get url(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}/v1`;
  }

  /** Settings of a server that asks this provider. */
  settings(more: Record<string, string> = {}): Record<string, string> {
    return {
      OPENAI_BASE_URL: this.url,
      OPENAI_API_KEY: 'sk-fake-provider-key',
      LLM_MODEL: 'fake-1',
      ...more,
    };
  }

  /** Answers the next requests so, in this order. */
  next(...scripts: Script[]): this {
    this.queue.push(...scripts);
    return this;
  }

  /** Answers all requests so that have no script of their own. */
  always(script: Script | ((asked: Asked) => Script)): this {
    this.standard = script;
    return this;
  }

  /**
   * Lets all go on that wait at their `gateAfter`, and those that come to it before the next reset.
   */
  release(): void {
    this.gate.open();
  }

  /** Forgets scripts and requests; nobody waits any more for a `release`. */
  reset(): void {
    this.release();
    this.gate = new Gate();
    this.queue.length = 0;
    this.asked.length = 0;
    this.standard = GOOD;
  }

  /** Resolves when so many requests have arrived since the last reset. */
  async untilAsked(count: number): Promise<void> {
    if (this.asked.length >= count) return;
    await new Promise<void>((resolve) => this.waiting.push({ count, resolve }));
  }

  async close(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise<void>((resolve) => this.server.close(() => resolve()));
  }

  private async handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const asked = await record(request, response);
    this.asked.push(asked);
    this.waiting = this.waiting.filter(
      ({ count, resolve }) => this.asked.length < count || void resolve(),
    );
    const script =
      this.queue.shift() ??
      (typeof this.standard === 'function' ? this.standard(asked) : this.standard);
    if (script.silent) return;
    if (script.status !== undefined || script.body !== undefined) return refuse(response, script);
    if (asked.body.stream !== true) return whole(response, asked, script);
    if (script.says !== undefined) return sayAsItIs(response, script);
    await stream(response, asked, script, this.gate);
  }
}

/** Where answers wait for a word of the test. */
class Gate {
  open!: () => void;
  readonly opened = new Promise<void>((resolve) => (this.open = resolve));

  /**
   * Comes back at once unless the script has its gate behind so many tokens; else when it is open,
   * or the client has gone.
   */
  async pass({ gateAfter }: Script, at: number, { closed }: Asked): Promise<void> {
    if (gateAfter === at) await Promise.race([this.opened, closed]);
  }
}

async function record(request: IncomingMessage, response: ServerResponse): Promise<Asked> {
  const closed = new Promise<void>((resolve) => response.once('close', resolve));
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const text = Buffer.concat(chunks).toString();
  const { method = '', url: path = '', headers } = request;
  const asked: Asked = {
    method,
    path,
    headers,
    body: text ? JSON.parse(text) : null,
    sent: 0,
    aborted: false,
    closed,
  };
  response.once('close', () => (asked.aborted = !response.writableFinished));
  return asked;
}

function refuse(response: ServerResponse, { status = 200, headers = {}, body }: Script): void {
  const envelope = {
    error: {
      message: 'the secret words of the provider',
      type: 'fake',
      param: null,
      code: 'fake_error',
    },
  };
  response.writeHead(status, { 'content-type': 'application/json', ...headers });
  response.end(body ?? JSON.stringify(envelope));
}

async function stream(
  response: ServerResponse,
  asked: Asked,
  script: Script,
  gate: Gate,
): Promise<void> {
  const base = {
    id: `chatcmpl-${asked.path.length}`,
    object: 'chat.completion.chunk',
    created: 1764000000,
    model: script.model ?? asked.body.model,
  };
  const say = (choices: unknown[], more: object = {}): Promise<void> =>
    send(response, `data: ${JSON.stringify({ ...base, choices, ...more })}\n\n`);
  begin(response, script);
  const tokens = deltasIn(script);
  let at = 0;
  for (;;) {
    await gate.pass(script, at, asked);
    if (!(await goesOn(response, script, at))) return;
    const { done, value: delta } = tokens.next();
    if (done) break;
    if (script.delayMs) await sleep(script.delayMs);
    if (response.destroyed) return;
    await say([
      {
        index: 0,
        delta: at === 0 ? { role: 'assistant', ...delta } : delta,
        finish_reason: null,
      },
    ]);
    asked.sent = ++at;
  }
  if (script.withoutFinish) return void response.end();
  await say([{ index: 0, delta: {}, finish_reason: reasonOf(script) }]);
  if (script.usage !== null) await say([], { usage: usageOf(script, at) });
  response.end(script.withoutDone ? '' : 'data: [DONE]\n\n');
}

function begin(response: ServerResponse, { headers }: Script): void {
  response.writeHead(200, { 'content-type': 'text/event-stream', ...headers });
  response.flushHeaders();
}

async function sayAsItIs(response: ServerResponse, script: Script): Promise<void> {
  begin(response, script);
  await send(response, script.says!);
  if (script.cutAfter !== undefined) {
    // What it said shall arrive.
    await sleep(20);
    response.destroy();
  } else if (script.hangAfter === undefined) response.end();
}

const GARBAGE = Buffer.from('data: {"choices":[{"del\xff\xfe\0ta\n\ndata: nonsense\n\n', 'latin1');
const ERROR_CHUNK =
  'data: {"error":{"message":"the secret words of the provider","type":"server_error"}}\n\n';

/** Does what the script wants after `at` tokens; false when nothing more is to be said. */
async function goesOn(
  response: ServerResponse,
  { hangAfter, cutAfter, garbageAfter, errorAfter }: Script,
  at: number,
): Promise<boolean> {
  if (response.destroyed || hangAfter === at) return false;
  if (cutAfter === at) {
    // The tokens before it shall arrive.
    await sleep(20);
    response.destroy();
  } else if (garbageAfter === at) response.end(GARBAGE);
  else if (errorAfter === at) response.end(ERROR_CHUNK);
  else return true;
  return false;
}

/** What a turn that calls something waits for. */
const reasonOf = ({ finishReason, turn = [] }: Script): string =>
  finishReason ??
  (turn.some((piece) => typeof piece === 'object' && 'tool' in piece) ? 'tool_calls' : 'stop');

/** The answer to a request that wants no stream. */
function whole(response: ServerResponse, asked: Asked, script: Script): void {
  const turn = script.turn ?? [[...tokensOf(script)].join('')];
  response.writeHead(200, { 'content-type': 'application/json', ...script.headers });
  response.end(
    JSON.stringify({
      id: 'chatcmpl-whole',
      object: 'chat.completion',
      created: 1764000000,
      model: script.model ?? asked.body.model,
      choices: [{ index: 0, message: messageOf(turn), finish_reason: reasonOf(script) }],
      ...(script.usage !== null && { usage: usageOf(script, turn.length) }),
    }),
  );
}

function* deltasIn(script: Script): Generator<object> {
  if (script.turn) return yield* deltasOf(script.turn);
  for (const content of tokensOf(script)) yield { content };
}

function* tokensOf({ tokens = GOOD.tokens!, floodBytes }: Script): Generator<string> {
  if (floodBytes === undefined) return yield* tokens;
  const flood = 'x'.repeat(4096);
  for (let sent = 0; sent < floodBytes; sent += flood.length) yield flood;
}

function usageOf({ usage }: Script, tokens: number): object {
  const said = usage ?? { prompt_tokens: 7, completion_tokens: tokens };
  const total_tokens = (said.prompt_tokens ?? 0) + (said.completion_tokens ?? 0);
  return { ...said, total_tokens };
}

/** Writes, and waits while the client does not read. */
async function send(response: ServerResponse, text: string): Promise<void> {
  if (response.destroyed || response.write(text)) return;
  const gone = new AbortController();
  await Promise.race(
    ['drain', 'close'].map((event) =>
      once(response, event, { signal: gone.signal }).catch(() => {}),
    ),
  );
  gone.abort();
}
