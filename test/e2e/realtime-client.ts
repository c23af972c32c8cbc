import { once } from 'node:events';
import { type ClientRequest, type IncomingMessage, request } from 'node:http';
import WebSocket from 'ws';
import type { TestClient } from '../support/client.js';
import { undisturbed, until } from '../support/machine-clock.js';

export interface Frame {
  event: string;
  data: any;
  seq?: number;
}

/** Some ends come after ten seconds. */
const END_MS = 20_000;

/** A client of `/api/v1/ws` that keeps all it was told. */
export class TestSocket {
  readonly frames: Frame[] = [];
  /** Code and reason, once it is closed. */
  closed: { code: number; reason: string } | null = null;

  constructor(readonly socket: WebSocket) {
    socket.on('message', (data) => this.frames.push(JSON.parse(String(data)) as Frame));
    socket.on('close', (code, reason) => (this.closed = { code, reason: String(reason) }));
    socket.on('error', () => undefined);
  }

  /** Connected; it has said nothing yet. */
  static async open(
    url: string,
    headers: Record<string, string> = {},
    protocols: string[] = [],
    query = '',
  ): Promise<TestSocket> {
    const client = new TestSocket(
      new WebSocket(`${url.replace('http', 'ws')}/api/v1/ws${query}`, protocols, { headers }),
    );
    await once(client.socket, 'open');
    return client;
  }

  /** Connected and let in, by its first frame. */
  static of({ url, token }: TestClient): Promise<TestSocket> {
    return undisturbed(async () => {
      const client = await TestSocket.open(url);
      client.say('auth', { token });
      await client.next('ready');
      return client;
    });
  }

  /** Connected, let in, and subscribed to the account. */
  static async onAccount(person: TestClient, since?: number): Promise<TestSocket> {
    const client = await TestSocket.of(person);
    client.say('subscribe', { account: true, ...(since !== undefined && { since }) });
    await client.next('subscribed');
    return client;
  }

  /** Connected, let in, and subscribed to a conversation. */
  static async on(person: TestClient, chatId: string, since?: number): Promise<TestSocket> {
    const client = await TestSocket.of(person);
    await client.subscribe(chatId, since);
    return client;
  }

  say(event: string, data?: object): void {
    this.socket.send(JSON.stringify({ event, ...(data && { data }) }));
  }

  /** Subscribes; answers the `seq` of `subscribed`. */
  async subscribe(chatId: string, since?: number): Promise<number> {
    const before = this.frames.length;
    this.say('subscribe', { chat_id: chatId, ...(since !== undefined && { since }) });
    const frame = await this.next('subscribed', before);
    return frame.data.seq;
  }

  /** The first frame of that name, from the given one on. */
  async next(event: string, from = 0): Promise<Frame> {
    const find = () => this.frames.slice(from).find((frame) => frame.event === event);
    await until(
      () => find() !== undefined || this.closed !== null,
      () => `${event}, among ${JSON.stringify(this.frames.slice(-3))}`,
    );
    const found = find();
    if (!found) throw new Error(`closed with ${JSON.stringify(this.closed)} before ${event}`);
    return found;
  }

  /** Events, without what is said to this client alone. */
  get events(): Frame[] {
    return this.frames.filter(({ seq }) => seq !== undefined);
  }

  /** The events, as soon as the one with this `seq` is there. */
  async upTo(seq: number): Promise<Frame[]> {
    await until(
      () => this.events.some((event) => event.seq === seq) || this.closed !== null,
      `event ${seq}`,
    );
    return this.events;
  }

  /** Waits for its end. */
  async end(): Promise<{ code: number; reason: string }> {
    return until(() => this.closed, 'the end of the socket', END_MS);
  }

  close(): void {
    this.socket.terminate();
  }
}

/**
 * A reader of `GET /api/v1/events`. Over a connection of its own: `fetch` opens another one
 * whenever a stream is left, and never uses it.
 */
export class TestStream {
  /** Records as `{id, event, data}`, texts as they came. */
  readonly records: { id?: string; event?: string; data?: any }[] = [];
  comments = 0;
  ended = false;
  private text = '';

  private constructor(
    readonly answer: IncomingMessage,
    private readonly request: ClientRequest,
  ) {
    answer.setEncoding('utf8');
    answer.on('data', (text: string) => this.read(text));
    answer.on('error', () => undefined);
    answer.on('close', () => (this.ended = true));
  }

  static async open(
    { url, token }: TestClient,
    query: string,
    headers: Record<string, string> = {},
  ): Promise<TestStream> {
    const asking = request(`${url}/api/v1/events?${query}`, {
      agent: false,
      headers: { ...(token && { authorization: `Bearer ${token}` }), ...headers },
    });
    asking.on('error', () => undefined).end();
    const [answer] = (await once(asking, 'response')) as [IncomingMessage];
    return new TestStream(answer, asking);
  }

  get status(): number {
    return this.answer.statusCode!;
  }

  get events(): { id?: string; event?: string; data?: any }[] {
    return this.records.filter(({ data }) => data?.seq !== undefined);
  }

  async upTo(seq: number): Promise<Frame[]> {
    await until(
      () => this.events.some(({ data }) => data.seq === seq) || this.ended,
      `event ${seq}`,
    );
    return this.events.map(({ data }) => data as Frame);
  }

  close(): void {
    this.request.destroy();
  }

  private read(text: string): void {
    if (this.status !== 200) return;
    const parts = (this.text + text).split('\n\n');
    this.text = parts.pop()!;
    for (const part of parts) this.keep(part);
  }

  private keep(part: string): void {
    if (part.startsWith(':')) return void this.comments++;
    const fields = Object.fromEntries(
      part.split('\n').map((line) => line.split(/: (.*)/s).slice(0, 2)),
    );
    this.records.push({ ...fields, data: JSON.parse(fields.data) });
  }
}
