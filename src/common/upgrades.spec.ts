import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { WebSocket } from 'ws';
import { Upgrades } from './upgrades.js';

let server: Server;
let upgrades: Upgrades;
/** The server's end of each socket. */
let accepted: WebSocket[];
/** The clock of the looks at the sockets is the test's; the sockets and `ws` keep theirs. */
const REAL = [
  'Date',
  'hrtime',
  'nextTick',
  'queueMicrotask',
  'setImmediate',
  'clearImmediate',
  'setTimeout',
  'clearTimeout',
] as const;

beforeAll(() => Logger.overrideLogger(false));
beforeEach(async () => {
  jest.useFakeTimers({ doNotFake: [...REAL] });
  server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  upgrades = new Upgrades();
  upgrades.attach(server, []);
  accepted = [];
  upgrades.handle(/^\/$/, ({ accept }) => void accepted.push(accept()));
});
afterEach(async () => {
  jest.useRealTimers();
  await upgrades.stop();
  server.close();
});

const connect = (path: string): WebSocket =>
  new WebSocket(`ws://127.0.0.1:${(server.address() as AddressInfo).port}${path}`);

describe('a reader that takes nothing of what waits for it', () => {
  const PIECE = 'x'.repeat(64 * 1024);

  /**
   * Sends until the system takes no more on either end: something waits for 20 looks. Answers how
   * much that is.
   */
  async function fill(socket: WebSocket): Promise<number> {
    for (let looks = 0; looks < 20; looks++) {
      await sleep(10);
      if (socket.bufferedAmount > 0) continue;
      socket.send(PIECE);
      looks = 0;
    }
    return socket.bufferedAmount;
  }

  it('is closed with 1013 after 15 s, however little that is', async () => {
    const client = connect('/');
    await once(client, 'open');
    const [socket] = accepted as [WebSocket];
    client.pause();
    const waiting = await fill(socket);
    jest.advanceTimersByTime(5000); // the look that still finds something taken
    const states: number[] = [];
    for (const seconds of [5, 5, 4, 1]) {
      // What is sent meanwhile is no sign of life.
      socket.send('x');
      jest.advanceTimersByTime(seconds * 1000);
      states.push(socket.readyState);
    }
    expect([waiting < 256 * 1024, ...states]).toEqual([
      true,
      socket.OPEN,
      socket.OPEN,
      socket.OPEN,
      socket.CLOSING,
    ]);
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
  await upgrades.stop();
  goOn();
  expect((await refused)[1].statusCode).toBe(503);
});
