import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import OpenAI6 from 'openai6';
import OpenAI7 from 'openai';
import { startTestApp, type TestApp, withClient } from '../support/app.js';
import { TestClient } from '../support/client.js';
import { FakeProvider } from '../support/fake-provider.js';

/** The packages as people install them. Version 7 is the shape that both share here. */
const CLIENTS: [string, typeof OpenAI7][] = [
  ['openai 6', OpenAI6 as unknown as typeof OpenAI7],
  ['openai 7', OpenAI7],
];
const PIXEL =
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==';
const PICTURE = `data:image/png;base64,${PIXEL}`;
const WEATHER = {
  type: 'function',
  name: 'weather',
  description: 'The weather of a city',
  parameters: { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] },
  strict: true,
} as const;
const CALL = { tool: { id: 'call_1', name: 'weather', input: { city: 'Oslo' } } };
const HELLO = 'Hello from the fake provider.';

let provider: FakeProvider;
let server: TestApp;
let ann: TestClient;

beforeAll(async () => {
  provider = await FakeProvider.start();
  server = await startTestApp('postgres', provider.settings({ LLM_CONTEXT_TOKENS: '4096' }));
  ann = await TestClient.register(server.url);
});
beforeEach(() => provider.reset());
afterAll(async () => {
  server.app.getHttpServer().closeAllConnections();
  await server.close();
  await provider.close();
});
const user = (content: unknown) => ({ role: 'user', content });
const said = (content: unknown, more: object = {}) => ({ role: 'assistant', content, ...more });
const branchOf = (response: any): string => response.metadata.branch_id;
const idOf = (name: string): string => name.slice(name.indexOf('_') + 1);
const told = (at = -1): any[] => provider.asked.at(at)!.body.messages;
const pairsOf = async (response: any): Promise<any[]> =>
  (await ann.get(`/chats/${branchOf(response)}/messages?limit=100`)).body.qa_pairs;
const items = async (id: string): Promise<any[]> =>
  (await ann.request('GET', `/v1/conversations/${id}/items?order=asc`)).body.data;
const chats = () =>
  withClient(server.databaseUrl, async (client) => {
    const { rows } = await client.query(
      'SELECT (SELECT count(*)::int FROM chats) AS chats, (SELECT count(*)::int FROM messages) AS pairs',
    );
    return rows[0];
  });

describe.each(CLIENTS)('the unmodified package %s', (_, OpenAI) => {
  const client = () =>
    new OpenAI({ apiKey: ann.token!, baseURL: `${server.url}/v1`, maxRetries: 0 });

  it('has a function called and goes on with what it gave (O1)', async () => {
    provider.next({ turn: [CALL], finishReason: 'tool_calls' }, { tokens: ['Rain.'] });
    const first = await client().responses.create({
      model: 'fake-1',
      input: 'Weather in Oslo?',
      tools: [WEATHER],
      tool_choice: 'required',
      parallel_tool_calls: false,
    });
    expect(first).toMatchObject({
      status: 'completed',
      output: [
        {
          ...{ type: 'function_call', id: `fc_${idOf(first.id)}`, status: 'completed' },
          ...{ call_id: 'call_1', name: 'weather', arguments: '{"city":"Oslo"}' },
        },
      ],
      ...{ tools: [WEATHER], tool_choice: 'required', parallel_tool_calls: false },
    });
    const { type: _type, ...made } = WEATHER;
    expect(provider.asked[0]!.body).toMatchObject({
      tools: [{ type: 'function', function: made }],
      ...{ tool_choice: 'required', parallel_tool_calls: false },
    });
    const second = await client().responses.create({
      model: 'fake-1',
      previous_response_id: first.id,
      input: [{ type: 'function_call_output', call_id: 'call_1', output: '{"rain":true}' }],
      tools: [WEATHER],
    });
    expect(second.output_text).toBe('Rain.');
    expect(told().slice(1)).toMatchObject([
      { role: 'assistant', tool_calls: [{ id: 'call_1', function: { name: 'weather' } }] },
      { role: 'tool', tool_call_id: 'call_1', content: '{"rain":true}' },
    ]);
    const pairs = await pairsOf(second);
    expect(
      pairs.map(({ question_parts, response_parts }: any) => [question_parts, response_parts]),
    ).toMatchObject([
      [null, [{ type: 'tool_call', call_id: 'call_1', input: { city: 'Oslo' } }]],
      [[{ type: 'tool_result', call_id: 'call_1', output: '{"rain":true}' }], null],
    ]);
    const items: any[] = [];
    for await (const item of client().responses.inputItems.list(second.id, {
      order: 'asc',
      limit: 1,
    }))
      items.push(item.type);
    expect(items).toEqual(['message', 'function_call', 'function_call_output']);
  });

  it('streams a call as it grows, and thoughts before it', async () => {
    provider.next({
      turn: [{ reasoning: 'Hm. ' }, { reasoning: 'Rain?' }, CALL],
      finishReason: 'tool_calls',
    });
    const stream = await client().responses.create({
      ...{ model: 'fake-1', input: 'Weather in Oslo?', tools: [WEATHER], stream: true },
    });
    const events: any[] = [];
    for await (const event of stream) events.push(event);
    const types = events.map(({ type }) => type);
    expect([...new Set(types)]).toEqual([
      ...['response.created', 'response.in_progress', 'response.output_item.added'],
      ...['response.content_part.added', 'response.reasoning_text.delta'],
      ...['response.reasoning_text.done', 'response.content_part.done'],
      ...['response.output_item.done', 'response.function_call_arguments.delta'],
      ...['response.function_call_arguments.done', 'response.completed'],
    ]);
    const { response } = events.at(-1);
    expect(response.output).toMatchObject([
      { type: 'reasoning', content: [{ type: 'reasoning_text', text: 'Hm. Rain?' }] },
      { type: 'function_call', call_id: 'call_1', arguments: '{"city":"Oslo"}' },
    ]);
    const done = events.filter(({ type }) => type === 'response.output_item.done');
    expect(done.map(({ item }) => item)).toEqual(response.output);
    expect(await client().responses.retrieve(response.id)).toMatchObject({
      output: response.output,
      tools: [WEATHER],
    });
    const again: any[] = [];
    for await (const event of await client().responses.retrieve(response.id, {
      ...{ stream: true, starting_after: events[5].sequence_number },
    }))
      again.push(event.type);
    expect(again.filter((type) => !type.endsWith('delta'))).toEqual(
      types.slice(6).filter((type) => !type.endsWith('delta')),
    );
  });

  it('goes on from an item that it names in the place of what it says (O2)', async () => {
    const first = await client().responses.create({ model: 'fake-1', input: 'one' });
    const second = await client().responses.create({
      model: 'fake-1',
      input: [
        user('one') as never,
        { type: 'item_reference', id: first.output[0]!.id! },
        user('two') as never,
      ],
    });
    expect(told().map(({ content }) => content)).toEqual(['one', HELLO, 'two']);
    expect(second.previous_response_id).toBe(first.id);
    expect(await ann.questionsOf(branchOf(second))).toEqual(['one', 'two']);
    const apart = await client().responses.create({
      model: 'fake-1',
      store: false,
      input: [{ type: 'item_reference', id: first.output[0]!.id! }, user('two') as never],
    });
    expect([apart.status, told().map(({ content }) => content)]).toEqual([
      'completed',
      [HELLO, 'two'],
    ]);
  });

  it('brings the answer to a question that it stored before (O3)', async () => {
    const { id } = await client().conversations.create({ items: [user('one') as never] });
    const added = await client().conversations.items.create(id, { items: [said('eins') as never] });
    expect(added.data).toMatchObject([{ role: 'assistant', content: [{ text: 'eins' }] }]);
    const { body } = await ann.get(`/chats/${idOf(id)}/messages`);
    expect(body.qa_pairs).toMatchObject([
      { question: 'one', response: 'eins', status: 'complete', version: 2 },
    ]);
    await client().conversations.items.create(id, { items: [said('and more') as never] });
    const texts: string[] = [];
    for await (const item of client().conversations.items.list(id, { order: 'asc', limit: 2 }))
      texts.push((item as any).content[0].text);
    expect(texts).toEqual(['one', 'eins', 'and more']);
  });

  it('saves again what it was answered, and has it once', async () => {
    const { id: conversation } = await client().conversations.create({});
    const model = 'fake-1';
    const answer = await client().responses.create({ model, input: 'one', conversation });
    const { id } = answer.output.at(-1)!;
    const again = [user('one'), { ...said(answer.output_text), id }] as never;
    const { data } = await client().conversations.items.create(conversation, { items: again });
    const texts = (await items(conversation)).map((item: any) => item.content[0].text);
    expect([texts, data.at(-1)!.id]).toEqual([['one', answer.output_text], id]);
  });

  it('takes the newest item out again, one by one', async () => {
    const { id } = await client().conversations.create({
      items: [user('one'), said('eins'), user('two'), said('a secret')] as never,
    });
    const branch = await ann.aBranch(idOf(id), (await items(id))[3].id.slice(4));
    const left: string[][] = [];
    for (let n = 0; n < 3; n++) {
      const [newest] = (await items(id)).reverse();
      await client().conversations.items.delete(newest.id, { conversation_id: id });
      left.push((await items(id)).map(({ content }) => content[0].text));
    }
    expect(left).toEqual([['one', 'eins', 'two'], ['one', 'eins'], ['one']]);
    expect(await ann.questionsOf(branch)).toEqual(['one', null]);
    const { body } = await ann.get(`/chats/${idOf(id)}/messages`);
    expect(body.qa_pairs.map(({ status, version }: any) => [status, version])).toEqual([
      ['complete', 2],
      ['redacted', 3],
    ]);
    const [gone] = await items(id);
    await client().conversations.items.delete(gone.id, { conversation_id: id });
    await expect(
      client().conversations.items.delete(gone.id, { conversation_id: id }),
    ).rejects.toBeInstanceOf(OpenAI.NotFoundError);
  });

  it('deletes a response, and finds nothing of it any more', async () => {
    const { id } = await client().responses.create({ model: 'fake-1', input: 'a secret' });
    await client().responses.delete(id);
    await expect(client().responses.retrieve(id)).rejects.toBeInstanceOf(OpenAI.NotFoundError);
    await expect(client().responses.delete(id)).rejects.toBeInstanceOf(OpenAI.NotFoundError);
  });

  it('sends a picture and asks for JSON (O17)', async () => {
    provider.next({ tokens: ['{"colour":"red"}'] });
    const schema = { type: 'object', properties: { colour: { type: 'string' } } };
    const format = { type: 'json_schema', name: 'colours', schema, strict: true } as const;
    const response = await client().responses.create({
      model: 'fake-1',
      input: [
        {
          role: 'user',
          content: [
            { type: 'input_text', text: 'Which colour?' },
            { type: 'input_image', image_url: PICTURE, detail: 'low' },
          ],
        },
      ],
      text: { format },
    });
    expect(response.text).toEqual({ format });
    expect(provider.asked[0]!.body.response_format).toEqual({
      type: 'json_schema',
      json_schema: { name: 'colours', schema, strict: true },
    });
    expect(told()[0].content).toMatchObject([
      { type: 'text', text: 'Which colour?' },
      { type: 'image_url', image_url: { url: PICTURE } },
    ]);
    const [pair] = await pairsOf(response);
    expect(pair.question_parts[1]).toMatchObject({
      ...{ type: 'file', media_type: 'image/png', detail: 'low', file_id: expect.any(String) },
      bytes: Buffer.from(PIXEL, 'base64').length,
    });
    const next = await client().responses.create({
      ...{ model: 'fake-1', input: 'Sure?', previous_response_id: response.id },
    });
    expect(next.status).toBe('completed');
    expect(told()[0].content[1].image_url.url).toBe(PICTURE);
  });

  it('passes everything through completions', async () => {
    provider.next({ turn: [{ reasoning: 'Hm.' }, CALL], finishReason: 'tool_calls' });
    const { type: _type, ...made } = WEATHER;
    const tool = { type: 'function', function: made } as const;
    const asked = {
      ...{ model: 'fake-1', tools: [tool], tool_choice: 'auto', seed: 7, user: 'ann' },
      ...{ presence_penalty: 0.5, frequency_penalty: -0.5, reasoning_effort: 'low' },
      messages: [{ role: 'user', content: [{ type: 'image_url', image_url: { url: PICTURE } }] }],
    } as const;
    const first = await client().chat.completions.create(asked as never);
    const [choice] = (first as any).choices;
    expect(choice).toMatchObject({
      finish_reason: 'tool_calls',
      message: {
        ...{ content: null, reasoning_content: 'Hm.' },
        tool_calls: [
          {
            id: 'call_1',
            type: 'function',
            function: { name: 'weather', arguments: '{"city":"Oslo"}' },
          },
        ],
      },
    });
    expect(provider.asked[0]!.body).toMatchObject(asked);
    await client().chat.completions.create({
      model: 'fake-1',
      messages: [
        user('Weather?') as never,
        choice.message,
        { role: 'tool', tool_call_id: 'call_1', content: 'rain' },
      ],
    });
    expect(told().slice(1)).toMatchObject([
      { role: 'assistant', tool_calls: [{ id: 'call_1' }] },
      { role: 'tool', tool_call_id: 'call_1', content: 'rain' },
    ]);
    provider.next({ turn: [CALL], finishReason: 'tool_calls' });
    const whole = await client()
      .chat.completions.stream({ model: 'fake-1', tools: [tool], messages: [user('?') as never] })
      .finalChatCompletion();
    expect(whole.choices[0]!.message.tool_calls).toMatchObject([
      { id: 'call_1', function: { name: 'weather', arguments: '{"city":"Oslo"}' } },
    ]);
  });

  it('completes with tools in a branch', async () => {
    const chat = await ann.aChat(1);
    const headers = { 'X-Branch-Id': chat.id };
    const { type: _type, ...made } = WEATHER;
    const tools = [{ type: 'function', function: made }] as const;
    provider.next({ turn: [CALL], finishReason: 'tool_calls' });
    const first: any = await client().chat.completions.create(
      { model: 'fake-1', tools: [...tools], messages: [user('Weather?') as never] },
      { headers },
    );
    expect(first.choices[0]).toMatchObject({
      finish_reason: 'tool_calls',
      message: { content: null },
    });
    const second = await client().chat.completions.create(
      {
        model: 'fake-1',
        messages: [
          user('Weather?') as never,
          first.choices[0].message,
          { role: 'tool', tool_call_id: 'call_1', content: 'rain' },
        ],
      },
      { headers },
    );
    expect(second.choices[0]!.message.content).toBe(HELLO);
    expect(told().map(({ role }) => role)).toEqual([
      'user',
      'assistant',
      'user',
      'assistant',
      'tool',
    ]);
  });

  it('has an answer in the background, and cancels without a body (O4)', async () => {
    provider.next({ gateAfter: 1 });
    const begun = await client().responses.create({
      model: 'fake-1',
      input: '?',
      background: true,
    });
    expect(begun).toMatchObject({ status: 'in_progress', background: true, output: [] });
    provider.release();
    let read = begun;
    while (read.status === 'in_progress') read = await client().responses.retrieve(begun.id);
    expect(read).toMatchObject({ status: 'completed', background: true, output_text: HELLO });
    const cancelled = await ann.request('POST', `/v1/responses/${begun.id}/cancel`, {
      raw: '',
      headers: { 'content-type': 'application/json' },
    });
    expect([cancelled.status, cancelled.body.status]).toEqual([200, 'completed']);
  });

  it('counts what would be read, and makes a conversation short', async () => {
    const first = await client().responses.create({ model: 'fake-1', input: 'one two three' });
    const count = async (body: object): Promise<number> =>
      (await (client() as any).responses.inputTokens.count({ model: 'fake-1', ...body }))
        .input_tokens;
    const alone = await count({ input: 'four' });
    expect(await count({ input: 'four', previous_response_id: first.id })).toBeGreaterThan(
      alone + 8,
    );
    expect(await count({ input: 'four', tools: [WEATHER] })).toBeGreaterThan(alone + 20);
    provider.next({ tokens: ['They counted.'] });
    const before = await chats();
    const short = await (client() as any).responses.compact({
      model: 'fake-1',
      previous_response_id: first.id,
    });
    expect(short).toMatchObject({
      object: 'response.compaction',
      output: [{ type: 'message', role: 'user' }, { type: 'compaction' }],
      usage: { total_tokens: expect.any(Number) },
    });
    expect(await chats()).toEqual(before);
    await client().responses.create({ model: 'fake-1', input: [...short.output, user('next')] });
    expect(JSON.stringify(told())).toContain('They counted.');
    expect(told().at(-1).content).toContain('next');
  });
});
