import { once } from 'node:events';
import { connect, type Socket } from 'node:net';

/** Frames of clients are masked (RFC 6455, 5.3); a mask of zeros changes nothing. */
const MASKED = 0x80;

/**
 * A WebSocket of bytes, for what no client would do. Nothing is read from it but the answer to its
 * handshake.
 */
export class RawSocket {
  /** Whether the server has ended it. */
  closed = false;

  private constructor(private readonly socket: Socket) {
    socket.on('close', () => (this.closed = true));
    socket.on('error', () => undefined);
  }

  static async open(url: string, path: string, token?: string): Promise<RawSocket> {
    const { hostname, port } = new URL(url);
    const socket = connect(Number(port), hostname);
    const lines = [
      ...[
        `GET ${path} HTTP/1.1`,
        `Host: ${hostname}:${port}`,
        'Upgrade: websocket',
        'Connection: Upgrade',
      ],
      ...['Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==', 'Sec-WebSocket-Version: 13'],
      ...(token ? [`Authorization: Bearer ${token}`] : []),
    ];
    socket.write(`${lines.join('\r\n')}\r\n\r\n`);
    const [answer] = (await once(socket, 'data')) as [Buffer];
    socket.pause();
    if (!answer.toString('latin1').startsWith('HTTP/1.1 101'))
      throw new Error(`refused: ${answer.toString('latin1')}`);
    return new RawSocket(socket);
  }

  /**
   * Sends a chunk again and again, as fast as it is taken, for a time or until the server ends it.
   */
  async flood(chunk: Buffer, ms: number): Promise<void> {
    const end = performance.now() + ms;
    while (!this.closed && performance.now() < end) {
      const sent = new Promise((resolve) => this.socket.write(chunk, resolve));
      await Promise.race([
        sent,
        new Promise((resolve) => setTimeout(resolve, end - performance.now()).unref()),
      ]);
    }
    // A paused socket does not see its end.
    this.socket.resume();
  }

  close(): void {
    this.socket.destroy();
  }
}

/** As many pings as fit into 64 KiB, with all the payload that a ping may have. */
export function pings(): Buffer {
  const ping = Buffer.concat([
    Buffer.from([0x89, MASKED | 125, 0, 0, 0, 0]),
    Buffer.alloc(125, 'p'),
  ]);
  return Buffer.concat(Array.from({ length: Math.floor(65_536 / ping.length) }, () => ping));
}
