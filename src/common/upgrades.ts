import { randomUUID } from 'node:crypto';
import { IncomingMessage, type Server } from 'node:http';
import type { Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { Injectable, Logger, Module } from '@nestjs/common';
import { type ServerOptions, type WebSocket, WebSocketServer } from 'ws';
import { ClosesAt } from '../runtime/shutdown.module.js';
import { FrameBucket } from './frame-bucket.js';
import { hostFault } from './http-rules.js';
import { isOriginAllowed, type Origins } from './origins.js';
import { problemOf } from './problem.filter.js';
import { type Problem, problems } from './problems.js';
import { endWithProblem } from './wire-problems.js';

/** A longer frame closes the socket with 1009. */
export const FRAME_BYTES_MAX = 64 * 1024;
/** What may wait for a slow reader; more closes the socket with 1013. */
export const BUFFERED_BYTES_MAX = 1024 * 1024;
/** How often sockets are looked at, and every how many looks they get a ping. */
const LOOK_MS = 5000;
const LOOKS_PER_PING = 5;
/** So long a reader may take nothing of what waits for it. */
const STALL_MS = 15_000;
const STOP_GRACE_MS = 1000;
/** How long the good-bye of a closed socket is waited for. */
const CLOSE_MS = 5000;
/** Pings that may be on their way when a socket is closed for too many of them. */
const LATE_FRAMES_MAX = 1000;
/** Close codes; 4401 and 4429 are named after the HTTP statuses. */
export const CLOSE = {
  serviceRestart: 1012,
  tryAgainLater: 1013,
  unauthorized: 4401,
  tooMany: 4429,
} as const;

/** `closeTimeout` is not in the types yet. */
const OPTIONS: ServerOptions & { closeTimeout: number } = {
  noServer: true,
  clientTracking: false,
  perMessageDeflate: false,
  // It would heap up pongs for a peer that sends pings and reads nothing: `answerPings` does it.
  autoPong: false,
  closeTimeout: CLOSE_MS,
  handleProtocols: (offered) => (offered.has('bearer') ? 'bearer' : false),
};

function serverOf(maxPayload: number): WebSocketServer {
  const server = new WebSocketServer({ ...OPTIONS, maxPayload });
  // With a listener ws leaves the answer to us: `accept` throws.
  server.on('wsClientError', () => undefined);
  return server;
}

/** A request for a WebSocket, before its 101. */
export interface Upgrade {
  readonly request: IncomingMessage;
  /** The named groups of the path's pattern, percent-decoded. */
  readonly params: Readonly<Record<string, string>>;
  /**
   * The token as an `Authorization` header: from that header or, for browsers, from the
   * subprotocols `bearer, <token>`.
   */
  readonly authorization: string | undefined;
  /**
   * Answers 101. Synchronous: listeners must be set before anything is awaited, else the first
   * frames are lost.
   * @throws invalid_request when it is no WebSocket handshake
   */
  accept(): WebSocket;
}

/**
 * Looks at who asks, and accepts or throws a Problem: before `accept()` it is answered as HTTP,
 * with its real status.
 */
export type UpgradeHandler = (upgrade: Upgrade) => void | Promise<void>;

/** Where an upgrade came in: its connection, and the bytes that came behind its headers. */
interface Arrival {
  request: IncomingMessage;
  socket: Socket;
  head: Buffer;
}

/** An open socket. */
interface WatchedSocket {
  wire: Socket;
  /** Whether it has answered the last ping. */
  alive: boolean;
  /** How many bytes had been taken when some were taken last, and when that was. */
  taken: number;
  takenAt: number;
}

/**
 * All WebSockets of the server come in here. Unknown paths are a 404, pages of a foreign origin a
 * 403; then the path's handler decides. Sockets get pings, and are closed with 1012 at shutdown,
 * with 1013 when they read nothing, and with 4429 when they send too many pings; their owner closes
 * them for every other reason.
 */
@Injectable()
export class Upgrades {
  private readonly logger = new Logger('Upgrades');
  private readonly routes: { path: RegExp; handler: UpgradeHandler; server: WebSocketServer }[] =
    [];
  private readonly sockets = new Map<WebSocket, WatchedSocket>();
  private readonly server = serverOf(FRAME_BYTES_MAX);
  private origins: Origins = [];
  private looking: NodeJS.Timeout | undefined;
  private looks = 0;
  private stopping = false;

  /**
   * Registers a path. `path` is tried on the part of the URL before `?`, so it should be anchored
   * on both ends. @param frameBytesMax a longer frame closes the socket with 1009
   */
  handle(path: RegExp, handler: UpgradeHandler, frameBytesMax = FRAME_BYTES_MAX): void {
    const server = frameBytesMax === FRAME_BYTES_MAX ? this.server : serverOf(frameBytesMax);
    this.routes.push({ path, handler, server });
  }

  /**
   * Begins to take upgrades. Call it once. `origins` are those of foreign pages that may connect.
   */
  attach(server: Server, origins: Origins): void {
    this.origins = origins;
    server.on(
      'upgrade',
      (request, socket, head) => void this.take({ request, socket: socket as Socket, head }),
    );
    this.looking = setInterval(() => this.look(), LOOK_MS).unref();
  }

  /** Closes all sockets; those that do not say good-bye within a second are cut off. */
  @ClosesAt('streams')
  async stop(): Promise<void> {
    this.stopping = true;
    clearInterval(this.looking);
    for (const socket of this.sockets.keys())
      socket.close(CLOSE.serviceRestart, 'the server stops');
    for (
      const end = performance.now() + STOP_GRACE_MS;
      this.sockets.size > 0 && performance.now() < end;
    )
      await sleep(20);
    for (const socket of this.sockets.keys()) socket.terminate();
  }

  private async take(arrival: Arrival): Promise<void> {
    // Node hands the connection over without a listener: a reset would end the process.
    // Only the connection is held on to: the request would live as long as it.
    const { socket } = arrival;
    socket.on('error', () => socket.destroy());
    try {
      await this.route(arrival);
    } catch (error) {
      this.refuse(arrival.socket, problemOf(error, 'GET'), error);
    }
  }

  private route(arrival: Arrival): void | Promise<void> {
    const { request } = arrival;
    const path = request.url!.split('?', 1)[0]!;
    const route = this.routes.find((one) => one.path.test(path));
    if (!route) throw problems.routeNotFound();
    const fault = hostFault(request);
    if (fault) throw problems.invalidRequest({ detail: fault });
    // CORS does not cover WebSockets, so the server itself must look.
    if (!isOriginAllowed(request.headers, this.origins)) throw problems.originForbidden();
    return route.handler({
      request,
      params: paramsOf(route.path.exec(path)!),
      authorization: authorizationOf(request),
      accept: () => this.accept(arrival, route.server),
    });
  }

  private accept({ request, socket, head }: Arrival, server: WebSocketServer): WebSocket {
    // It may have waited for a store since it was let in, and the other sockets are closed already.
    if (this.stopping) throw stops();
    const opened: WebSocket[] = [];
    server.handleUpgrade(request, socket, head, (one) => opened.push(one));
    const [webSocket] = opened;
    if (!webSocket)
      throw problems.invalidRequest({ detail: 'This is no WebSocket handshake (RFC 6455, 4.1).' });
    const watched = { wire: socket, alive: true, taken: 0, takenAt: performance.now() };
    this.sockets.set(webSocket, watched);
    webSocket.on('pong', () => (watched.alive = true));
    webSocket.on('close', () => this.sockets.delete(webSocket));
    answerPings(webSocket);
    limitControlFrames(webSocket);
    // A frame that breaks the rules: ws closes by itself, with the right code.
    webSocket.on('error', () => undefined);
    return webSocket;
  }

  private look(): void {
    const isPing = ++this.looks % LOOKS_PER_PING === 0;
    const now = performance.now();
    for (const [socket, watched] of this.sockets) {
      if (socket.readyState !== socket.OPEN) continue;
      if (isStalled(socket, watched, now)) socket.close(CLOSE.tryAgainLater, 'reads too slowly');
      else if (isPing) ping(socket, watched);
    }
  }

  private refuse(socket: Socket, problem: Problem, cause: unknown): void {
    const id = randomUUID();
    const { status, code } = problem.kind;
    if (status >= 500)
      this.logger.error({
        message: 'upgrade failed',
        request_id: id,
        code,
        cause: String((cause as Error).stack ?? cause),
      });
    endWithProblem(socket, problem, id);
  }
}

const stops = (): Problem =>
  problems.storeUnavailable({ detail: 'The server stops.', headers: { 'retry-after': '1' } });

/** Imported by every module that has sockets. */
@Module({ providers: [Upgrades], exports: [Upgrades] })
export class UpgradesModule {}

function ping(socket: WebSocket, watched: WatchedSocket): void {
  if (!watched.alive) return socket.terminate();
  watched.alive = false;
  socket.ping();
}

/** Not by `bufferedAmount`, which grows with what is sent to a reader that takes nothing. */
function isStalled(socket: WebSocket, watched: WatchedSocket, now: number): boolean {
  if (socket.bufferedAmount > 0) {
    const taken = watched.wire.bytesWritten - watched.wire.writableLength;
    if (taken === watched.taken) return now - watched.takenAt >= STALL_MS;
    watched.taken = taken;
  }
  watched.takenAt = now;
  return false;
}

/**
 * Answers the newest ping, once the pong before it has left: the others need none (RFC 6455,
 * 5.5.3), and never is there more to keep than two.
 */
function answerPings(socket: WebSocket): void {
  let newest: Buffer | null = null;
  let answering = false;
  const answer = (): void => {
    answering = newest !== null && socket.readyState === socket.OPEN;
    if (!answering) return;
    const data = newest!;
    newest = null;
    socket.pong(data, false, answer);
  };
  socket.on('ping', (data) => {
    // What `ws` hands over is a part of a chunk of 64 KiB, which would stay with it.
    newest = Buffer.from(data);
    if (!answering) answer();
  });
}

/**
 * Pings and pongs; other frames are counted where they are read. Whoever goes on although the
 * socket was closed for it gets no good-bye.
 */
function limitControlFrames(socket: WebSocket): void {
  const bucket = new FrameBucket();
  let late = 0;
  const count = (): void => {
    if (bucket.take()) return;
    if (socket.readyState === socket.OPEN) socket.close(CLOSE.tooMany, 'too many frames');
    else if (++late > LATE_FRAMES_MAX) socket.terminate();
  };
  socket.on('ping', count).on('pong', count);
}

function authorizationOf({ headers }: IncomingMessage): string | undefined {
  // Another scheme is that of a proxy before us: its password is no token.
  if (/^bearer /i.test(headers.authorization ?? '')) return headers.authorization;
  const [scheme, token, ...others] = (headers['sec-websocket-protocol'] ?? '')
    .split(',')
    .map((name) => name.trim());
  return scheme === 'bearer' && token && others.length === 0 ? `Bearer ${token}` : undefined;
}

function paramsOf({ groups = {} }: RegExpExecArray): Record<string, string> {
  try {
    return Object.fromEntries(
      Object.entries(groups).map(([name, value]) => [name, decodeURIComponent(value)]),
    );
  } catch {
    throw problems.invalidRequest({ detail: 'The path has a broken percent sign.' });
  }
}

/**
 * Once a server listens for upgrades, Node hands it those to any protocol, and reads no body behind
 * them. Some HTTP clients offer HTTP/2 with every request (`Upgrade: h2c`: Java, curl --http2); an
 * offer may be ignored (RFC 9110, 7.8), so such a request is one like any other.
 */
export class WebSocketUpgradesOnly extends IncomingMessage {
  private offered = false;

  get upgrade(): boolean {
    return this.offered && this.headers.upgrade?.toLowerCase() === 'websocket';
  }

  set upgrade(offered: boolean) {
    this.offered = offered;
  }
}
