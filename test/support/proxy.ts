import { connect, createServer, type NetConnectOpts, type Server, type Socket } from 'node:net';
import type { AddressInfo } from 'node:net';

/** A TCP proxy in front of a store, to take it away and give it back. */
export class Proxy {
  private readonly sockets = new Set<Socket>();
  private mode: 'through' | 'cut' | 'silent' = 'through';
  private lastWord: string | null = null;

  private constructor(
    private readonly target: NetConnectOpts,
    private readonly server: Server,
  ) {}

  static async to(target: NetConnectOpts): Promise<Proxy> {
    const server = createServer();
    const proxy = new Proxy(target, server);
    server.on('connection', (socket) => proxy.accept(socket));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return proxy;
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  /** The store is gone: what is open breaks, and what is opened breaks at once. */
  cut(): void {
    this.mode = 'cut';
    for (const socket of this.sockets) socket.destroy();
  }

  /** The store is gone as soon as a client sends this text, which does not reach it any more. */
  cutAt(text: string): void {
    this.lastWord = text;
  }

  /** The store still takes connections, and says nothing any more. */
  silence(): void {
    this.mode = 'silent';
    for (const socket of this.sockets) socket.unpipe();
  }

  mend(): void {
    for (const socket of this.sockets) socket.destroy();
    this.mode = 'through';
    this.lastWord = null;
  }

  close(): void {
    this.cut();
    this.server.close();
  }

  private accept(client: Socket): void {
    this.watch(client);
    if (this.mode === 'cut') client.destroy();
    if (this.mode !== 'through') return;
    const store = this.watch(connect(this.target));
    client.on('data', (chunk: Buffer) => this.lastWord && chunk.includes(this.lastWord) && this.cut());
    client.pipe(store);
    store.pipe(client);
    client.once('close', () => store.destroy());
    store.once('close', () => client.destroy());
  }

  private watch(socket: Socket): Socket {
    this.sockets.add(socket);
    socket.on('error', () => undefined);
    socket.once('close', () => this.sockets.delete(socket));
    return socket;
  }
}
