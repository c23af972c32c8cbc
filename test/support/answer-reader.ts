import type { TestClient } from './client.js';

/** One server-sent event of an answer. */
export interface AnswerFrame {
  id: string | null;
  event: string;
  data: any;
}

/** An answer as it is written, read one event at a time. */
export class AnswerReader {
  readonly frames: AnswerFrame[] = [];
  private readonly body: ReadableStreamDefaultReader<string>;
  private buffer = '';

  private constructor(
    readonly response: Response,
    private readonly abort: AbortController,
  ) {
    this.body = response
      .body!.pipeThrough(new TextDecoderStream() as never)
      .getReader() as ReadableStreamDefaultReader<string>;
  }

  static async open(
    client: TestClient,
    method: string,
    path: string,
    body?: object,
    headers: Record<string, string> = {},
  ): Promise<AnswerReader> {
    const abort = new AbortController();
    const response = await fetch(`${client.url}/api/v1${path}`, {
      method,
      headers: {
        authorization: `Bearer ${client.token}`,
        ...(body && { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body && { body: JSON.stringify(body) }),
      signal: abort.signal,
    });
    if (!response.ok)
      throw new Error(`${method} ${path} answered ${response.status}: ${await response.text()}`);
    return new AnswerReader(response, abort);
  }

  /** Posts a question and follows its answer. */
  static ask(
    client: TestClient,
    chatId: string,
    question: string,
    more: object = {},
    headers?: Record<string, string>,
  ): Promise<AnswerReader> {
    return AnswerReader.open(
      client,
      'POST',
      `/chats/${chatId}/messages`,
      { question, stream: true, ...more },
      headers,
    );
  }

  /** Follows an answer that is being written. */
  static follow(
    client: TestClient,
    chatId: string,
    responseId: string,
    lastEventId?: string,
  ): Promise<AnswerReader> {
    const headers: Record<string, string> = lastEventId ? { 'last-event-id': lastEventId } : {};
    return AnswerReader.open(
      client,
      'GET',
      `/chats/${chatId}/messages/${responseId}/stream`,
      undefined,
      headers,
    );
  }

  /** The next event; null at the end. */
  async next(): Promise<AnswerFrame | null> {
    for (;;) {
      const end = this.buffer.indexOf('\n\n');
      if (end >= 0) {
        const record = this.buffer.slice(0, end);
        this.buffer = this.buffer.slice(end + 2);
        if (record.startsWith(':')) continue;
        const field = (name: string): string | null =>
          new RegExp(`^${name}: (.*)$`, 'm').exec(record)?.[1] ?? null;
        const frame = { id: field('id'), event: field('event')!, data: JSON.parse(field('data')!) };
        this.frames.push(frame);
        return frame;
      }
      const { done, value } = await this.body.read();
      if (done) return null;
      this.buffer += value;
    }
  }

  /** Reads until so many pieces have come. */
  async pieces(count: number): Promise<this> {
    while (this.deltas.length < count && (await this.next()));
    return this;
  }

  /** Reads to the end; answers the last event. */
  async end(): Promise<AnswerFrame> {
    while (await this.next());
    return this.frames.at(-1)!;
  }

  close(): void {
    this.abort.abort();
  }

  get deltas(): AnswerFrame[] {
    return this.frames.filter(({ event }) => event === 'message.delta');
  }

  get text(): string {
    return this.deltas.map(({ data }) => data.delta).join('');
  }

  get accepted(): any {
    return this.frames[0]!.data;
  }
}
