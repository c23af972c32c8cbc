import { afterEach, describe, expect, it, jest } from '@jest/globals';
import { MongoContentStore } from '../../src/content/mongo/mongo-content-store.js';
import { aGate, type Gate, mongoTarget, throughGate } from '../contract/tcp-gate.js';
import {
  createDatabase,
  mongoUriFor,
  startTestApp,
  type TestApp,
  withClient,
} from '../support/app.js';
import { TestClient } from '../support/client.js';
import { undisturbed } from '../support/machine-clock.js';

const PATIENCE_MS = 2000;
// the run says at its end that MongoDB was left out
const withMongo = process.env.TEST_MONGODB_URI ? describe : describe.skip;

withMongo('an instance that starts (S7k)', () => {
  let gate: Gate | undefined;
  const servers: TestApp[] = [];
  afterEach(async () => {
    jest.restoreAllMocks();
    await Promise.all(servers.splice(0).map((server) => server.close()));
    await gate?.close();
    gate = undefined;
  });

  const aServer = async (url: string, settings: Record<string, string> = {}): Promise<TestApp> => {
    const server = await startTestApp('mongo', { LOG_LEVEL: 'silent', ...settings }, url);
    servers.push(server);
    return server;
  };
  const readyz = async ({ url }: TestApp) => {
    const answer = await fetch(`${url}/readyz`);
    return { code: answer.status, ...((await answer.json()) as { status: string }) };
  };

  const listensWhenItCanRead = async (): Promise<void> => {
    jest.restoreAllMocks();
    const url = await createDatabase();
    const first = await aServer(url);
    const ann = await TestClient.register(first.url);
    const { id, pairs } = await ann.aChat(1);
    await withClient(url, (client) => client.query('DELETE FROM content_journal'));
    let reached = 0;
    const ping = MongoContentStore.prototype.ping;
    jest.spyOn(MongoContentStore.prototype, 'ping').mockImplementation(async function (
      this: MongoContentStore,
    ) {
      await ping.call(this);
      reached++;
    });
    const { createApp } = await import('../../src/app.setup.js');
    const { loadConfig } = await import('../../src/config/config.js');
    const { SETTINGS } = await import('../support/app.js');
    const config = loadConfig({
      ...SETTINGS,
      LOG_LEVEL: 'silent',
      DATABASE_URL: url,
      MONGODB_URI: mongoUriFor(url),
    });
    const app = await createApp(config as typeof config & { DATABASE_URL: string });
    const reachedBeforeListening = reached;
    await app.listen(0, '127.0.0.1');
    const second: TestApp = {
      app,
      url: await app.getUrl(),
      databaseUrl: url,
      close: () => app.close(),
    };
    servers.push(second);
    expect(reachedBeforeListening).toBeGreaterThan(0);
    expect(await readyz(second)).toMatchObject({ code: 200, status: 'ready' });
    expect((await ann.at(second.url).get(`/chats/${id}/messages/${pairs[0]}`)).status).toBe(200);
  };
  // It waits for MongoDB for two seconds, and then listens all the same.
  it('listens when it can read, and its first answers are words that only MongoDB has', () =>
    undisturbed(listensWhenItCanRead));

  it.each(['silent', 'shut'] as const)(
    'does not wait for a MongoDB that is away for good (%s): it is degraded, and takes posts',
    async (how) => {
      const url = await createDatabase();
      gate = await aGate(mongoTarget(mongoUriFor(url)));
      gate[how === 'silent' ? 'silence' : 'shut']();
      const started = performance.now();
      const server = await aServer(url, { MONGODB_URI: throughGate(mongoUriFor(url), gate) });
      expect(performance.now() - started).toBeGreaterThan(PATIENCE_MS - 100);
      expect(await readyz(server)).toMatchObject({ code: 200, status: 'degraded' });
      const ann = await TestClient.register(server.url);
      const { id } = await ann.aChat();
      const posted = await ann.post(`/chats/${id}/messages`, { question: 'q', response: 'r' });
      expect([posted.status, posted.headers.get('content-state')]).toEqual([201, 'journaled']);
    },
  );
});
