import { randomUUID } from 'node:crypto';
import type { TestApp } from '../support/app.js';
import type { TestClient } from '../support/client.js';
import type { FakeProvider } from '../support/fake-provider.js';
import { asked, MAJORS, type Part, textOf, useChatTester } from './use-chat-tester.js';

describe.each(MAJORS)('useChat of AI SDK %s', (_major, Transport, readMessages) => {
  const { answer, readAll, send, transport, stage } = useChatTester(Transport, readMessages);
  let provider: FakeProvider;
  let other: TestApp;
  let ann: TestClient;
  beforeAll(() => void ({ provider, other, ann } = stage()));

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

  it('that closes its stream alone ends nothing: whoever comes back has all of the answer', async () => {
    const { id } = await ann.aChat();
    answer('Close me.', { tokens: ['all', ' of', ' it'], gateAfter: 1 });
    const leave = new AbortController();
    const stream = (await transport().sendMessages({
      ...{ chatId: id, messages: [asked('Close me.')], trigger: 'submit-message' },
      ...{ messageId: undefined, abortSignal: leave.signal },
    } as never)) as ReadableStream<Part>;
    const reader = stream.getReader();
    while ((await reader.read()).value?.type !== 'text-delta');
    leave.abort();
    await reader.closed.catch(() => undefined);
    const resumed = await transport().reconnectToStream({ chatId: id } as never);
    provider.release();
    expect(textOf((await readAll(resumed as never)).message)).toBe('all of it');
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
});
