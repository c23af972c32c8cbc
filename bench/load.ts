import { once } from 'node:events';
import { connect, type Socket } from 'node:net';

/** One HTTP answer; its body is put together only when somebody asks for it. */
export class Answer {
  constructor(
    readonly status: number,
    readonly head: string,
    private readonly parts: readonly Buffer[],
    private readonly bodyAt: number,
  ) {}

  get text(): string {
    return Buffer.concat(this.parts).toString('utf8', this.bodyAt);
  }

  get json(): any {
    return JSON.parse(this.text);
  }
}

/**
 * A keep-alive connection with one request at a time. It reads no more of an answer than status and
 * length: client and servers share the cores, and whatever the client costs hides differences
 * between them. The bench prints its share.
 */
export class Line {
  private parts: Buffer[] = [];
  private received = 0;
  /** Length of the whole answer; -1 until its head is there. */
  private expected = -1;
  private bodyAt = 0;
  private head = '';
  private settle: { resolve: (answer: Answer) => void; reject: (error: Error) => void } | null =
    null;

  private constructor(private readonly socket: Socket) {
    socket.setNoDelay(true);
    socket.on('data', (chunk: Buffer) => this.take(chunk));
    socket.on('close', () => this.settle?.reject(new Error('The server closed the connection.')));
    socket.on('error', (error) => this.settle?.reject(error));
  }

  static async open(port: number): Promise<Line> {
    const socket = connect(port, '127.0.0.1');
    await once(socket, 'connect');
    return new Line(socket);
  }

  send(request: string): Promise<Answer> {
    return new Promise((resolve, reject) => {
      this.settle = { resolve, reject };
      this.socket.write(request, 'latin1');
    });
  }

  close(): void {
    this.settle = null;
    this.socket.destroy();
  }

  private take(chunk: Buffer): void {
    this.parts.push(chunk);
    this.received += chunk.length;
    if (this.expected < 0) this.readHead();
    if (this.received !== this.expected) return;
    const answer = new Answer(Number(this.head.slice(9, 12)), this.head, this.parts, this.bodyAt);
    const { resolve } = this.settle!;
    this.parts = [];
    this.received = 0;
    this.expected = -1;
    resolve(answer);
  }

  private readHead(): void {
    const bytes = this.parts.length === 1 ? this.parts[0]! : Buffer.concat(this.parts);
    const end = bytes.indexOf('\r\n\r\n');
    if (end < 0) return;
    this.head = bytes.toString('latin1', 0, end);
    this.bodyAt = end + 4;
    const length = /\r\ncontent-length: *(\d+)/i.exec(this.head)?.[1];
    if (length === undefined) throw new Error(`An answer without a length:\n${this.head}`);
    this.expected = this.bodyAt + Number(length);
  }
}

/** The text of a request; `body` must be ASCII. */
export function requestOf(
  method: string,
  path: string,
  { token, body }: { token?: string; body?: string } = {},
): string {
  const authorization = token ? `authorization: Bearer ${token}\r\n` : '';
  const content =
    body === undefined
      ? ''
      : `content-type: application/json\r\ncontent-length: ${body.length}\r\n`;
  return `${method} ${path} HTTP/1.1\r\nhost: bench\r\n${authorization}${content}\r\n${body ?? ''}`;
}

export interface Load {
  port: number;
  connections: number;
  next: () => string;
  /** Looks at one answer of `CHECK_EVERY`; throws when it is wrong. */
  check?: ((answer: Answer) => void) | undefined;
}

/** Every answer must be a 2xx; one of so many is read and checked as a whole. */
const CHECK_EVERY = 101;

/**
 * Keeps all connections busy for a while; answers how many requests were answered and how long that
 * took. @throws at the first wrong answer
 */
export async function drive(
  load: Load,
  ms: number,
): Promise<{ requests: number; seconds: number }> {
  const lines = await Promise.all(
    Array.from({ length: load.connections }, () => Line.open(load.port)),
  );
  const started = performance.now();
  let requests = 0;
  const work = async (line: Line): Promise<void> => {
    while (performance.now() - started < ms) {
      const answer = await line.send(load.next());
      if (answer.status < 200 || answer.status > 299)
        throw new Error(`${answer.head}\n\n${answer.text}`);
      if (++requests % CHECK_EVERY === 0) load.check?.(answer);
    }
  };
  try {
    await Promise.all(lines.map(work));
    return { requests, seconds: (performance.now() - started) / 1000 };
  } finally {
    for (const line of lines) line.close();
  }
}
