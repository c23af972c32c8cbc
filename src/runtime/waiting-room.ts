import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';

const STARTING = {
  type: 'about:blank',
  title: 'The server is starting.',
  status: 503,
  code: 'starting',
};

/** Answers at the server's address until it can itself: alive, and not ready. */
export class WaitingRoom {
  private constructor(private readonly server: Server) {}

  /**
   * @throws the error of `listen`. With port 0 there is no address to answer at yet, and nothing is
   * opened.
   */
  static async open(port: number, host: string): Promise<WaitingRoom> {
    const server = createServer(answer);
    if (port !== 0) {
      server.listen(port, host);
      await once(server, 'listening');
    }
    return new WaitingRoom(server);
  }

  /** Idempotent. */
  async close(): Promise<void> {
    if (!this.server.listening) return;
    this.server.close();
    this.server.closeAllConnections();
    await once(this.server, 'close');
  }
}

function answer(request: IncomingMessage, response: ServerResponse): void {
  response.setHeader('connection', 'close').setHeader('cache-control', 'no-store');
  if (request.url === '/livez')
    return void response.setHeader('content-type', 'application/json').end('{"status":"ok"}');
  response.statusCode = 503;
  response
    .setHeader('content-type', 'application/problem+json')
    .setHeader('retry-after', '2')
    .end(JSON.stringify(STARTING));
}
