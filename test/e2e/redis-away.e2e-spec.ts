import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { startTestApp, type TestApp } from '../support/app.js';
import { TestClient } from '../support/client.js';
import { Proxy } from '../support/proxy.js';
import { stopwatch, until } from '../support/machine-clock.js';

const REDIS_URL = process.env.TEST_REDIS_URL;

(REDIS_URL ? describe : describe.skip)(
  '(S7c) a Redis that falls silent after its connections were used',
  () => {
    let proxy: Proxy;
    let server: TestApp;
    let ann: TestClient;
    let chat: { id: string };

    const read = () => ann.get(`/chats/${chat.id}/messages`);
    const isCached = async () => (await read()).headers.get('x-cache') === 'hit';

    beforeAll(async () => {
      const { hostname, port } = new URL(REDIS_URL!);
      proxy = await Proxy.to({ host: hostname, port: Number(port || 6379) });
      const settings = {
        REDIS_URL: `redis://127.0.0.1:${proxy.port}`,
        RATE_LIMIT_PER_MINUTE: '1000000',
        LOG_LEVEL: 'silent',
      };
      server = await startTestApp('postgres', settings);
      ann = await TestClient.register(server.url);
      chat = await ann.aChat(2);
      await until(isCached);
    });
    afterAll(async () => {
      proxy.mend();
      await server.close();
      proxy.close();
    });

    it('is not waited for: reads are answered without the cache, and it is asked again only after a pause', async () => {
      const questions = proxy.countOf(`read:`);
      await read();
      expect(questions()).toBeGreaterThan(0);
      proxy.silence();
      const asked = proxy.countOf('read:');
      const [started, ran] = [performance.now(), stopwatch()];
      for (let n = 0; n < 50; n++)
        expect(await read()).toMatchObject({ status: 200, headers: expect.anything() });
      // One question when the silence begins, and one after each pause of a second.
      expect(asked()).toBeLessThanOrEqual(2 + (performance.now() - started) / 1000);
      expect(ran()).toBeLessThan(50 * 100);
    });

    it('and is used again when it is back', async () => {
      proxy.mend();
      await until(isCached);
    });
  },
);
