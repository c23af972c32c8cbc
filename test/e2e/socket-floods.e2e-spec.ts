import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import WebSocket from 'ws';
import { createDatabase, SETTINGS } from '../support/app.js';
import { TestClient } from '../support/client.js';
import { ServerProcess } from '../support/server-process.js';
import { pings, RawSocket } from './raw-socket.js';
import { TestSocket } from './realtime-client.js';
import { until } from '../support/machine-clock.js';

/**
 * What a server may take more than before: the chunks that it has read and not collected yet. Pongs
 * that heap up took 978 MiB in 5 s, so three times as much as this in 2 s.
 */
const GROWTH_KIB_MAX = 128 * 1024;
const FLOOD_MS = 2000;
const SOCKETS = '/api/v1/ws';

let cwd: string;
let server: ServerProcess;
let ann: TestClient;
const open: { close(): void }[] = [];

function keep<One extends { close(): void }>(one: One): One {
  open.push(one);
  return one;
}

beforeAll(async () => {
  cwd = mkdtempSync(join(tmpdir(), 'banyan-floods-'));
  server = await ServerProcess.ready({
    cwd,
    env: { ...SETTINGS, DATABASE_URL: await createDatabase() },
  });
  ann = await TestClient.register(server.url);
});
afterEach(() => open.splice(0).forEach((one) => one.close()));
afterAll(async () => {
  await server.stop();
  rmSync(cwd, { recursive: true });
});

const memoryKib = (): number =>
  Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${server.pid}/status`, 'latin1'))![1]);
const itOnLinux = existsSync('/proc/self/status') ? it : it.skip;

describe('a flood of pings from a socket that reads nothing', () => {
  itOnLinux.each([
    ['without a token', SOCKETS, () => undefined],
    ['with a token', SOCKETS, () => ann.token!],
    ['on a session', '/v1/chat/sessions/s/ws', () => ann.token!],
  ])('(%s) takes no memory, and ends the socket', async (_who, path, token) => {
    const before = memoryKib();
    const flooder = keep(await RawSocket.open(server.url, path, token()));
    await flooder.flood(pings(), FLOOD_MS);
    expect(memoryKib() - before).toBeLessThan(GROWTH_KIB_MAX);
    await until(() => flooder.closed, 'the end of the socket');
  });
});

describe('pings', () => {
  const payloads = (count: number): string[] =>
    Array.from({ length: count }, (_, n) => `ping ${n}`);

  it('are answered with what they brought, the newest one always', async () => {
    const { socket } = keep(await TestSocket.of(ann.at(server.url)));
    const pongs: string[] = [];
    socket.on('pong', (data) => pongs.push(String(data)));
    socket.ping('alone');
    await until(() => pongs.includes('alone'), 'the pong');
    for (const payload of payloads(200)) socket.ping(payload);
    await until(() => pongs.at(-1) === 'ping 199', 'the last pong');
    expect(socket.readyState).toBe(WebSocket.OPEN);
    const order = pongs.slice(1).map((pong) => payloads(200).indexOf(pong));
    expect(order).toEqual([...order].sort((a, b) => a - b));
  });

  it.each(['ping', 'pong'] as const)('too many (%s) close with 4429', async (kind) => {
    const client = keep(await TestSocket.of(ann.at(server.url)));
    for (const payload of payloads(400)) client.socket[kind](payload);
    expect(await client.end()).toEqual({ code: 4429, reason: 'too many frames' });
  });
});
