import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { Agent, get } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, it } from '@jest/globals';
import { createDatabase, SETTINGS } from '../support/app.js';
import { Proxy, proxyTo, throughProxy } from '../support/proxy.js';
import { ServerProcess } from '../support/server-process.js';
import { freePort } from '../support/stores.mjs';
import { undisturbed, until } from '../support/machine-clock.js';

const undo: (() => unknown)[] = [];
afterEach(async () => {
  for (const step of undo.splice(0).reverse()) await step();
});

function aFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'banyan-faults-'));
  undo.push(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

async function aDatabase(): Promise<URL> {
  const url = new URL(await createDatabase());
  url.hostname ||= 'localhost';
  return url;
}

function aProcess(env: Record<string, string>): ServerProcess {
  const server = new ServerProcess({ cwd: aFolder(), env: { ...SETTINGS, ...env } });
  undo.push(() => server.kill());
  return server;
}

const statusAt = (url: string): Promise<number> =>
  fetch(url).then(
    ({ status }) => status,
    () => 0,
  );

describe('(S7d) a start without PostgreSQL', () => {
  it('waits for it, alive and not ready, says what it waits for, and is ready when it comes', async () => {
    const database = await aDatabase();
    const proxy: Proxy = await proxyTo(database);
    undo.push(() => proxy.close());
    proxy.cut();
    const url = `http://127.0.0.1:${await freePort()}`;
    const server = aProcess({
      DATABASE_URL: throughProxy(database, proxy),
      PORT: new URL(url).port,
    });
    await until(() => server.out.includes('Waiting for it'), 'the line', 20_000);
    expect(server.out).toMatch(
      /PostgreSQL at 127\.0\.0\.1:\d+\/\w+ \(DATABASE_URL\) cannot be used: /,
    );
    expect([await statusAt(`${url}/livez`), await statusAt(`${url}/readyz`)]).toEqual([200, 503]);
    proxy.mend();
    await until(async () => (await statusAt(`${url}/readyz`)) === 200, 'readiness', 20_000);
    expect(await server.stop()).toBe(0);
  });

  it('is stopped by SIGTERM while it waits', async () => {
    const server = aProcess({ DATABASE_URL: 'postgres://nobody@127.0.0.1:9/none' });
    await until(() => server.out.includes('Waiting for it'), 'the line', 20_000);
    expect(await server.stop()).toBe(0);
  });

  it('does not wait for what time does not mend, and says the setting', async () => {
    const database = await aDatabase();
    database.pathname = '/of_nobody';
    const server = aProcess({ DATABASE_URL: database.href });
    expect(await server.exit()).toBe(1);
    expect(server.err).toMatch(
      /of_nobody \(DATABASE_URL\) cannot be used: .*does not exist.*Correct DATABASE_URL\.$/m,
    );
  });
});

/** A file system of its own, which only root may make. */
function aDisk(options: string): string | null {
  const folder = aFolder();
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', options, 'tmpfs', folder], { stdio: 'ignore' });
  } catch {
    return null;
  }
  undo.push(() => execFileSync('umount', ['-l', folder]));
  return folder;
}

const canMount = aDisk('size=64k') !== null;
if (!canMount)
  process.stdout.write(
    'Left out: a full and a read-only DATA_DIR, for this user cannot mount a file system.\n',
  );

(canMount ? describe : describe.skip)('(S7j) a DATA_DIR that cannot be written', () => {
  it.each([
    ['full', 'size=256k,mode=755', /its disk is full\. Make room there/],
    ['read-only', 'ro', /read-only|cannot be made/],
  ])(
    '(%s) stops the start with the setting, the path and the mend',
    async (_how, options, said) => {
      const folder = join(aDisk(options)!, 'data');
      const server = aProcess({ DATA_DIR: folder });
      expect(await server.exit()).toBe(1);
      expect(server.err).toMatch(said);
      expect(server.err).toContain(folder);
      expect(server.err).toMatch(/set DATA_DIR to/i);
    },
  );
});

describe('(S7l) SIGTERM under load', () => {
  /**
   * Sends one request after the other until the server says that it is not ready, and closes the
   * connection. Answers how many there were.
   */
  async function sendUntilTold(url: string, agent: Agent | false): Promise<number> {
    for (let sent = 1; ; sent++) {
      const { status, connection } = await new Promise<{ status: number; connection: string }>(
        (resolve, reject) => {
          get(`${url}/readyz`, { agent }, (answer) => {
            answer.resume().once('end', () =>
              resolve({
                status: answer.statusCode!,
                connection: answer.headers.connection ?? '',
              }),
            );
          }).once('error', reject);
        },
      );
      // A request that was on its way when the signal came may be told the one without the other.
      if (status === 503 && connection === 'close') return sent;
    }
  }

  const endsWithoutAFailure = async (): Promise<void> => {
    const server = await ServerProcess.ready({
      cwd: aFolder(),
      env: { ...SETTINGS, DATABASE_URL: (await aDatabase()).href, SHUTDOWN_DELAY_SECONDS: '2' },
    });
    undo.push(() => server.kill());
    const kept = new Agent({ keepAlive: true, maxSockets: 1 });
    undo.push(() => kept.destroy());
    const senders = [kept, ...Array.from({ length: 4 }, () => false as const)].map((agent) =>
      sendUntilTold(server.url, agent),
    );
    await sleep(200); // load
    server.signal('SIGTERM');
    const sent = await Promise.all(senders);
    expect(Math.min(...sent)).toBeGreaterThan(1);
    // Still open for who has not heard it yet.
    expect(await statusAt(`${server.url}/livez`)).toBe(200);
    expect(await server.exit()).toBe(0);
  };
  // It serves on for two seconds.
  it('fails no request: it serves on while `/readyz` says 503, tells each connection to close, and then ends', () =>
    undisturbed(endsWithoutAFailure));
});
