import { randomUUID } from 'node:crypto';
import { jest } from '@jest/globals';
import { buildResumeArray, HttpAgent, type Message } from '@ag-ui/client';
import { MODES, startTestApp, type TestApp } from '../support/app.js';
import { TestClient } from '../support/client.js';
import { FakeProvider, type Script } from '../support/fake-provider.js';

const PNG =
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAQAAAC1HAwCAAAAC0lEQVR42mNk+A8AAQUBAScY42YAAAAASUVORK5CYII=';
const WEATHER = {
  name: 'weather',
  description: 'The weather of a place.',
  parameters: { type: 'object', properties: { city: { type: 'string' } } },
};
const APPROVED = { ...WEATHER, name: 'pay', metadata: { interrupt: true, message: 'May I pay?' } };

/** An event as it stands on the wire. */
type Told = { type: string } & Record<string, any>;

describe.each(MODES)('the unmodified client of AG-UI 1.0 (words in %s)', (mode) => {
  let server: TestApp;
  let provider: FakeProvider;
  let ann: TestClient;

  beforeAll(async () => {
    provider = await FakeProvider.start();
    // By what is asked: the model is also asked for titles.
    provider.always(({ body }) => scripts.get(lastAsked(body.messages))?.shift() ?? {});
    server = await startTestApp(mode, provider.settings());
    ann = await TestClient.register(server.url);
  });
  // The client says on the console what it rejects with.
  beforeEach(() => void jest.spyOn(console, 'error').mockImplementation(() => undefined));
  afterAll(async () => {
    await server.close();
    await provider.close();
  });

  const scripts = new Map<string, Script[]>();
  const lastAsked = (messages: any[]): string => {
    const content = messages.findLast(({ role }) => role === 'user')?.content;
    return typeof content === 'string' ? content : content?.find(({ text }: any) => text)?.text;
  };
  const answer = (question: string, ...inTurn: Script[]) => scripts.set(question, inTurn);
  const heard = (question: string): any =>
    provider.asked.findLast(({ body }) => lastAsked(body.messages) === question)!.body;

  const agentOf = (threadId: string, path = '', client = ann): HttpAgent =>
    new HttpAgent({
      url: `${server.url}/agui${path}`,
      threadId,
      headers: { authorization: `Bearer ${client.token}` },
    });
  const say = (agent: HttpAgent, content: any): void =>
    agent.addMessage({ id: randomUUID(), role: 'user', content } as Message);
  /** Runs, and gives all events besides. */
  async function run(agent: HttpAgent, options: Parameters<HttpAgent['runAgent']>[0] = {}) {
    const events: Told[] = [];
    const result = await agent.runAgent(options, {
      onEvent: ({ event }) => void events.push(event as Told),
    });
    return { ...result, events, last: events.at(-1)! };
  }
  const typesOf = (events: readonly Told[]): string[] => events.map(({ type }) => type);
  const textsOf = (messages: readonly any[]): unknown[] =>
    messages.map(({ role, content }) => [role, content]);
  const historyOf = async (threadId: string, query = ''): Promise<any> =>
    (await ann.request('GET', `/agui/threads/${threadId}/messages${query}`)).body;

  it('runs in a chat that is made for the thread that it made up, and goes on in it', async () => {
    const agent = agentOf(`trip ${randomUUID()}`);
    answer('Count.', { tokens: ['One', ' two'] });
    answer('On.', { tokens: ['Three'] });
    say(agent, 'Count.');
    const { events, last, result, newMessages } = await run(agent, { runId: 'run-1' });
    expect(typesOf(events)).toEqual([
      ...['RUN_STARTED', 'TEXT_MESSAGE_START'],
      ...events.slice(2, -2).map(() => 'TEXT_MESSAGE_CONTENT'),
      ...['TEXT_MESSAGE_END', 'RUN_FINISHED'],
    ]);
    expect(events[0]).toMatchObject({ runId: 'run-1', protocolVersion: '1.0' });
    expect(last).toMatchObject({
      ...{ runId: 'run-1', threadId: agent.threadId, outcome: { type: 'success' } },
      usage: [{ outputTokens: 2 }],
    });
    expect(textsOf(newMessages)).toEqual([['assistant', 'One two']]);
    expect(newMessages[0]!.id).toBe(result.responseId);
    say(agent, 'On.');
    await run(agent);
    const { chatId, messages } = await historyOf(encodeURIComponent(agent.threadId));
    expect(textsOf(messages)).toEqual([
      ['user', 'Count.'],
      ['assistant', 'One two'],
      ['user', 'On.'],
      ['assistant', 'Three'],
    ]);
    const { body } = await ann.get(`/chats/${chatId}/messages`);
    expect(body.qa_pairs.map(({ response }: any) => response)).toEqual(['One two', 'Three']);
  });

  it('branches by the ids of messages: an edited question, and one that is asked once more', async () => {
    const { id } = await ann.aChat();
    const agent = agentOf(id);
    answer('Which tree?', { tokens: ['An oak.'] }, { tokens: ['A fig.'] });
    say(agent, 'Which tree?');
    await run(agent);
    const [question] = agent.messages;
    agent.setMessages([question!]);
    const again = await run(agent);
    expect(textsOf(again.newMessages)).toEqual([['assistant', 'A fig.']]);
    say(agent, 'Is it old?');
    await run(agent);
    expect(heard('Is it old?').messages.map(({ content }: any) => content)).toEqual([
      ...['Which tree?', 'A fig.', 'Is it old?'],
    ]);
    agent.setMessages(agent.messages.slice(0, 2));
    say(agent, 'Is it young?');
    await run(agent);
    const { body } = await ann.get(`/chats/${id}/branches?format=flat`);
    expect(body.total).toBe(3);
    expect(textsOf((await historyOf(id)).messages).flat()).toContain('Is it young?');
  });

  it('tells thoughts and calls as they grow; results of tools of the page go on in the next pair', async () => {
    const agent = agentOf(randomUUID());
    answer(
      'Weather?',
      {
        turn: [
          { reasoning: 'They want' },
          { reasoning: ' the weather.' },
          'I look.',
          { tool: { id: 'call-1', name: 'weather', input: { city: 'Oslo', n: 1 } } },
        ],
      },
      { tokens: ['Rain.'] },
    );
    say(agent, 'Weather?');
    const { events, last } = await run(agent, { tools: [WEATHER] });
    expect([...new Set(typesOf(events))]).toEqual([
      ...['RUN_STARTED', 'REASONING_START', 'REASONING_MESSAGE_START', 'REASONING_MESSAGE_CONTENT'],
      ...['REASONING_MESSAGE_END', 'REASONING_END'],
      ...['TEXT_MESSAGE_START', 'TEXT_MESSAGE_CONTENT', 'TEXT_MESSAGE_END'],
      ...['TOOL_CALL_START', 'TOOL_CALL_ARGS', 'TOOL_CALL_END', 'RUN_FINISHED'],
    ]);
    expect(last.outcome).toEqual({ type: 'success', pendingToolCallIds: ['call-1'] });
    expect(agent.messages.slice(1)).toMatchObject([
      { role: 'reasoning', content: 'They want the weather.' },
      {
        ...{ role: 'assistant', content: 'I look.' },
        toolCalls: [{ id: 'call-1', function: { name: 'weather' } }],
      },
    ]);
    expect(JSON.parse((agent.messages[2] as any).toolCalls[0].function.arguments)).toEqual({
      ...{ city: 'Oslo', n: 1 },
    });
    agent.addMessage({ id: 't1', role: 'tool', toolCallId: 'call-1', content: '{"rain":true}' });
    const { newMessages } = await run(agent, { tools: [WEATHER] });
    expect(textsOf(newMessages)).toEqual([['assistant', 'Rain.']]);
    expect(heard('Weather?').messages.at(-1)).toMatchObject({
      ...{ role: 'tool', tool_call_id: 'call-1', content: '{"rain":true}' },
    });
    const { messages } = await historyOf(agent.threadId);
    expect(messages.map(({ role }: any) => role)).toEqual([
      ...['user', 'reasoning', 'assistant', 'tool', 'assistant'],
    ]);
    expect(messages[2].toolCalls).toEqual((agent.messages[2] as any).toolCalls);
  });

  it('interrupts a run at a tool that wants it; the next run answers, and a replay waits for the same', async () => {
    const agent = agentOf(randomUUID());
    const pay = { tool: { id: 'call-2', name: 'pay', input: { sum: 3 } } };
    answer('Pay.', { turn: [pay] }, { tokens: ['Paid.'] });
    say(agent, 'Pay.');
    const { last } = await run(agent, { tools: [APPROVED] });
    const interrupts = [
      { id: 'call-2', toolCallId: 'call-2', reason: 'tool_call', message: 'May I pay?' },
    ];
    expect(last.outcome).toEqual({ type: 'interrupt', interrupts });
    const replay = await run(agentOf(agent.threadId, '/connect'));
    expect(replay.last.outcome).toEqual({ type: 'interrupt', interrupts });
    const resume = buildResumeArray(agent.pendingInterrupts, {
      'call-2': { status: 'resolved', payload: { approved: true } },
    });
    const { newMessages, events } = await run(agent, { tools: [APPROVED], resume });
    expect(typesOf(events)).toContain('TOOL_CALL_RESULT');
    expect(textsOf(newMessages)).toEqual([
      ['tool', '{"approved":true}'],
      ['assistant', 'Paid.'],
    ]);
    expect(heard('Pay.').messages.at(-1)).toMatchObject({
      ...{ role: 'tool', content: '{"approved":true}' },
    });
    const replayed = agentOf(agent.threadId, '/connect');
    expect((await run(replayed)).last.outcome).toEqual({ type: 'success' });
    expect(replayed.messages.map(({ role }) => role)).toEqual([
      ...['user', 'assistant', 'tool', 'assistant'],
    ]);
    // What it replayed is known by its ids: it may go on with it.
    const goesOn = agentOf(agent.threadId);
    goesOn.setMessages(replayed.messages);
    answer('Thanks.', { tokens: ['Welcome.'] });
    say(goesOn, 'Thanks.');
    await run(goesOn);
    const { body } = await ann.get(`/chats/${(await historyOf(agent.threadId)).chatId}`);
    expect(body.message_count).toBe(3);
  });

  it('replays an answer that is being written from its beginning; stop ends it as cancelled', async () => {
    const agent = agentOf(randomUUID());
    answer('Stop me.', { tokens: ['kept', ' more', ' never'], gateAfter: 2 });
    say(agent, 'Stop me.');
    const begun = agent.runAgent({}, { onTextMessageContentEvent: () => agent.abortRun() });
    await begun.catch(() => undefined);
    const events: Told[] = [];
    const following = agentOf(agent.threadId, '/connect');
    await following.runAgent(
      {},
      {
        onEvent: ({ event }) => void events.push(event as Told),
        onTextMessageContentEvent: async ({ textMessageBuffer, event }) => {
          if (!`${textMessageBuffer}${event.delta}`.startsWith('kept more')) return;
          const path = `/agui/threads/${agent.threadId}/stop`;
          expect((await ann.request('POST', path)).status).toBe(200);
        },
      },
    );
    expect(events.at(-1)).toMatchObject({ type: 'RUN_FINISHED', outcome: { type: 'cancelled' } });
    expect(textsOf(following.messages)).toEqual([
      ['user', 'Stop me.'],
      ['assistant', 'kept more'],
    ]);
  });

  it('says that a run failed; the same run again tries that answer in its place', async () => {
    const agent = agentOf(randomUUID());
    answer('Fail.', { status: 500 }, { tokens: ['Well.'] });
    say(agent, 'Fail.');
    const { last } = await run(agent);
    expect(last).toMatchObject({ type: 'RUN_ERROR', code: expect.any(String) });
    await run(agent);
    expect(textsOf(agent.messages)).toEqual([
      ['user', 'Fail.'],
      ['assistant', 'Well.'],
    ]);
    const { chatId } = await historyOf(agent.threadId);
    const { body } = await ann.get(`/chats/${chatId}/branches`);
    expect(body.total).toBe(1);
  });

  it('keeps state, pictures, names, metadata and what else a page says, and tells context to the model', async () => {
    const { id } = await ann.aChat(0, { system_prompt: 'Be brief.' });
    const agent = agentOf(id);
    agent.setState({ step: 1, big: 1 });
    answer('What is it?', { tokens: ['A dot.'] });
    agent.addMessage({
      ...{ id: 'm1', role: 'user', name: 'Ann', metadata: { mood: 'gay' } },
      content: [
        { type: 'text', text: 'What is it?' },
        {
          ...{ type: 'image', source: { type: 'data', value: PNG, mimeType: 'image/png' } },
          metadata: { filename: 'dot.png', width: 1 },
        },
      ],
    } as Message);
    await run(agent, {
      context: [{ description: 'The page', value: 'shows a dot' }],
      forwardedProps: { theme: 'dark' },
    });
    const [system, user] = heard('What is it?').messages;
    expect(system).toMatchObject({
      role: 'system',
      content: 'Be brief.\n\nThe page:\nshows a dot',
    });
    expect(JSON.stringify(user.content)).toContain(PNG);
    const { messages, state, chatId } = await historyOf(id);
    expect(state).toEqual({ step: 1, big: 1 });
    expect(messages[0]).toMatchObject({
      ...{ name: 'Ann', metadata: { mood: 'gay' } },
      content: [
        { type: 'text', text: 'What is it?' },
        { type: 'image', source: { value: PNG }, metadata: { filename: 'dot.png', width: 1 } },
      ],
    });
    const replayed = agentOf(id, '/connect');
    await run(replayed);
    expect(replayed.state).toEqual({ step: 1, big: 1 });
    const [pair] = (await ann.get(`/chats/${chatId}/messages`)).body.qa_pairs;
    expect(pair.settings.metadata).toEqual({ forwardedProps: '{"theme":"dark"}' });
    expect(pair.author).toBe('Ann');
    // An empty state takes the place of another one.
    agent.setState({});
    answer('Next.', { tokens: ['Yes.'] });
    say(agent, 'Next.');
    await run(agent);
    expect((await historyOf(id)).state).toEqual({});
  });

  it('keeps each digit of a state, and fields that it does not know', async () => {
    const threadId = randomUUID();
    answer('Digits?', { tokens: ['Yes.'] });
    const { status } = await ann.request('POST', '/agui', {
      raw: `{"threadId":"${threadId}","runId":"r","messages":[{"id":"a","role":"user","content":"Digits?","mood":"gay"}],"state":{"id":1546130668394913822},"color":"red"}`,
    });
    expect(status).toBe(200);
    const { text } = await ann.request('GET', `/agui/threads/${threadId}/messages`);
    expect(text).toContain('"state":{"id":1546130668394913822}');
    expect(text).toContain('"mood":"gay"');
  });

  it('lists the threads by the names that the client gave, and pages of their messages', async () => {
    const bob = await TestClient.register(server.url);
    const agent = agentOf('by my name', '', bob);
    for (const question of ['1', '2', '3']) {
      answer(question, { tokens: [`no. ${question}`] });
      say(agent, question);
      await run(agent);
    }
    const { body } = await bob.request('GET', '/agui/threads?limit=1');
    expect(body).toMatchObject({
      threads: [{ id: 'by my name', archived: false }],
      nextCursor: null,
    });
    const path = '/agui/threads/by%20my%20name/messages?limit=2';
    const newest = (await bob.request('GET', path)).body;
    const oldest = (await bob.request('GET', `${path}&before=${newest.previousCursor}`)).body;
    expect(textsOf([...oldest.messages, ...newest.messages]).map(([, text]: any) => text)).toEqual([
      ...['1', 'no. 1', '2', 'no. 2', '3', 'no. 3'],
    ]);
    expect(oldest.previousCursor).toBeNull();
  });

  it('knows nobody’s thread but one’s own: a replay of it is empty, its history is not found', async () => {
    const { id } = await ann.aChat();
    const bob = await TestClient.register(server.url);
    const agent = agentOf(id, '/connect', bob);
    await run(agent);
    expect(agent.messages).toEqual([]);
    for (const thread of [id, randomUUID()]) {
      const { status, body } = await bob.request('GET', `/agui/threads/${thread}/messages`);
      expect([status, body.code]).toEqual([404, 'chat_not_found']);
    }
    const elsewhere = agentOf(randomUUID(), '', bob);
    elsewhere.setMessages([
      { id: randomUUID(), role: 'assistant', content: 'nobody said this' },
      { id: 'm', role: 'user', content: 'And?' },
    ]);
    await expect(run(elsewhere)).rejects.toThrow(/404/);
  });

  it.each([
    ['no message of a person', { messages: [] }, 'messages'],
    ['blank words', { messages: [{ id: 'a', role: 'user', content: ' ' }] }, 'messages.0.content'],
    ['an unknown role', { messages: [{ id: 'a', role: 'bard', content: 'x' }] }, 'messages.0.role'],
    [
      'a result of no call',
      { messages: [{ id: 'a', role: 'tool', toolCallId: 'x', content: 'y' }] },
      'question_parts.0.call_id',
    ],
    [
      'a picture that is none',
      {
        messages: [
          {
            ...{ id: 'a', role: 'user' },
            content: [{ type: 'image', source: { type: 'data', value: '!', mimeType: 'x/y' } }],
          },
        ],
      },
      'messages.0.content.0.url',
    ],
    ['a field that a tool has not', { tools: [{ name: 'a', colour: 1 }] }, 'tools.0.colour'],
    ['a run without a thread', { threadId: undefined }, 'threadId'],
    ['a model that is no name', { forwardedProps: { model: 3 } }, 'forwardedProps.model'],
  ])('refuses %s by name', async (_what, fields, path) => {
    const body = {
      ...{ threadId: randomUUID(), runId: 'r' },
      messages: [{ id: 'a', role: 'user', content: 'Hello?' }],
      ...fields,
    };
    const { status, body: problem } = await ann.request('POST', '/agui', { body });
    expect([status, problem.errors?.[0]?.path]).toEqual([422, path]);
  });
});
