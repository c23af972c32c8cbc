import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import OpenAI6 from 'openai6';
import OpenAI7 from 'openai';
import { startTestApp, type TestApp, withClient } from '../support/app.js';
import { TestClient } from '../support/client.js';
import { FakeProvider, words } from '../support/fake-provider.js';

/** The packages as people install them. Version 7 is the shape that both share here. */
const CLIENTS: [string, typeof OpenAI7][] = [
  ['openai 6', OpenAI6 as unknown as typeof OpenAI7],
  ['openai 7', OpenAI7],
];
const UUID = '[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}';
const SLOW = { tokens: words(60), delayMs: 20 };

let provider: FakeProvider;
let here: TestApp;
let there: TestApp;
let ann: TestClient;

beforeAll(async () => {
  provider = await FakeProvider.start();
  const models = [{ name: 'fake', base_url: provider.url, api_key: 'sk-fake', models: ['fake-1'] }];
  const settings = {
    LLM_PROVIDERS: JSON.stringify(models),
    SHUTDOWN_TIMEOUT_SECONDS: '0',
    ANSWERS_PER_ACCOUNT: '0',
  };
  here = await startTestApp('postgres', settings);
  there = await startTestApp('postgres', settings, here.databaseUrl);
  ann = await TestClient.register(here.url);
});
beforeEach(() => provider.reset());
afterAll(async () => {
  for (const { app } of [here, there]) app.getHttpServer().closeAllConnections();
  await Promise.all([here.close(), there.close()]);
  await provider.close();
});
const idOf = (name: string): string => new RegExp(UUID).exec(name)![0];
const branchOf = (response: any): string => response.metadata.branch_id;
const counts = () =>
  withClient(here.databaseUrl, async (client) => {
    const { rows } = await client.query(
      'SELECT (SELECT count(*)::int FROM chats) AS chats, (SELECT count(*)::int FROM messages) AS pairs',
    );
    return rows[0];
  });
const leavesOf = async (chatId: string): Promise<number> =>
  (await ann.get(`/chats/${chatId}/branches`)).body.total;

describe.each(CLIENTS)('the unmodified package %s', (_, OpenAI) => {
  const client = (options: { apiKey?: string; baseURL?: string; maxRetries?: number } = {}) =>
    new OpenAI({ apiKey: ann.token!, baseURL: `${here.url}/v1`, maxRetries: 0, ...options });
  const elsewhere = () => client({ baseURL: `${there.url}/v1` });

  it('asks in a new chat, and finds the pair there', async () => {
    provider.next({ tokens: ['Be', 'cause.'], usage: { prompt_tokens: 9, completion_tokens: 2 } });
    const response = await client().responses.create({
      model: 'fake-1',
      instructions: 'Be brief.',
      input: [
        { role: 'developer', content: 'And kind.' },
        { role: 'user', content: 'Who?' },
        {
          type: 'message',
          role: 'assistant',
          content: [{ type: 'output_text', text: 'Ada.', annotations: [] }],
        } as never,
        { role: 'user', content: [{ type: 'input_text', text: 'Why?' }] },
      ],
      metadata: { topic: 'x' },
      ...{ max_output_tokens: 50, temperature: 0.5, top_p: 0.9 },
    });
    const chatId = branchOf(response);
    expect(response).toMatchObject({
      id: expect.stringMatching(new RegExp(`^resp_${UUID}$`)),
      object: 'response',
      status: 'completed',
      output_text: 'Because.',
      output: [
        { type: 'message', id: `msg_${idOf(response.id)}`, role: 'assistant', status: 'completed' },
      ],
      usage: { input_tokens: 9, output_tokens: 2, total_tokens: 11 },
      metadata: { topic: 'x', branch_id: chatId },
      conversation: { id: `conv_${chatId}` },
      ...{ max_output_tokens: 50, temperature: 0.5, top_p: 0.9 },
    });
    const { messages } = provider.asked[0]!.body;
    expect(messages[0]).toMatchObject({ role: 'system', content: /^Be brief\./ });
    expect(messages.filter(({ role }: any) => role !== 'system')).toMatchObject([
      { role: 'user', content: 'Who?' },
      { role: 'assistant', content: 'Ada.' },
      { role: 'user', content: 'Why?' },
    ]);
    expect(provider.asked[0]!.body).toMatchObject({
      ...{ max_tokens: 50, temperature: 0.5, top_p: 0.9 },
    });
    const { body } = await ann.get(`/chats/${chatId}/messages`);
    expect(body.qa_pairs.map((pair: any) => [pair.question, pair.response, pair.status])).toEqual([
      ['Who?', 'Ada.', 'complete'],
      ['Why?', 'Because.', 'complete'],
    ]);
    expect(response.previous_response_id).toBe(`resp_${body.qa_pairs[0].response_id}`);
    expect((await ann.get(`/chats/${chatId}`)).body).toMatchObject({
      system_prompt: null,
      model: 'fake-1',
    });
    const again = await elsewhere().responses.retrieve(response.id);
    expect(again).toMatchObject({
      id: response.id,
      output_text: 'Because.',
      metadata: response.metadata,
      created_at: response.created_at,
    });
  });

  it('reads a stream whose events have OpenAI’s order and rising numbers', async () => {
    // So far apart that none is told together with the next, on a busy machine as well.
    provider.next({ tokens: ['Be', 'cause', '.'], delayMs: 100 });
    const stream = await client().responses.create({
      model: 'fake-1',
      input: 'Why?',
      stream: true,
    });
    const events: any[] = [];
    for await (const event of stream) events.push(event);
    expect(events.map(({ type }) => type)).toEqual([
      ...[
        'response.created',
        'response.in_progress',
        'response.output_item.added',
        'response.content_part.added',
      ],
      ...Array(3).fill('response.output_text.delta'),
      ...[
        'response.output_text.done',
        'response.content_part.done',
        'response.output_item.done',
        'response.completed',
      ],
    ]);
    const numbers = events.map(({ sequence_number: number }) => number);
    expect(numbers).toEqual([...new Set(numbers)].sort((a, b) => a - b));
    expect(numbers[0]).toBe(0);
    const { response } = events.at(-1);
    expect(events[0].response).toMatchObject({
      id: response.id,
      status: 'in_progress',
      output: [],
      created_at: response.created_at,
    });
    expect(await client().responses.retrieve(response.id)).toMatchObject({
      id: response.id,
      output_text: 'Because.',
      status: 'completed',
    });
  });

  it('reads a stream by its helper', async () => {
    provider.next({ tokens: ['Be', 'cause.'] });
    const final = await client()
      .responses.stream({ model: 'fake-1', input: 'Why?' })
      .finalResponse();
    expect(final).toMatchObject({ status: 'completed', output_text: 'Because.' });
  });

  it('goes on behind a response; a second time this makes a sibling branch', async () => {
    const first = await client().responses.create({ model: 'fake-1', input: 'one' });
    const next = (input: string) =>
      client().responses.create({ model: 'fake-1', input, previous_response_id: first.id });
    const [left, right, third] = [await next('left'), await next('right'), await next('third')];
    expect([left.previous_response_id, right.previous_response_id]).toEqual([first.id, first.id]);
    expect(branchOf(left)).toBe(branchOf(first));
    expect(new Set([left, right, third].map(branchOf)).size).toBe(3);
    expect(await leavesOf(branchOf(first))).toBe(3);
    expect(await ann.questionsOf(branchOf(right))).toEqual(['one', 'right']);
    expect(provider.asked[2]!.body.messages.map(({ content }: any) => content)).toEqual([
      'one',
      'Hello from the fake provider.',
      'right',
    ]);
    const deep = await client().responses.create({
      model: 'fake-1',
      input: 'deep',
      previous_response_id: right.id,
    });
    expect(await ann.questionsOf(branchOf(deep))).toEqual(['one', 'right', 'deep']);
    expect(right.conversation).toEqual(first.conversation);
  });

  it('resumes a stream in its middle on another instance, without a gap and without a double', async () => {
    provider.next(SLOW);
    const stream = await client().responses.create({
      model: 'fake-1',
      input: 'Why?',
      stream: true,
    });
    let text = '';
    let [id, last] = ['', -1];
    for await (const event of stream) {
      if (event.type === 'response.created') id = event.response.id;
      last = event.sequence_number;
      if (event.type === 'response.output_text.delta') text += event.delta;
      if (text.length > 20) break;
    }
    const rest = await elsewhere().responses.retrieve(id, { stream: true, starting_after: last });
    const events: any[] = [];
    for await (const event of rest) events.push(event);
    expect(events.every(({ sequence_number: number }) => number > last)).toBe(true);
    expect(
      text +
        events
          .map(({ type, delta }) => (type === 'response.output_text.delta' ? delta : ''))
          .join(''),
    ).toBe(words(60).join(''));
    expect(events.at(-1)).toMatchObject({
      type: 'response.completed',
      response: { id, status: 'completed' },
    });
    // Long after: the pieces are gone, and the rest behind a number is the same.
    const late: any[] = [];
    for await (const event of await elsewhere().responses.retrieve(id, {
      stream: true,
      starting_after: last,
    }))
      late.push(event);
    const textOf = (all: any[]): string =>
      all.map(({ type, delta }) => (type === 'response.output_text.delta' ? delta : '')).join('');
    expect(textOf(late)).toBe(textOf(events));
    expect(late.at(-1).sequence_number).toBe(events.at(-1).sequence_number);
    expect(await ann.questionsOf(branchOf(events.at(-1).response))).toEqual(['Why?']);
  });

  it('cancels an answer from another instance, and keeps what is there', async () => {
    provider.next(SLOW);
    const stream = await client().responses.create({
      model: 'fake-1',
      input: 'Why?',
      stream: true,
    });
    const events: any[] = [];
    let cancelled: Promise<any> | null = null;
    for await (const event of stream) {
      events.push(event);
      if (event.type === 'response.output_text.delta')
        cancelled ??= elsewhere().responses.cancel(events[0].response.id);
    }
    const response = await cancelled;
    expect(response).toMatchObject({ status: 'cancelled', output: [{ status: 'incomplete' }] });
    expect(words(60).join('')).toContain(response.output[0].content[0].text);
    expect(events.at(-1)).toMatchObject({
      type: 'response.incomplete',
      response: { status: 'cancelled' },
    });
    expect(await client().responses.cancel(response.id)).toMatchObject({ status: 'cancelled' });
  });

  it('goes on in the active branch of a conversation, or in the branch that it names', async () => {
    const first = await client().responses.create({ model: 'fake-1', input: 'one' });
    const root = branchOf(first);
    const branch = await ann.aBranch(root, idOf(first.id), { activate: true });
    const ask = (more: object) =>
      client().responses.create({ model: 'fake-1', input: 'next', ...more });
    expect(branchOf(await ask({ conversation: `conv_${root}` }))).toBe(branch);
    expect(branchOf(await ask({ conversation: { id: `conv_${root}:branch_${root}` } }))).toBe(root);
    expect(branchOf(await ask({ metadata: { branch_id: root } }))).toBe(root);
    expect(
      branchOf(
        await ask({ conversation: `conv_${root}`, metadata: { branch_id: `branch_${branch}` } }),
      ),
    ).toBe(branch);
    expect([await ann.questionsOf(root), await ann.questionsOf(branch)]).toEqual([
      ['one', 'next', 'next'],
      ['one', 'next', 'next'],
    ]);
  });

  it('lists what an answer was given', async () => {
    const first = await client().responses.create({ model: 'fake-1', input: 'one' });
    const second = await client().responses.create({
      model: 'fake-1',
      input: 'two',
      previous_response_id: first.id,
    });
    const seen: any[] = [];
    for await (const item of client().responses.inputItems.list(second.id, {
      limit: 1,
      order: 'asc',
    }))
      seen.push(item);
    expect(seen.map(({ id, role, content }) => [id, role, content[0].text])).toEqual([
      [`msg_q_${idOf(first.id)}`, 'user', 'one'],
      [`msg_${idOf(first.id)}`, 'assistant', 'Hello from the fake provider.'],
      [`msg_q_${idOf(second.id)}`, 'user', 'two'],
    ]);
    expect(
      (await client().responses.inputItems.list(second.id)).data.map(({ id }: any) => id),
    ).toEqual(seen.map(({ id }) => id).reverse());
  });

  it('throws what the error is', async () => {
    const bob = client({ apiKey: (await TestClient.register(here.url)).token! });
    const { id, conversation } = await client().responses.create({ model: 'fake-1', input: 'one' });
    const before = await counts();
    const failing: [Promise<unknown>, unknown, string][] = [
      [bob.responses.retrieve(id), OpenAI.NotFoundError, 'message_not_found'],
      [bob.responses.cancel(id), OpenAI.NotFoundError, 'message_not_found'],
      [bob.responses.delete(id), OpenAI.NotFoundError, 'message_not_found'],
      [
        bob.responses.create({ model: 'fake-1', input: 'x', previous_response_id: id }),
        OpenAI.BadRequestError,
        'previous_response_not_found',
      ],
      [
        bob.responses.create({ model: 'fake-1', input: 'x', conversation: conversation!.id }),
        OpenAI.NotFoundError,
        'chat_not_found',
      ],
      [client().responses.retrieve('resp_nothing'), OpenAI.BadRequestError, 'validation_failed'],
      [
        client().responses.create({ model: 'no such', input: 'x' }),
        OpenAI.NotFoundError,
        'model_not_found',
      ],
      [
        client({ apiKey: 'sk-nobody' }).responses.retrieve(id),
        OpenAI.AuthenticationError,
        'invalid_api_key',
      ],
    ];
    for (const [call, type, code] of failing) {
      const error = await call.catch((fault: unknown) => fault);
      expect(error).toBeInstanceOf(type);
      expect(error).toMatchObject({ code });
    }
    expect(await counts()).toEqual(before);
    expect(provider.asked).toHaveLength(1);
  });

  it('without store gets an answer, whole and as a stream, and nothing is kept', async () => {
    const before = await counts();
    const ask = { model: 'fake-1', input: 'Why?', store: false, metadata: { a: 'b' } } as const;
    const whole = await client().responses.create(ask);
    expect(whole).toMatchObject({
      status: 'completed',
      output_text: 'Hello from the fake provider.',
      store: false,
      metadata: { a: 'b' },
    });
    const streamed = await client().responses.stream(ask).finalResponse();
    expect(streamed.output_text).toBe(whole.output_text);
    expect(await counts()).toEqual(before);
    await expect(client().responses.retrieve(whole.id)).rejects.toBeInstanceOf(
      OpenAI.NotFoundError,
    );
  });

  it('completes a chat in a branch that a header names', async () => {
    const chat = await ann.aChat(1, { system_prompt: 'Be kind.' });
    const ask = (more: object = {}) =>
      client().chat.completions.create(
        {
          model: 'fake-1',
          messages: [
            { role: 'user', content: 'never stored' },
            { role: 'user', content: 'q2' },
          ],
          temperature: 0.5,
          ...more,
        },
        { headers: { 'X-Branch-Id': chat.id } },
      );
    const { id, choices } = await ask();
    expect(choices[0]!.message.content).toBe('Hello from the fake provider.');
    const { body } = await ann.get(`/chats/${chat.id}/messages`);
    expect([body.qa_pairs.map((pair: any) => pair.question), id]).toEqual([
      ['q1', 'q2'],
      `chatcmpl-${body.qa_pairs[1].response_id}`,
    ]);
    expect(provider.asked[0]!.body).toMatchObject({
      messages: ['Be kind.', 'q1', 'a1', 'q2'].map((content) => ({ content })),
      temperature: 0.5,
    });
    const stream: any = await ask({ stream: true, stream_options: { include_usage: true } });
    const chunks: any[] = [];
    for await (const chunk of stream) chunks.push(chunk);
    expect(chunks.map(({ choices: [choice] }) => choice?.delta.content ?? '').join('')).toBe(
      'Hello from the fake provider.',
    );
    expect(chunks.at(-1).usage).toMatchObject({ completion_tokens: 6 });
    provider.next({ status: 500 }, { status: 500 });
    await expect(
      client({ maxRetries: 2 }).chat.completions.create(
        { model: 'fake-1', messages: [{ role: 'user', content: 'bad' }] },
        { headers: { 'X-Branch-Id': chat.id } },
      ),
    ).rejects.toMatchObject({ status: 502, code: 'model_failed' });
    expect(await ann.questionsOf(chat.id)).toEqual(['q1', 'q2', 'q2', 'bad']);
    const failing: any = await ask({ stream: true });
    await expect(
      (async () => {
        for await (const chunk of failing) void chunk;
      })(),
    ).rejects.toMatchObject({ code: 'model_failed' });
  });
});
