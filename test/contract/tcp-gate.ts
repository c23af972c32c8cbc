import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

/** Stands between a client and a server: lets through, refuses, or keeps silent. */
export interface Gate {
  readonly port: number;
  /** Connections are cut, new ones refused. */
  shut(): void;
  /** Connections stay, but nothing gets through any more: what a lost network looks like. */
  silence(): void;
  open(): void;
  close(): Promise<void>;
}

/** `target` is `host:port` or the path of a Unix socket. */
export async function aGate(target: string): Promise<Gate> {
  const [host, port] = target.split(':');
  const dial = (): Socket =>
    target.startsWith('/') ? connect({ path: target }) : connect({ host, port: Number(port) });
  const sockets = new Set<Socket>();
  let state: 'open' | 'shut' | 'silent' = 'open';
  const server = createServer((client) => {
    track(sockets, client);
    if (state === 'shut') return void client.destroy();
    if (state === 'silent') return;
    const upstream = track(sockets, dial());
    client.pipe(upstream).pipe(client);
    client.once('close', () => upstream.destroy());
    upstream.once('close', () => client.destroy());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    shut: () => {
      state = 'shut';
      for (const socket of sockets) socket.destroy();
    },
    silence: () => {
      state = 'silent';
      for (const socket of sockets) socket.unpipe().pause();
    },
    open: () => {
      state = 'open';
      for (const socket of sockets) socket.destroy(); // silenced ones cannot be mended
    },
    close: async () => {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

function track(sockets: Set<Socket>, socket: Socket): Socket {
  sockets.add(socket);
  socket.once('close', () => sockets.delete(socket));
  socket.on('error', () => undefined);
  return socket;
}

/** The MongoDB URI with the gate in the place of its server, and what the gate must lead to. */
export const mongoTarget = (uri: string): string =>
  decodeURIComponent(/^mongodb:\/\/(?:[^@/]*@)?([^/?]+)/.exec(uri)![1]!);
export const throughGate = (uri: string, gate: Gate): string =>
  uri.replace(/^(mongodb:\/\/(?:[^@/]*@)?)[^/?]+/, `$1127.0.0.1:${gate.port}`);
