import { randomUUID } from 'node:crypto';
import { DefaultChatTransport as Transport6, readUIMessageStream as read6, type UIMessage } from 'ai';
import { DefaultChatTransport as Transport7, readUIMessageStream as read7 } from 'ai7';
import { startTestApp, type TestApp } from '../support/app.js';
import { TestClient } from '../support/client.js';
import { FakeProvider, type Script } from '../support/fake-provider.js';

type Part = { type: string } & Record<string, any>;
type Message = UIMessage<any>;

const MAJORS: [string, typeof Transport6, typeof read6][] = [
  ['6', Transport6, read6],
  ['7', Transport7 as unknown as typeof Transport6, read7 as unknown as typeof read6],
];

const asked = (text: string, id = randomUUID().slice(0, 16)): Message => ({ id, role: 'user', parts: [{ type: 'text', text }] });
const textOf = (message: Message): string => message.parts.map((part) => (part.type === 'text' ? part.text : '')).join('');

describe.each(MAJORS)('useChat of AI SDK %s', (_major, Transport, readMessages) => {
  let server: TestApp;
  let other: TestApp;
  let provider: FakeProvider;
  let ann: TestClient;

  beforeAll(async () => {
    provider = await FakeProvider.start();
    // By what is asked: the model is also asked for titles.
    provider.always(({ body }) => scripts.get(body.messages.at(-1).content)?.shift() ?? {});
    server = await startTestApp('postgres', provider.settings());
    other = await startTestApp('postgres', provider.settings(), server.databaseUrl);
    ann = await TestClient.register(server.url);
  });
  afterAll(async () => {
    await Promise.all([server.close(), other.close()]);
    await provider.close();
  });

  const scripts = new Map<string, Script[]>();
  const answer = (question: string, ...inTurn: Script[]) => scripts.set(question, inTurn);

  const transport = (client = ann) =>
    new Transport<Message>({ api: `${client.url}/api/chat`, headers: { authorization: `Bearer ${client.token}` } });

  /** Sends as `useChat` does and reads to the end: all parts, and the message that the client makes of them. */
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

  async function readAll(stream: ReadableStream<Part>): Promise<{ parts: Part[]; message: Message }> {
    const [one, two] = stream.tee();
    const parts: Part[] = [];
    const collect = (async () => {
      for await (const part of one as unknown as AsyncIterable<Part>) parts.push(part);
    })();
    let message: Message = { id: '', role: 'assistant', parts: [] };
    for await (const state of readMessages<Message>({ stream: two as never, onError: () => undefined, terminateOnError: false }))
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
    expect(second.metadata).toMatchObject({ parentId: message.id, branchId: body.chat_id, siblingIndex: 0, siblingCount: 1 });
    expect((await ann.get(`/chats/${body.chat_id}/messages/${message.id}`)).body.response).toBe('One two');
  });

  it('makes a sibling of an answer that it regenerates, and of a question that it edits; the model sees that path alone', async () => {
    const { id } = await ann.aChat();
    const question = asked('Which tree?');
    answer('Which tree?', { tokens: ['An oak.'] }, { tokens: ['A fig.'] });
    const { message: oak } = await send(id, [question]);
    const { message: fig } = await send(id, [question], { trigger: 'regenerate-message', messageId: oak.id });
    expect(fig.metadata).toMatchObject({ siblingIndex: 1, siblingCount: 2, parentId: null });
    const { message: follow } = await send(id, [question, fig, asked('Is it old?')]);
    const { body: seen } = provider.asked.find((one) => one.body.messages.at(-1).content === 'Is it old?')!;
    expect(seen.messages.map(({ content }: any) => content)).toEqual(['Which tree?', 'A fig.', 'Is it old?']);
    const { message: edited } = await send(id, [question, fig, asked('Is it young?')]);
    expect(edited.metadata).toMatchObject({ siblingIndex: 1, siblingCount: 2, parentId: fig.id });
    const { body } = await ann
      .get(`/chats/${id}/messages/${follow.id}`)
      .then(async (answer) => (answer.status === 200 ? answer : ann.get(`/chats/${follow.metadata.branchId}/messages/${follow.id}`)));
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
      ...{ chatId: id, messages: [asked('Slowly.')], trigger: 'submit-message', messageId: undefined },
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
      ...{ chatId: id, messages: [asked('Stop me.')], trigger: 'submit-message', messageId: undefined, abortSignal: undefined },
    } as never)) as ReadableStream<Part>;
    const [watched, whole] = stream.tee();
    const reader = watched.getReader();
    while ((await reader.read()).value?.type !== 'text-delta');
    expect((await ann.at(other.url).request('POST', `/api/chat/${id}/stop`)).status).toBe(204);
    const { parts, message } = await readAll(whole);
    expect([textOf(message), parts.at(-1)]).toEqual(['kept', { type: 'abort', reason: 'stopped' }]);
    expect((await ann.get(`/chats/${id}/messages/${message.id}`)).body).toMatchObject({ status: 'cancelled', response: 'kept' });
  });

  it('is told in words when the model fails, and may go on', async () => {
    const { id } = await ann.aChat();
    answer('Break.', { status: 500 }, { tokens: ['fine'] });
    const question = asked('Break.');
    const { parts } = await send(id, [question]);
    expect(parts.at(-1)).toMatchObject({ type: 'error', errorText: expect.stringMatching(/\w+ \w+/) });
    const { message } = await send(id, [question], { trigger: 'regenerate-message' });
    expect(textOf(message)).toBe('fine');
  });

  it('may send a chat that is longer than a body of the API may be', async () => {
    const { id } = await ann.aChat();
    const long: Message[] = [asked('x'.repeat(900_000)), { id: 'greeting', role: 'assistant', parts: [] }];
    const { status, body } = await ann.request('POST', '/api/chat', { body: { id, messages: long } });
    expect([status, body.errors[0].path]).toEqual([422, 'question']);
  });
});
