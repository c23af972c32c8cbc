import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { createDatabase, SETTINGS } from '../support/app.js';
import { TestClient } from '../support/client.js';
import { type Proxy, proxyTo, throughProxy } from '../support/proxy.js';
import { ServerProcess } from '../support/server-process.js';

/** Longer than each limit that a request has for what it waits for. */
const STANDSTILL_MS = 4000;
/** That requests are on their way, or that a store needs to go on. */
const MOMENT_MS = 100;
const CHATS = 6;

let cwd: string;
let proxy: Proxy;
let server: ServerProcess;
let ann: TestClient;

beforeAll(async () => {
  cwd = mkdtempSync(join(tmpdir(), 'banyan-standstill-'));
  const url = new URL(await createDatabase());
  url.hostname ||= 'localhost';
  proxy = await proxyTo(url);
  server = await ServerProcess.ready({
    cwd,
    // Most requests wait for a connection, the others for an answer.
    env: { ...SETTINGS, DATABASE_URL: throughProxy(url, proxy), DATABASE_POOL_SIZE: '3' },
  });
  ann = await TestClient.register(server.url);
});
afterAll(async () => {
  await server.stop();
  proxy.close();
  rmSync(cwd, { recursive: true });
});

it('a machine that was paused with its stores refuses nothing of what it was asked before', async () => {
  const chats = await Promise.all(Array.from({ length: CHATS }, () => ann.aChat(1)));
  proxy.hold();
  const asked = Promise.all(
    chats.flatMap(({ id, pairs }) => [
      ann.post(`/chats/${id}/messages`, { question: 'q', response: 'a' }),
      ann.post(`/chats/${id}/branches`, { response_id: pairs[0] }),
      ann.patch(`/chats/${id}`, { name: 'x' }),
      ann.get(`/chats/${id}/branches`),
    ]),
  );
  await sleep(MOMENT_MS);
  server.signal('SIGSTOP');
  await sleep(STANDSTILL_MS);
  server.signal('SIGCONT');
  await sleep(MOMENT_MS);
  proxy.letGo();
  const refused = (await asked).filter(({ status }) => status >= 400);
  expect(refused.map(({ status, body }) => [status, body])).toEqual([]);
});
