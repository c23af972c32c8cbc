import { jest } from '@jest/globals';
import { AnswerReader } from '../../src/modules/answer/answer-reader.js';
import {
  createDatabase,
  mongoUriFor,
  startTestApp,
  type TestApp,
  withClient,
} from '../support/app.js';
import { TestClient } from '../support/client.js';
import { FakeProvider } from '../support/fake-provider.js';
import { Proxy, proxyTo, throughProxy } from '../support/proxy.js';
import { undisturbed, until } from '../support/machine-clock.js';

/** With the patience of those who wait for a store. */
const eventually = (condition: () => Promise<boolean> | boolean): Promise<unknown> =>
  until(condition, undefined, 20_000);

let provider: FakeProvider;
beforeAll(async () => void (provider = await FakeProvider.start()));
afterEach(() => provider.reset());
afterAll(() => provider.close());

const settings = (more: Record<string, string> = {}) =>
  provider.settings({ LOG_LEVEL: 'silent', ...more });

describe('a question whose context cannot be read, as PostgreSQL is away', () => {
  const READING = 'answer.context.chat_contents';
  let proxy: Proxy;
  let server: TestApp;
  let ann: TestClient;

  async function start(more: Record<string, string> = {}): Promise<void> {
    const url = new URL(await createDatabase());
    url.hostname ||= 'localhost';
    proxy = await proxyTo(url);
    server = await startTestApp('postgres', settings(more), throughProxy(url, proxy));
    ann = await TestClient.register(server.url);
  }
  afterEach(async () => {
    proxy.mend();
    await server.close();
    proxy.close();
  });

  it('is answered when it is back: nobody notices (S7e)', async () => {
    await start();
    const { id } = await ann.aChat(2);
    proxy.cutAt(READING);
    const asked = ann.post(`/chats/${id}/messages`, { question: 'Are you there?' });
    await eventually(() => proxy.isCut);
    proxy.mend();
    expect(await asked).toMatchObject({ status: 201, body: { status: 'complete', seq: 3 } });
    expect(provider.asked.at(-1)!.body.messages.map(({ content }: any) => content)).toEqual([
      'q1',
      'a1',
      'q2',
      'a2',
      'Are you there?',
    ]);
  });

  it('has failed after the patience, for the sake of the store and not of the model, and can be tried again (S7e)', async () => {
    await start({ STORE_PATIENCE_SECONDS: '1' });
    const { id } = await ann.aChat(1);
    const body = await undisturbed(async () => {
      proxy.refuse(READING);
      const { status, body: failed } = await ann.post(`/chats/${id}/messages`, {
        question: 'Are you there?',
      });
      const { refusals } = proxy;
      proxy.refuse(null);
      expect([status, failed.status, failed.error.code, failed.response]).toEqual([
        201,
        'failed',
        'store_unavailable',
        null,
      ]);
      expect([provider.asked.length, refusals > 1]).toEqual([0, true]);
      return failed;
    });
    const again = await ann.post(`/chats/${id}/messages/${body.response_id}/retry`);
    expect(again.body).toMatchObject({
      status: 'complete',
      response: 'Hello from the fake provider.',
    });
  });

  it('can be stopped meanwhile', async () => {
    await start();
    const { id } = await ann.aChat(1);
    proxy.refuse(READING);
    const asked = ann.post(`/chats/${id}/messages`, { question: 'Are you there?' });
    await eventually(() => proxy.refusals > 0);
    const responseId = (await ann.get(`/chats/${id}/messages`)).body.qa_pairs.at(-1).response_id;
    await ann.post(`/chats/${id}/messages/${responseId}/stop`);
    expect((await asked).body).toMatchObject({ status: 'cancelled', response: null });
    expect(provider.asked).toEqual([]);
  });

  it('holds a post behind it no less: whose turn comes when the answer has ended', async () => {
    await start();
    const { id } = await ann.aChat(1);
    provider.next({ tokens: ['One', ' two'], gateAfter: 1 });
    const waiting = jest.spyOn(server.app.get(AnswerReader, { strict: false }), 'hasEnded');
    const first = ann.post(`/chats/${id}/messages`, { question: 'first' });
    await provider.untilAsked(1);
    const second = ann.post(`/chats/${id}/messages`, { question: 'second', response: 'mine' });
    await eventually(() => waiting.mock.calls.length > 0);
    proxy.refuse('answer.of_pair');
    provider.release();
    await eventually(() => proxy.refusals > 0);
    proxy.refuse(null);
    expect((await first).body).toMatchObject({ status: 'complete', response: 'One two' });
    expect(await second).toMatchObject({ status: 201, body: { seq: 3, response: 'mine' } });
  });
});

describe('what is written beside an answer, while PostgreSQL is away for a moment', () => {
  let proxy: Proxy;
  let server: TestApp;
  let ann: TestClient;

  beforeAll(async () => {
    const url = new URL(await createDatabase());
    url.hostname ||= 'localhost';
    proxy = await proxyTo(url);
    server = await startTestApp(
      'postgres',
      settings({ LLM_TITLE_MODEL: 'fake-titles', TOKENS_PER_DAY: '1000000' }),
      throughProxy(url, proxy),
    );
    ann = await TestClient.register(server.url);
  });
  afterEach(() => proxy.refuse(null));
  afterAll(async () => {
    await server.close();
    proxy.close();
  });

  const usedToday = async (): Promise<number> => (await ann.get('/usage')).body.today.output_tokens;

  it('the name of a chat comes all the same', async () => {
    provider.always(({ body }) =>
      body.model === 'fake-titles' ? { tokens: ['Sun at midnight'], gateAfter: 0 } : {},
    );
    const { id } = await ann.aChat();
    await ann.post(`/chats/${id}/messages`, { question: 'Where does it begin?' });
    await provider.untilAsked(2);
    proxy.refuse('quota.spend');
    provider.release();
    await eventually(() => proxy.refusals > 0);
    proxy.refuse(null);
    await eventually(async () => (await ann.get(`/chats/${id}`)).body.name === 'Sun at midnight');
  });

  it('the tokens of an answer that is kept nowhere are counted all the same (R11)', async () => {
    const before = await usedToday();
    provider.always({
      tokens: ['a', 'b', 'c'],
      usage: { prompt_tokens: 5, completion_tokens: 77 },
    });
    proxy.refuse('quota.spend');
    const body = { model: 'fake-1', messages: [{ role: 'user', content: 'q' }] };
    const { status } = await ann.request('POST', '/v1/chat/completions', { body });
    expect([status, proxy.refusals]).toEqual([200, 1]);
    proxy.refuse(null);
    await eventually(async () => (await usedToday()) === before + 77);
  });

  it('a summary is not chosen without its model for good', async () => {
    const { id } = await ann.aChat(3);
    provider.always({ tokens: ['[{"pair":1,"quote":"q1"}]'] });
    proxy.refuse('quota.spent');
    expect((await ann.get(`/chats/${id}/summary`)).status).toBe(503);
    proxy.refuse(null);
    expect((await ann.get(`/chats/${id}/summary`)).body.generated_by).toBe('fake-1');
  });
});

(process.env.TEST_MONGODB_URI ? describe : describe.skip)(
  'a question whose context cannot be read, as MongoDB is away',
  () => {
    let proxy: Proxy;
    let server: TestApp;
    let ann: TestClient;

    async function start(more: Record<string, string> = {}): Promise<void> {
      const databaseUrl = await createDatabase();
      const uri = new URL(mongoUriFor(databaseUrl));
      proxy = await Proxy.to({ host: uri.hostname, port: Number(uri.port) });
      uri.port = String(proxy.port);
      server = await startTestApp(
        'mongo',
        settings({ MONGODB_URI: uri.href, ...more }),
        databaseUrl,
      );
      ann = await TestClient.register(server.url);
    }
    afterEach(async () => {
      proxy.mend();
      await server.close();
      proxy.close();
    });

    /** A chat whose words only MongoDB has. */
    async function aStoredChat(pairs: number): Promise<string> {
      const { id } = await ann.aChat(pairs);
      const journal = (text: string) =>
        withClient(server.databaseUrl, (client) => client.query(text));
      await eventually(
        async () =>
          (await journal('SELECT FROM content_journal WHERE stored_at IS NULL')).rowCount === 0,
      );
      await journal('DELETE FROM content_journal');
      return id;
    }

    it('is answered when it is back (S7e)', async () => {
      await start();
      const id = await aStoredChat(2);
      proxy.cut();
      const asked = ann.post(`/chats/${id}/messages`, { question: 'Are you there?' });
      await eventually(
        async () =>
          (
            await withClient(server.databaseUrl, (client) =>
              client.query('SELECT FROM generations'),
            )
          ).rowCount === 1,
      );
      proxy.mend();
      expect(await asked).toMatchObject({ status: 201, body: { status: 'complete', seq: 3 } });
      expect(provider.asked.at(-1)!.body.messages).toHaveLength(5);
    });

    it('has failed after the patience with a code that says so, and can be tried again (S7e)', async () => {
      await start({ STORE_PATIENCE_SECONDS: '1' });
      const id = await aStoredChat(2);
      proxy.cut();
      const { body } = await ann.post(`/chats/${id}/messages`, { question: 'Are you there?' });
      expect([body.status, body.error.code, provider.asked.length]).toEqual([
        'failed',
        'content_unavailable',
        0,
      ]);
      proxy.mend();
      await eventually(async () => (await ann.get(`/chats/${id}/messages`)).status === 200);
      const again = await ann.post(`/chats/${id}/messages/${body.response_id}/retry`);
      expect(again.body).toMatchObject({
        status: 'complete',
        response: 'Hello from the fake provider.',
      });
    });
  },
);
