import { randomUUID } from 'node:crypto';
import { startTestApp, type TestApp } from '../support/app.js';
import { TestClient } from '../support/client.js';

describe('the routes of the AI SDK', () => {
  let server: TestApp;
  let ann: TestClient;
  let bob: TestClient;

  beforeAll(async () => {
    server = await startTestApp();
    [ann, bob] = [await TestClient.register(server.url), await TestClient.register(server.url)];
  });
  afterAll(() => server.close());

  const text = (content: string) => ({
    id: 'm1',
    role: 'user',
    parts: [{ type: 'text', text: content }],
  });
  const refused: [string, object, string][] = [
    ['no id', { messages: [text('q')] }, 'id'],
    ['an id that is no text', { id: { $gt: '' }, messages: [text('q')] }, 'id'],
    ['no messages', { id: 'x' }, 'messages'],
    ['messages that are no list', { id: 'x', messages: 'q' }, 'messages'],
    [
      'no question among them',
      { id: 'x', messages: [{ id: 'a', role: 'assistant', parts: [] }] },
      'messages',
    ],
    [
      'a part whose type is no text',
      {
        id: 'x',
        messages: [{ id: 'a', role: 'user', parts: [{ type: { toString: 1 }, text: 'x' }] }],
      },
      'messages.0.parts',
    ],
    ['a blank question', { id: 'x', messages: [text(' ')] }, 'messages.0.parts'],
    [
      'a question that is too long',
      { id: 'x', messages: [text('x'.repeat(131_073))] },
      'messages.0.parts',
    ],
    [
      'a file that is no data URL',
      {
        id: 'x',
        message: { id: 'm', role: 'user', parts: [{ type: 'file', url: 'data:;base64,?' }] },
      },
      'message.parts.0.url',
    ],
    [
      'a part without a type',
      { id: 'x', message: { id: 'm', role: 'user', parts: [{ text: 'q' }] } },
      'message.parts',
    ],
    [
      'a role that nobody has',
      { id: 'x', messages: [{ ...text('q'), role: 'tool' }] },
      'messages.0.role',
    ],
    [
      'a trigger that nobody knows',
      { id: 'x', messages: [text('q')], trigger: 'resume' },
      'trigger',
    ],
    [
      'a tool without a name',
      { id: 'x', tools: [{ description: 'x' }], messages: [text('q')] },
      'tools.0.name',
    ],
    [
      'a setting that nobody knows',
      { id: 'x', callSettings: { volume: 11 }, messages: [text('q')] },
      'callSettings.volume',
    ],
    [
      'a temperature that is none',
      { id: 'x', callSettings: { temperature: 9 }, messages: [text('q')] },
      'callSettings.temperature',
    ],
    [
      'an address of a provider',
      { id: 'x', config: { baseUrl: 'http://x' }, messages: [text('q')] },
      'config.baseUrl',
    ],
    ['a system that says no text', { id: 'x', system: 7, messages: [text('q')] }, 'system'],
    [
      'a system with a picture',
      { id: 'x', messages: [{ id: 's', role: 'system', parts: [{ type: 'file' }] }, text('q')] },
      'messages.0.parts',
    ],
  ];
  it.each(refused)(
    'refuse %s with a 422 that names the field, and make no chat',
    async (_what, body, path) => {
      const answer = await ann.request('POST', '/api/chat', { body });
      expect([answer.status, answer.body.errors?.[0].path]).toEqual([422, path]);
      expect((await ann.get('/chats')).body.items).toEqual([]);
    },
  );

  it.each(['%00', '%20', '%ED%A0%80', 'x'.repeat(201)])(
    'refuse the id %s in a path',
    async (id) => {
      for (const [method, path] of [
        ['GET', ''],
        ['GET', '/stream'],
        ['POST', '/stop'],
      ] as const) {
        const { status } = await ann.request(method, `/api/chat/${id}${path}`);
        expect([400, 422]).toContain(status);
      }
    },
  );

  it('tell nobody of chats that are not theirs: a foreign id is one that nobody has', async () => {
    const chat = await ann.aChat(1);
    for (const id of [chat.id, randomUUID(), 'unknown']) {
      expect((await bob.request('GET', `/api/chat/${id}`)).status).toBe(404);
      expect((await bob.request('GET', `/api/chat/${id}/stream`)).status).toBe(404);
      expect((await bob.request('POST', `/api/chat/${id}/stop`)).status).toBe(404);
    }
    const posted = await bob.request('POST', '/api/chat', {
      body: { id: chat.id, messages: [text('mine')] },
    });
    expect(posted.status).toBe(200);
    expect(await ann.questionsOf(chat.id)).toEqual(['q1']);
    expect((await bob.request('GET', `/api/chat/${chat.id}`)).body.messages[0].parts[0].text).toBe(
      'mine',
    );
    expect((await ann.request('GET', `/api/chat/${chat.id}`)).body.messages[0].parts[0].text).toBe(
      'q1',
    );
    expect(
      (await new TestClient(server.url).request('POST', '/api/chat', { body: {} })).status,
    ).toBe(401);
  });

  it('make one chat for one id, however many send its first message at once', async () => {
    const id = `crowd-${randomUUID()}`;
    const answers = await Promise.all(
      Array.from({ length: 8 }, (_, n) =>
        bob.request('POST', '/api/chat', { body: { id, message: text(`q${n}`) } }),
      ),
    );
    expect(answers.map(({ status }) => status)).toEqual(Array.from({ length: 8 }, () => 200));
    const { body } = await bob.request('GET', `/api/chat/${id}`);
    expect(body.messages).toHaveLength(16);
  });

  it('answer 404 for a deleted chat, and take a new message to the end of the active branch when the path is not sent', async () => {
    const chat = await ann.aChat(2);
    const branch = await ann.aBranch(chat.id, chat.pairs[0]!, { activate: true });
    await ann.request('POST', '/api/chat', { body: { id: chat.id, message: text('here') } });
    expect(await ann.questionsOf(branch)).toEqual(['q1', 'here']);
    await ann.delete(`/chats/${chat.id}`);
    for (const [method, path] of [
      ['GET', ''],
      ['GET', '/stream'],
      ['POST', '/stop'],
    ] as const)
      expect((await ann.request(method, `/api/chat/${chat.id}${path}`)).status).toBe(404);
    expect(
      (await ann.request('POST', '/api/chat', { body: { id: chat.id, message: text('q') } }))
        .status,
    ).toBe(404);
  });
});
