import type { ChildProcess } from 'node:child_process';
import { startTestApp, type TestApp } from '../support/app.js';
import { TestClient } from '../support/client.js';
import { stopwatch, until } from '../support/machine-clock.js';
import { REDIS_SERVER, startRedisAt } from '../support/redis-child.js';
import { freePort } from '../support/stores.mjs';

const readsOf = (chat: { id: string; pairs: string[] }) => [
  `/chats/${chat.id}`,
  `/chats/get-chat?chat_id=${chat.id}`,
  `/chats/${chat.id}/messages`,
  `/chats/${chat.id}/messages?limit=1`,
  `/chats/${chat.id}/messages/${chat.pairs[0]}`,
  `/chats/${chat.id}/branches`,
  `/branches/get-branches?chat_id=${chat.id}`,
  `/chats/${chat.id}/compare?with=${chat.id}`,
];

const guarantees = (start: () => Promise<{ here: TestApp; there: TestApp }>) => {
  let here: TestApp;
  let there: TestApp;
  let ann: TestClient;
  let bob: TestClient;

  beforeAll(async () => {
    ({ here, there } = await start());
    [ann, bob] = [await TestClient.register(here.url), await TestClient.register(here.url)];
  });
  afterAll(() => Promise.all([here.close(), there.close()]));

  it('gives the same answer from the cache as without it, with its ETag, and 304 to who has it', async () => {
    const chat = await ann.aChat(3);
    for (const path of readsOf(chat)) {
      const made = await ann.get(path);
      expect([path, made.headers.get('x-cache')]).toEqual([path, 'miss']);
      // It is put there behind the answer.
      const kept = await until(async () => {
        const answer = await ann.get(path);
        return answer.headers.get('x-cache') === 'hit' && answer;
      }, path);
      expect(kept.text).toBe(made.text);
      for (const header of ['etag', 'content-type', 'link', 'cache-control', 'vary'])
        expect(kept.headers.get(header)).toBe(made.headers.get(header));
      const same = await ann.get(path, { 'if-none-match': `W/${kept.headers.get('etag')}, "x"` });
      expect([same.status, same.text]).toEqual([304, '']);
    }
  });

  it('never gives one account what another may read, by the same URL', async () => {
    const chat = await ann.aChat(1);
    for (const path of readsOf(chat)) {
      const etag = (await ann.get(path)).headers.get('etag')!;
      await ann.get(path);
      expect([path, (await bob.get(path)).status]).toEqual([path, 404]);
      expect((await bob.get(path, { 'if-none-match': etag })).status).toBe(404);
      expect((await bob.at(there.url).get(path)).status).toBe(404);
      expect(
        (await bob.request('GET', `/api/v1${path}`, { headers: { authorization: '' } })).status,
      ).toBe(401);
    }
  });

  it('is never stale after a write on any instance, whatever was written', async () => {
    const chat = await ann.aChat(2);
    const branch = await ann.aBranch(chat.id, chat.pairs[0]!);
    const writes: (() => Promise<unknown>)[] = [
      () => ann.at(there.url).append(chat.id, 'more'),
      () => ann.at(there.url).patch(`/chats/${chat.id}`, { name: 'n' }),
      () => ann.at(there.url).patch(`/chats/${branch}`, { pinned: true }),
      () => ann.at(there.url).aBranch(chat.id, chat.pairs[1]!),
      () => ann.at(there.url).put(`/chats/${chat.id}/active-branch`, { branch_chat_id: branch }),
      () => ann.at(there.url).append(branch, 'in the branch'),
      () => ann.at(there.url).delete(`/chats/${branch}`),
      () => ann.at(there.url).post(`/chats/${branch}/restore`),
    ];
    const fresh = new TestClient(there.url, ann.token);
    for (const [n, write] of writes.entries()) {
      for (const path of readsOf(chat)) await ann.get(path);
      await write();
      for (const path of readsOf(chat)) {
        // The URL with a harmless difference is not in the cache: this is what the answer must be.
        const truth = await fresh.get(path.includes('?') ? `${path}&` : `${path}?`);
        expect([n, path, (await ann.get(path)).text]).toEqual([n, path, truth.text]);
      }
    }
    await ann.at(there.url).delete(`/chats/${chat.id}`);
    for (const path of readsOf(chat)) expect((await ann.get(path)).status).toBe(404);
  });
};

describe('the cache of reads, in memory', () => {
  guarantees(async () => {
    const here = await startTestApp();
    return { here, there: await startTestApp('postgres', {}, here.databaseUrl) };
  });
});

(REDIS_SERVER ? describe : describe.skip)('the cache of reads, in Redis', () => {
  let port: number;
  let redis: ChildProcess;

  beforeAll(async () => {
    port = await freePort();
    redis = await startRedisAt(port);
  });
  afterAll(() => void redis.kill('SIGKILL'));

  const settings = () => ({ REDIS_URL: `redis://127.0.0.1:${port}` });

  describe('that stays', () =>
    guarantees(async () => {
      const here = await startTestApp('postgres', settings());
      return { here, there: await startTestApp('postgres', settings(), here.databaseUrl) };
    }));

  it('that dies and comes back is not noticed by any request', async () => {
    const server = await startTestApp('postgres', settings());
    const ann = await TestClient.register(server.url);
    const chat = await ann.aChat(1);
    const slowest = async (requests: number): Promise<number> => {
      let worst = 0;
      for (let n = 0; n < requests; n++) {
        const ran = stopwatch();
        await ann.append(chat.id, 'while it is away');
        expect((await ann.get(`/chats/${chat.id}/messages`)).body.qa_pairs.at(-1).question).toBe(
          'while it is away',
        );
        worst = Math.max(worst, ran());
      }
      return worst;
    };
    await slowest(5);
    redis.kill('SIGKILL');
    // A bound against waiting for a dead server (its time-outs are seconds), not a measurement.
    expect(await slowest(20)).toBeLessThan(4000);
    expect((await ann.request('GET', '/readyz')).status).toBe(200);
    redis = await startRedisAt(port);
    await until(
      async () => (await ann.get(`/chats/${chat.id}/messages`)).headers.get('x-cache') === 'hit',
      'the cache',
    );
    await server.close();
  });

  it('that is away at the start is no reason not to start, nor to hang at the end', async () => {
    const server = await startTestApp('postgres', {
      REDIS_URL: `redis://127.0.0.1:${await freePort()}`,
    });
    const ann = await TestClient.register(server.url);
    const chat = await ann.aChat(1);
    expect((await ann.get(`/chats/${chat.id}`)).status).toBe(200);
    const ran = stopwatch();
    await server.close();
    expect(ran()).toBeLessThan(5000);
  });
});
