import { MODES, startTestApp, type TestApp } from '../support/app.js';
import { AnswerReader } from '../support/answer-reader.js';
import { TestClient } from '../support/client.js';
import { FakeProvider } from '../support/fake-provider.js';

describe.each(MODES)('a retry of an answer that was stopped, words in %s', (mode) => {
  let server: TestApp;
  let provider: FakeProvider;
  let ann: TestClient;

  beforeAll(async () => {
    provider = await FakeProvider.start();
    server = await startTestApp(mode, provider.settings());
    ann = await TestClient.register(server.url);
  });
  afterAll(async () => {
    await server.close();
    await provider.close();
  });

  async function aStopped(): Promise<string> {
    const { id } = await ann.aChat();
    provider.reset();
    provider.always({ tokens: ['kept', ' words'], hangAfter: 2 });
    const reader = await (await AnswerReader.ask(ann, id, 'q')).pieces(2);
    const path = `/chats/${id}/messages/${reader.accepted.response_id}`;
    expect((await ann.post(`${path}/stop`)).body).toMatchObject({
      status: 'cancelled',
      response: 'kept words',
    });
    return path;
  }

  it('takes nothing away when the model fails: the words stay, with the reason, and it can be tried again', async () => {
    const path = await aStopped();
    provider.always({ status: 500 });
    const { body } = await ann.post(`${path}/retry`, {});
    expect(body).toMatchObject({
      status: 'interrupted',
      response: 'kept words',
      error: { code: expect.any(String) },
    });
    expect((await ann.get(path)).body).toMatchObject({
      status: 'interrupted',
      response: 'kept words',
    });
    provider.always({ tokens: ['all', ' of it'] });
    expect((await ann.post(`${path}/retry`, {})).body).toMatchObject({
      status: 'complete',
      response: 'all of it',
    });
  });

  it('takes nothing away when it is stopped before its first word', async () => {
    const path = await aStopped();
    provider.always({ hangAfter: 0 });
    const asked = provider.asked.length;
    const retrying = ann.post(`${path}/retry`, {});
    await provider.untilAsked(asked + 1);
    await ann.post(`${path}/stop`);
    expect((await retrying).body).toMatchObject({ status: 'cancelled', response: 'kept words' });
  });
});
