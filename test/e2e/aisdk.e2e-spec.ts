import { randomUUID } from 'node:crypto';
import {
  DefaultChatTransport as Transport6,
  readUIMessageStream as read6,
  type UIMessage,
} from 'ai6';
import { DefaultChatTransport as Transport7, readUIMessageStream as read7 } from 'ai';
import { startTestApp, type TestApp } from '../support/app.js';
import { TestClient } from '../support/client.js';
import { FakeProvider, type Script } from '../support/fake-provider.js';

type Part = { type: string } & Record<string, any>;
type Message = UIMessage<any>;

const MAJORS: [string, typeof Transport6, typeof read6][] = [
  ['6', Transport6, read6],
  ['7', Transport7 as unknown as typeof Transport6, read7 as unknown as typeof read6],
];

const asked = (text: string, id = randomUUID().slice(0, 16)): Message => ({
  id,
  role: 'user',
  parts: [{ type: 'text', text }],
});
const PNG =
  'data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAQAAAC1HAwCAAAAC0lEQVR42mNk+A8AAQUBAScY42YAAAAASUVORK5CYII=';
const textOf = (message: Message): string =>
  message.parts.map((part) => (part.type === 'text' ? part.text : '')).join('');

describe.each(MAJORS)('useChat of AI SDK %s', (_major, Transport, readMessages) => {
  let server: TestApp;
  let other: TestApp;
  let provider: FakeProvider;
  let ann: TestClient;

  beforeAll(async () => {
    provider = await FakeProvider.start();
    // By what is asked: the model is also asked for titles.
    provider.always(({ body }) => scripts.get(lastAsked(body.messages))?.shift() ?? {});
    server = await startTestApp('postgres', provider.settings());
    other = await startTestApp('postgres', provider.settings(), server.databaseUrl);
    ann = await TestClient.register(server.url);
  });
  afterAll(async () => {
    await Promise.all([server.close(), other.close()]);
    await provider.close();
  });

  const scripts = new Map<string, Script[]>();
  /** Results of tools are of the question before them. */
  const lastAsked = (messages: any[]): string =>
    messages.findLast(({ role }) => role === 'user')?.content;
  const answer = (question: string, ...inTurn: Script[]) => scripts.set(question, inTurn);

  const transport = (client = ann) =>
    new Transport<Message>({
      api: `${client.url}/api/chat`,
      headers: { authorization: `Bearer ${client.token}` },
    });

  /**
   * Sends as `useChat` does and reads to the end: all parts, and the message that the client makes
   * of them.
   */
  async function send(
    chatId: string,
    messages: Message[],
    options: Partial<Parameters<InstanceType<typeof Transport6>['sendMessages']>[0]> = {},
  ) {
    const stream = await transport().sendMessages({
      chatId,
      messages,
      trigger: 'submit-message',
      messageId: undefined,
      abortSignal: undefined,
      ...options,
    } as never);
    return readAll(stream as ReadableStream<Part>);
  }

  async function readAll(
    stream: ReadableStream<Part>,
  ): Promise<{ parts: Part[]; message: Message }> {
    const [one, two] = stream.tee();
    const parts: Part[] = [];
    const collect = (async () => {
      for await (const part of one as unknown as AsyncIterable<Part>) parts.push(part);
    })();
    let message: Message = { id: '', role: 'assistant', parts: [] };
    for await (const state of readMessages<Message>({
      stream: two as never,
      onError: () => undefined,
      terminateOnError: false,
    }))
      message = structuredClone(state);
    await collect;
    return { parts, message };
  }

  it('gets an answer in a chat that is made for the id that it made up, and goes on in it', async () => {
    const id = randomUUID().slice(0, 16);
    answer('Count.', { tokens: ['One', ' two'] });
    answer('On.', { tokens: ['Three'] });
    const first = asked('Count.');
    const { message, parts } = await send(id, [first]);
    expect(textOf(message)).toBe('One two');
    expect(parts.map(({ type }) => type)).toEqual([
      ...['start', 'start-step', 'text-start', 'text-delta'],
      ...parts.slice(4, -3).map(() => 'text-delta'),
      ...['text-end', 'finish-step', 'finish'],
    ]);
    const { message: second } = await send(id, [first, message, asked('On.')]);
    expect(textOf(second)).toBe('Three');
    const { body } = await ann.request('GET', `/api/chat/${id}`);
    expect(body.messages.map(({ role, parts: [{ text }] }: any) => [role, text])).toEqual([
      ['user', 'Count.'],
      ['assistant', 'One two'],
      ['user', 'On.'],
      ['assistant', 'Three'],
    ]);
    expect(second.metadata).toMatchObject({
      parentId: message.id,
      branchId: body.chat_id,
      siblingIndex: 0,
      siblingCount: 1,
    });
    expect((await ann.get(`/chats/${body.chat_id}/messages/${message.id}`)).body.response).toBe(
      'One two',
    );
  });

  it('makes a sibling of an answer that it regenerates, and of a question that it edits; the model sees that path alone', async () => {
    const { id } = await ann.aChat();
    const question = asked('Which tree?');
    answer('Which tree?', { tokens: ['An oak.'] }, { tokens: ['A fig.'] });
    const { message: oak } = await send(id, [question]);
    const { message: fig } = await send(id, [question], {
      trigger: 'regenerate-message',
      messageId: oak.id,
    });
    expect(fig.metadata).toMatchObject({ siblingIndex: 1, siblingCount: 2, parentId: null });
    const { message: follow } = await send(id, [question, fig, asked('Is it old?')]);
    const { body: seen } = provider.asked.find(
      (one) => one.body.messages.at(-1).content === 'Is it old?',
    )!;
    expect(seen.messages.map(({ content }: any) => content)).toEqual([
      'Which tree?',
      'A fig.',
      'Is it old?',
    ]);
    const { message: edited } = await send(id, [question, fig, asked('Is it young?')]);
    expect(edited.metadata).toMatchObject({ siblingIndex: 1, siblingCount: 2, parentId: fig.id });
    const { body } = await ann
      .get(`/chats/${id}/messages/${follow.id}`)
      .then(async (answer) =>
        answer.status === 200
          ? answer
          : ann.get(`/chats/${follow.metadata.branchId}/messages/${follow.id}`),
      );
    expect(body.siblings).toHaveLength(2);
  });

  it('makes the last answer anew when it names none', async () => {
    const { id } = await ann.aChat();
    const question = asked('Again?');
    answer('Again?', { tokens: ['first'] }, { tokens: ['second'] });
    const { message } = await send(id, [question]);
    const { message: again } = await send(id, [question], { trigger: 'regenerate-message' });
    expect([textOf(again), again.id === message.id]).toEqual(['second', false]);
    expect(again.metadata).toMatchObject({ siblingIndex: 1, siblingCount: 2 });
  });

  it('resumes on any instance with all of the answer, and is told 204 when there is nothing to resume', async () => {
    const id = randomUUID();
    answer('Slowly.', { tokens: ['a', 'b', 'c', 'd', 'e', 'f'], delayMs: 300 });
    const leaving = new AbortController();
    const stream = await transport().sendMessages({
      ...{
        chatId: id,
        messages: [asked('Slowly.')],
        trigger: 'submit-message',
        messageId: undefined,
      },
      abortSignal: leaving.signal,
    } as never);
    const reader = (stream as ReadableStream<Part>).getReader();
    while ((await reader.read()).value?.type !== 'text-delta');
    leaving.abort();
    const resumed = await transport(ann.at(other.url)).reconnectToStream({ chatId: id } as never);
    const { message } = await readAll(resumed as ReadableStream<Part>);
    expect(textOf(message)).toBe('abcdef');
    expect(await transport().reconnectToStream({ chatId: id } as never)).toBeNull();
  });

  it('stops an answer from another instance; what was there is kept', async () => {
    const { id } = await ann.aChat();
    answer('Stop me.', { tokens: ['kept', ' and', ' more'], hangAfter: 1 });
    const stream = (await transport().sendMessages({
      ...{
        chatId: id,
        messages: [asked('Stop me.')],
        trigger: 'submit-message',
        messageId: undefined,
        abortSignal: undefined,
      },
    } as never)) as ReadableStream<Part>;
    const [watched, whole] = stream.tee();
    const reader = watched.getReader();
    while ((await reader.read()).value?.type !== 'text-delta');
    expect((await ann.at(other.url).request('POST', `/api/chat/${id}/stop`)).body).toEqual({
      stopped: expect.any(String),
    });
    expect((await ann.request('POST', `/api/chat/${id}/stop`)).body).toEqual({ stopped: null });
    const { parts, message } = await readAll(whole);
    expect([textOf(message), parts.at(-1)]).toEqual(['kept', { type: 'abort', reason: 'stopped' }]);
    expect((await ann.get(`/chats/${id}/messages/${message.id}`)).body).toMatchObject({
      status: 'cancelled',
      response: 'kept',
    });
  });

  it('is told in words when the model fails, and may go on', async () => {
    const { id } = await ann.aChat();
    answer('Break.', { status: 500 }, { tokens: ['fine'] });
    const question = asked('Break.');
    const { parts } = await send(id, [question]);
    expect(parts.at(-1)).toMatchObject({
      type: 'error',
      errorText: expect.stringMatching(/\w+ \w+/),
    });
    const { message } = await send(id, [question], { trigger: 'regenerate-message' });
    expect(textOf(message)).toBe('fine');
  });

  it('(U2) has an answer that failed tried again in its place, and makes no dead branch', async () => {
    const { id } = await ann.aChat();
    answer('Broken?', { status: 500 }, { tokens: ['whole'] });
    const question = asked('Broken?');
    const { message: failed } = await send(id, [question]);
    const { message } = await send(id, [question], { trigger: 'regenerate-message' });
    expect([message.id, textOf(message)]).toEqual([failed.id, 'whole']);
    expect((await ann.get(`/chats/${id}/branches`)).body.total).toBe(1);
  });

  it('makes a sibling of an answer that was stopped with words in it, which are kept', async () => {
    const { id } = await ann.aChat();
    answer('Halt?', { tokens: ['kept', ' more'], hangAfter: 1 }, { tokens: ['whole'] });
    const question = asked('Halt?');
    const sent = send(id, [question]);
    while (!(await ann.request('POST', `/api/chat/${id}/stop`)).body.stopped);
    const { message: halted } = await sent;
    const { message } = await send(id, [question], { trigger: 'regenerate-message' });
    const isSibling = textOf(halted) !== '';
    expect([textOf(message), message.id !== halted.id]).toEqual(['whole', isSibling]);
  });

  it('(U1) may send answers that its page made up: they are skipped, wherever they stand', async () => {
    const id = randomUUID().slice(0, 16);
    const greeting: Message = { id: 'welcome', role: 'assistant', parts: [] };
    const made: Message = { id: 'canned', role: 'assistant', parts: [{ type: 'text', text: 'x' }] };
    for (const question of ['One?', 'Two?', 'Three?']) answer(question, { tokens: [question] });
    const first = [greeting, asked('One?')];
    const { message: one } = await send(id, first);
    const second = [...first, one, made, asked('Two?')];
    const { message: two } = await send(id, second);
    const { message: three } = await send(id, [...second, two, made, made, asked('Three?')]);
    expect([two.metadata.parentId, three.metadata.parentId]).toEqual([one.id, two.id]);
    expect((await ann.request('GET', `/api/chat/${id}`)).body.messages).toHaveLength(6);
  });

  it('(U3) has what systems say told to the model, whether in the body or among the messages', async () => {
    const id = randomUUID().slice(0, 16);
    const system: Message = {
      id: 'sys',
      role: 'system',
      parts: [{ type: 'text', text: 'Answer in French.' }],
    };
    const question = asked('Who are you?');
    answer('Who are you?', { tokens: ['Je'] }, { tokens: ['Moi'] });
    answer('And now?', { tokens: ['Oui'] });
    const body = { system: 'You are a pirate' };
    const { message } = await send(id, [system, question], { body });
    await send(id, [system, question], { body, trigger: 'regenerate-message' });
    await send(id, [system, question, message, asked('And now?')], { body });
    const [shown] = (await ann.request('GET', `/api/chat/${id}`)).body.messages;
    expect(shown).toMatchObject({ role: 'system', parts: system.parts });
    const told = provider.asked.filter(({ body }) =>
      ['Who are you?', 'And now?'].includes(body.messages.at(-1).content),
    );
    expect(told).toHaveLength(3);
    for (const { body } of told) {
      const words = JSON.stringify(body.messages.filter(({ role }: any) => role === 'system'));
      expect(words).toContain('You are a pirate');
      expect(words).toContain('Answer in French.');
    }
  });

  it('(A6) is told that an answer was cut at its length, or by a filter', async () => {
    const id = randomUUID().slice(0, 16);
    answer('Long?', { tokens: ['Half an ans'], finishReason: 'length' });
    answer('Bad?', { tokens: ['Half'], finishReason: 'content_filter' });
    const { parts, message } = await send(id, [asked('Long?')]);
    expect([textOf(message), parts.at(-1)]).toEqual([
      'Half an ans',
      { type: 'finish', finishReason: 'length' },
    ]);
    expect((await send(id, [asked('Bad?')])).parts.at(-1)).toEqual({
      type: 'finish',
      finishReason: 'content-filter',
    });
  });

  it('reads a question of parts as it was said: files, data, and what is not known here', async () => {
    const id = randomUUID();
    answer('What is it?', { tokens: ['A dot'] }, { tokens: ['A point'] });
    const said = {
      id: 'm1',
      role: 'user',
      parts: [
        { type: 'file', mediaType: 'image/png', filename: 'dot.png', url: PNG },
        { type: 'file', mediaType: 'image/jpeg', url: 'https://pictures.example/a.jpg' },
        { type: 'data-place', data: { lat: 1.5, tags: ['x'] } },
        { type: 'data-place', id: 'p1', data: null },
        { type: 'text', text: 'What is it?' },
      ],
    } as unknown as Message;
    await send(id, [said]);
    const { body } = await ann.request('GET', `/api/chat/${id}`);
    expect(body.messages[0]).toMatchObject({ role: 'user', parts: said.parts });
    const { body: chat } = await ann.get(`/chats/${body.chat_id}`);
    const [{ question, question_parts: kept }] = chat.content.qa_pairs;
    expect([question, kept[0]]).toEqual([
      'What is it?',
      expect.objectContaining({ media_type: 'image/png', name: 'dot.png', bytes: 68 }),
    ]);
    expect(JSON.stringify(kept)).not.toContain('base64');
    // A page that has the address of its bytes alone says that.
    const link = `${ann.url}/api/v1/files/${kept[0].file_id}/content`;
    const linked = { ...said.parts[0], url: link } as Message['parts'][0];
    await send(id, [{ ...said, parts: [linked, said.parts.at(-1)!] }]);
    const again = (await ann.request('GET', `/api/chat/${id}`)).body.messages[0];
    expect(again.parts).toEqual([said.parts[0], said.parts.at(-1)]);
  });

  it('runs tools of its page, and all turns of the model are one message, now and when it is read again', async () => {
    const id = randomUUID();
    const turn = [
      { reasoning: 'I must look.' },
      { tool: { id: 'c1', name: 'look', input: { at: 1 } } },
    ];
    answer('Look.', { turn }, { turn: ['I saw it.'] });
    answer('And?', { tokens: ['That is all.'] });
    const question = asked('Look.');
    const body = { tools: { look: { description: 'Looks', parameters: { type: 'object' } } } };
    const { message: calling, parts } = await send(id, [question], { body });
    expect(parts.map(({ type }) => type)).toEqual(
      expect.arrayContaining(['reasoning-delta', 'tool-input-start', 'tool-input-delta']),
    );
    expect(parts.at(-1)).toEqual({ type: 'finish', finishReason: 'tool-calls' });
    const call = calling.parts.find(({ type }) => type === 'tool-look')!;
    expect(call).toMatchObject({ toolCallId: 'c1', state: 'input-available', input: { at: 1 } });
    // As `addToolOutput` does, and `sendAutomaticallyWhen` then sends it.
    Object.assign(call, { state: 'output-available', output: { seen: 1546130668394913 } });
    const more = await send(id, [question, calling], { body, messageId: calling.id });
    expect(more.parts[0]).toMatchObject({ type: 'start', messageId: calling.id });
    expect(textOf(more.message)).toBe('I saw it.');
    const [, shown, ...others] = (await ann.request('GET', `/api/chat/${id}`)).body.messages;
    const types = [...calling.parts, ...more.message.parts].map(({ type }) => type);
    expect([others, shown.id, shown.parts.map(({ type }: Part) => type)]).toEqual([
      [],
      calling.id,
      types,
    ]);
    const whole = { ...calling, parts: [...calling.parts, ...more.message.parts] };
    const { message: last } = await send(id, [question, whole, asked('And?')], { body });
    const told = provider.asked.find(({ body }) => body.messages.at(-1).content === 'And?')!.body;
    expect(told.messages.map(({ role }: any) => role)).toEqual([
      ...['user', 'assistant', 'tool', 'assistant', 'user'],
    ]);
    expect(told.tools[0].function).toMatchObject({ name: 'look', description: 'Looks' });
    expect(last.metadata).toMatchObject({ siblingCount: 1, siblingIndex: 0 });
    const { body: state } = await ann.request('GET', `/api/chat/${id}`);
    expect((await ann.get(`/chats/${state.chat_id}/branches`)).body.total).toBe(1);
  });

  it('goes on with a step that failed in its place, and reads the steps before it again', async () => {
    const id = randomUUID();
    const question = asked('Try.');
    answer(
      'Try.',
      { turn: [{ tool: { id: 'c1', name: 'look', input: {} } }] },
      { status: 500 },
      { turn: ['Done.'] },
    );
    const { message: calling } = await send(id, [question]);
    const call = calling.parts.find(({ type }) => type === 'tool-look')!;
    Object.assign(call, { state: 'output-error', errorText: 'It is dark.' });
    const { parts } = await send(id, [question, calling], { messageId: calling.id });
    expect(parts.at(-1)).toMatchObject({ type: 'error' });
    const { message } = await send(id, [question], { trigger: 'regenerate-message' });
    expect([message.id, textOf(message)]).toEqual([calling.id, 'Done.']);
    expect(message.parts.find(({ type }) => type === 'tool-look')).toMatchObject({
      state: 'output-error',
      errorText: 'It is dark.',
    });
    const { body: state } = await ann.request('GET', `/api/chat/${id}`);
    expect((await ann.get(`/chats/${state.chat_id}/branches`)).body.total).toBe(1);
  });

  it('has its own fields kept, and settings of a model passed on', async () => {
    const id = randomUUID();
    answer('Set?', { tokens: ['Yes'] });
    const callSettings = { temperature: 0.3, maxTokens: 77 };
    const body = { callSettings, webSearch: true, metadata: { page: 'home' } };
    const { message } = await send(id, [asked('Set?')], { body });
    const { body: told } = provider.asked.find(
      (one) => one.body.messages.at(-1).content === 'Set?',
    )!;
    expect(told).toMatchObject({ temperature: 0.3, max_tokens: 77 });
    const pair = await ann.get(`/chats/${message.metadata.branchId}/messages/${message.id}`);
    expect(pair.body.settings).toMatchObject({
      temperature: 0.3,
      max_output_tokens: 77,
      metadata: { webSearch: 'true', page: 'home' },
    });
  });

  it('may send a chat that is longer than a body of the API may be', async () => {
    const messages = [asked('x'.repeat(900_000)), asked('Short?')];
    answer('Short?', { tokens: ['Yes'] });
    const { message } = await send(randomUUID(), messages);
    expect(textOf(message)).toBe('Yes');
  });
});

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
