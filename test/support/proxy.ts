import { connect, createServer, type NetConnectOpts, type Server, type Socket } from 'node:net';
import type { AddressInfo } from 'node:net';
import { Transform, type TransformCallback } from 'node:stream';

/** PostgreSQL's ReadyForQuery: between transactions, and in the middle of one. */
const READY = { idle: Buffer.from('Z\0\0\0\x05I'), transaction: Buffer.from('Z\0\0\0\x05T') };
const FATAL = fatal('57P01', 'terminating connection due to administrator command');

function fatal(code: string, message: string): Buffer {
  const fields = Buffer.from(`SFATAL\0VFATAL\0C${code}\0M${message}\0\0`);
  const head = Buffer.from('E\0\0\0\0');
  head.writeInt32BE(fields.length + 4, 1);
  return Buffer.concat([head, fields]);
}

/** A TCP proxy in front of a store, to take it away and give it back. */
export class Proxy {
  private readonly sockets = new Set<Socket>();
  private mode: 'through' | 'cut' | 'silent' = 'through';
  private holds = false;
  private lastWord: string | null = null;
  private farewellAt: Buffer | null = null;
  private listeningFor = '';
  private heard = 0;
  private refused: string | null = null;
  /** Connections that were cut for what they said. */
  refusals = 0;

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

  /**
   * Cuts each connection on which a client sends this text, which does not reach the store; others
   * go on. Null: no more.
   */
  refuse(text: string | null): void {
    this.refused = text;
    this.refusals = 0;
  }

  get isCut(): boolean {
    return this.mode === 'cut';
  }

  /** The store still takes connections, and says nothing any more. */
  silence(): void {
    this.mode = 'silent';
    for (const socket of this.sockets) socket.unpipe();
  }

  /** What either side says stays here, until it is let go. */
  hold(): void {
    this.holds = true;
    for (const socket of this.sockets) socket.cork();
  }

  letGo(): void {
    this.holds = false;
    for (const socket of this.sockets) socket.uncork();
  }

  /**
   * PostgreSQL ends connections as at a fail-over: FATAL comes in the same segment as the end of an
   * answer.
   */
  failOver(when: keyof typeof READY): void {
    this.farewellAt = READY[when];
  }

  /** From now on counts what clients send that has this text in it. */
  countOf(text: string): () => number {
    this.listeningFor = text;
    this.heard = 0;
    return () => this.heard;
  }

  mend(): void {
    for (const socket of this.sockets) socket.destroy();
    this.mode = 'through';
    this.farewellAt = null;
    this.lastWord = null;
    this.refused = null;
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
    client.on('data', (chunk: Buffer) => this.hear(chunk));
    client.on(
      'data',
      (chunk: Buffer) =>
        this.refused && chunk.includes(this.refused) && (this.refusals++, store.destroy()),
    );
    client.pipe(store);
    store.pipe(this.farewell(client)).pipe(client);
    client.once('close', () => store.destroy());
    store.once('close', () => client.destroy());
  }

  private hear(chunk: Buffer): void {
    if (this.lastWord && chunk.includes(this.lastWord)) this.cut();
    if (this.listeningFor && chunk.includes(this.listeningFor)) this.heard++;
  }

  /** Hands on what the store says; after a fail-over with the last words behind it. */
  private farewell(client: Socket): Transform {
    const transform = (chunk: Buffer, _encoding: unknown, done: TransformCallback): void => {
      const ends = this.farewellAt && chunk.subarray(-READY.idle.length).equals(this.farewellAt);
      done(null, ends ? Buffer.concat([chunk, FATAL]) : chunk);
      if (ends) client.end();
    };
    return new Transform({ transform });
  }

  private watch(socket: Socket): Socket {
    this.sockets.add(socket);
    if (this.holds) socket.cork();
    socket.on('error', () => undefined);
    socket.once('close', () => this.sockets.delete(socket));
    return socket;
  }
}

/** A proxy in front of the PostgreSQL of this URL. */
export const proxyTo = (url: URL): Promise<Proxy> => {
  const folder = url.searchParams.get('host');
  const port = Number(url.port || 5432);
  return Proxy.to(
    folder?.startsWith('/') ? { path: `${folder}/.s.PGSQL.${port}` } : { host: url.hostname, port },
  );
};

/** The same database, through the proxy. */
export function throughProxy(url: URL, proxy: Proxy): string {
  const proxied = new URL(url);
  proxied.hostname = '127.0.0.1';
  proxied.port = String(proxy.port);
  proxied.searchParams.delete('host');
  return proxied.href;
}
