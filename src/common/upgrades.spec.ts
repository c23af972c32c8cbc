import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { WebSocket } from 'ws';
import { Upgrades } from './upgrades.js';

let server: Server;
let upgrades: Upgrades;
/** The server's end of each socket. */
let accepted: WebSocket[];

beforeAll(() => Logger.overrideLogger(false));
beforeEach(async () => {
  server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  upgrades = new Upgrades();
  upgrades.attach(server, []);
  accepted = [];
  upgrades.handle(/^\/$/, ({ accept }) => void accepted.push(accept()));
});
afterEach(async () => {
  await upgrades.onModuleDestroy();
  server.close();
});

const connect = (path: string): WebSocket => new WebSocket(`ws://127.0.0.1:${(server.address() as AddressInfo).port}${path}`);

describe('a reader that takes nothing of what waits for it', () => {
  const PIECE = 'x'.repeat(16 * 1024);

  /** Sends until the system takes no more, on either end. Answers how much waits in the server then. */
  async function fill(socket: WebSocket): Promise<number> {
    for (;;) {
      for (const end = performance.now() + 200; socket.bufferedAmount > 0; await sleep(10)) {
        if (performance.now() > end) return socket.bufferedAmount;
      }
      socket.send(PIECE);
    }
  }

  it('is closed with 1013 after 15 s, however little that is', async () => {
    const client = connect('/');
    await once(client, 'open');
    const [socket] = accepted as [WebSocket];
    client.pause();
    const waiting = await fill(socket);
    const started = performance.now();
    // What is sent meanwhile is no sign of life.
    while (socket.readyState === socket.OPEN && performance.now() - started < 25_000) {
      await sleep(1000);
      socket.send('x');
    }
    const seconds = (performance.now() - started) / 1000;
    expect([waiting < 256 * 1024, seconds > 14, seconds < 24]).toEqual([true, true, true]);
    client.resume();
    expect((await once(client, 'close'))[0]).toBe(1013);
  });
});

it('whoever asks while the server stops is refused, also when its token was looked at before', async () => {
  let goOn = (): void => undefined;
  upgrades.handle(/^\/slow$/, async ({ accept }) => {
    await new Promise<void>((resolve) => (goOn = resolve));
    accept();
  });
  const client = connect('/slow').on('error', () => undefined);
  const refused = once(client, 'unexpected-response') as Promise<[unknown, IncomingMessage]>;
  await once(server, 'upgrade');
  await upgrades.onModuleDestroy();
  goOn();
  expect((await refused)[1].statusCode).toBe(503);
});
