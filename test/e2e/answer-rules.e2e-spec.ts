import { MODES, startTestApp, type TestApp } from '../support/app.js';
import { AnswerReader } from '../support/answer-reader.js';
import { TestClient } from '../support/client.js';
import { FakeProvider } from '../support/fake-provider.js';
import { TestSocket } from './realtime-client.js';

describe.each(MODES)('while an answer is written, words in %s', (mode) => {
  let server: TestApp;
  let provider: FakeProvider;
  let ann: TestClient;

  beforeAll(async () => {
    provider = await FakeProvider.start();
    provider.always({ tokens: ['on', ' its', ' way'], hangAfter: 3 });
    server = await startTestApp(mode, provider.settings());
    ann = await TestClient.register(server.url);
  });
  afterAll(async () => {
    await server.close();
    await provider.close();
  });

  it('nobody branches from its pair: what a branch inherits never changes under it', async () => {
    const { id } = await ann.aChat(1);
    const { accepted } = await (await AnswerReader.ask(ann, id, 'q')).pieces(1);
    const fork = () => ann.post(`/chats/${id}/branches`, { response_id: accepted.response_id });
    const refused = await fork();
    expect([refused.status, refused.body.code, refused.headers.has('retry-after')]).toEqual([
      409,
      'generation_in_progress',
      true,
    ]);
    await ann.post(`/chats/${id}/messages/${accepted.response_id}/stop`);
    expect((await fork()).status).toBe(201);
  });

  it('its key is in use: whoever sends it again waits two seconds, is told 409, and is answered at its end', async () => {
    const { id } = await ann.aChat();
    const key = { 'idempotency-key': 'slow' };
    const post = () => ann.post(`/chats/${id}/messages`, { question: 'q' }, key);
    const asked = provider.asked.length;
    const first = post();
    await provider.untilAsked(asked + 1);
    const again = await post();
    expect([again.status, again.body.code]).toEqual([409, 'idempotency_key_in_use']);
    const { body: page } = await ann.get(`/chats/${id}/messages`);
    await ann.post(`/chats/${id}/messages/${page.qa_pairs[0].response_id}/stop`);
    const [settled, replay] = [await first, await post()];
    expect([replay.status, replay.text, replay.headers.get('idempotent-replayed')]).toEqual([
      201,
      settled.text,
      'true',
    ]);
  });

  it('sockets hear of the pair before they hear its first words', async () => {
    const { id } = await ann.aChat();
    const socket = await TestSocket.on(ann, id, 0);
    for (let n = 0; n < 5; n++) {
      const from = socket.frames.length;
      const { accepted } = await (await AnswerReader.ask(ann, id, `q${n}`)).pieces(3);
      await ann.post(`/chats/${id}/messages/${accepted.response_id}/stop`);
      await socket.next('message.completed', from);
      const about = socket.frames
        .filter(({ data }) => data.response_id === accepted.response_id)
        .map(({ event }) => event);
      expect([about[0], about.at(-1)]).toEqual(['message.created', 'message.completed']);
      expect(about).toContain('message.delta');
    }
    socket.close();
  });
});
