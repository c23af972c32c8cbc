import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import { fileURLToPath } from 'node:url';
import { until } from './machine-clock.js';

/**
 * A certificate for 127.0.0.1, localhost and receiver.test that signs itself, with its key: for
 * tests alone, good until 2126.
 */
export const CERTIFICATE_FILE = fileURLToPath(new URL('./receiver.pem', import.meta.url));
const CERTIFICATE = readFileSync(CERTIFICATE_FILE, 'utf8');

/** The settings that let a server reach receivers of this machine. */
export const RECEIVER_SETTINGS = {
  WEBHOOK_ALLOWED_PRIVATE_NETWORKS: '127.0.0.0/8',
  WEBHOOK_CA_FILE: CERTIFICATE_FILE,
};

/** What somebody sent. */
export interface Received {
  path: string;
  headers: IncomingHttpHeaders;
  body: string;
  /** When it was there, in ms by `performance.now()`. */
  at: number;
}

/**
 * The next answers, each used once: a status, an answer made by hand, or `hang`. After the last
 * one: 200.
 */
export type Answering = number | 'hang' | ((answer: ServerResponse) => void);

/** A real https server that keeps what it gets. */
export class Receiver {
  readonly received: Received[] = [];
  /** Connections, whether anything came over them or not. */
  connections = 0;
  /** Connections that were open at the same time, at most. */
  openAtMost = 0;
  private open = 0;

  private constructor(
    private readonly server: Server,
    private readonly answers: Answering[],
  ) {
    server.on('connection', (socket: Socket) => this.count(socket));
    server.on(
      'request',
      (request: IncomingMessage, answer: ServerResponse) => void this.take(request, answer),
    );
  }

  static async start(...answers: Answering[]): Promise<Receiver> {
    const server = createServer({ key: CERTIFICATE, cert: CERTIFICATE });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return new Receiver(server, answers);
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  get url(): string {
    return `https://127.0.0.1:${this.port}/hook`;
  }

  /** Adds to the next answers. */
  willAnswer(...answers: Answering[]): void {
    this.answers.push(...answers);
  }

  /** Waits until so many have come. @throws after 10 s, with what has */
  async receives(count: number, ms?: number): Promise<Received[]> {
    const missing = (): string =>
      `${count}, of which came ${this.received.length}: ${this.bodies().join('\n')}`;
    await until(() => this.received.length >= count, missing, ms);
    return this.received;
  }

  bodies(): string[] {
    return this.received.map(({ body }) => body);
  }

  close(): void {
    this.server.closeAllConnections();
    this.server.close();
  }

  private count(socket: Socket): void {
    this.connections++;
    this.openAtMost = Math.max(this.openAtMost, ++this.open);
    socket.once('close', () => this.open--);
  }

  private async take(request: IncomingMessage, answer: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const body = Buffer.concat(chunks).toString();
    this.received.push({
      path: request.url!,
      headers: request.headers,
      body,
      at: performance.now(),
    });
    const how = this.answers.shift() ?? 200;
    if (typeof how === 'function') how(answer);
    else if (how !== 'hang') answer.writeHead(how).end('thank you');
  }
}
