import { type Mode, startTestApp, type TestApp } from '../support/app.js';
import { TestClient } from '../support/client.js';
import { FakeProvider, words } from '../support/fake-provider.js';

/** Is being written until it is stopped, or until the test releases it. */
export const SLOW = { tokens: words(40), delayMs: 20, gateAfter: 20 };

/** Two servers on one database that ask one provider, and a person at each of them. */
export interface AnsweringServers {
  provider: FakeProvider;
  here: TestApp;
  there: TestApp;
  ann: TestClient;
  annThere: TestClient;
}

export async function startAnswering(mode: Mode): Promise<AnsweringServers> {
  const provider = await FakeProvider.start();
  const models = ['fake-1', 'fake-2', 'broken'];
  const settings = {
    LLM_PROVIDERS: JSON.stringify([
      { name: 'fake', base_url: provider.url, api_key: 'sk-fake', models },
    ]),
    SHUTDOWN_TIMEOUT_SECONDS: '0',
    ANSWERS_PER_ACCOUNT: '0',
  };
  const here = await startTestApp(mode, settings);
  const there = await startTestApp(mode, settings, here.databaseUrl);
  const ann = await TestClient.register(here.url);
  return { provider, here, there, ann, annThere: ann.at(there.url) };
}

export async function stopAnswering({ provider, here, there }: AnsweringServers): Promise<void> {
  // After a request that it gave up, fetch opens a connection for the next one, on which a server
  // would wait.
  for (const { app } of [here, there]) app.getHttpServer().closeAllConnections();
  await Promise.all([here.close(), there.close()]);
  await provider.close();
}
