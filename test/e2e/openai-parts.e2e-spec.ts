import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import OpenAI6 from 'openai6';
import OpenAI7 from 'openai';
import { startTestApp, type TestApp, withClient } from '../support/app.js';
import { type Answer, TestClient } from '../support/client.js';
import { FakeProvider } from '../support/fake-provider.js';

/** The packages as people install them. Version 7 is the shape that both share here. */
const CLIENTS: [string, typeof OpenAI7][] = [
  ['openai 6', OpenAI6 as unknown as typeof OpenAI7],
  ['openai 7', OpenAI7],
];
const PIXEL =
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==';
const PICTURE = `data:image/png;base64,${PIXEL}`;
const NOBODYS = '00000000-0000-7000-8000-000000000000';
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

const respond = (body: object, path = ''): Promise<Answer> =>
  ann.request('POST', `/v1/responses${path}`, {
    body: { model: 'fake-1', input: 'Why?', ...body },
  });
const complete = (body: object, headers: Record<string, string> = {}): Promise<Answer> =>
  ann.request('POST', '/v1/chat/completions', {
    body: { model: 'fake-1', messages: [user('Why?')], ...body },
    headers,
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

describe('responses', () => {
  it('of a tool that cannot run here are refused by its name (O1)', async () => {
    for (const type of ['web_search', 'file_search', 'mcp', 'computer_use_preview', 'custom']) {
      const { status, body } = await respond({ tools: [{ type }] });
      expect([status, body.error.param, body.error.message]).toEqual([
        400,
        'tools',
        expect.stringContaining(type),
      ]);
    }
    expect(provider.asked).toHaveLength(0);
  });

  it('of a model that fails before its first word are an error that names the question (O5)', async () => {
    provider.next({ status: 500 }, { status: 429 });
    const failed = await respond({});
    expect([failed.status, failed.body.error.type, failed.body.error.code]).toEqual([
      ...[502, 'server_error', 'model_failed'],
    ]);
    expect(failed.headers.get('x-should-retry')).toBe('false');
    const id = failed.headers.get('x-response-id')!;
    expect((await ann.request('GET', `/v1/responses/${id}`)).body).toMatchObject({
      ...{ id, status: 'failed', error: { code: expect.any(String) } },
    });
    expect((await respond({})).body.error).toMatchObject({ type: 'rate_limit_error' });
  });

  it('have instructions of their own alone (O6)', async () => {
    const { body: first } = await respond({ instructions: 'Be brief.' });
    expect([first.instructions, told()[0]]).toEqual([
      'Be brief.',
      { role: 'system', content: 'Be brief.' },
    ]);
    const { body: second } = await respond({ previous_response_id: first.id });
    expect([second.instructions, told()[0].role]).toEqual([null, 'user']);
    expect((await ann.request('GET', `/v1/responses/${first.id}`)).body.instructions).toBe(
      'Be brief.',
    );
  });

  it('keep what systems say in its place, for all that follows (O7)', async () => {
    const { body: first } = await respond({ input: 'q1' });
    const { body: second } = await respond({
      previous_response_id: first.id,
      input: [{ role: 'system', content: 'Answer in French' }, user('q2')],
    });
    const { body: third } = await respond({ previous_response_id: second.id, input: 'q3' });
    expect(JSON.stringify(told())).toContain('Answer in French');
    const items = await ann.request('GET', `/v1/responses/${third.id}/input_items?order=asc`);
    expect(items.body.data.map(({ role, content }: any) => [role, content[0].text])).toEqual([
      ['user', 'q1'],
      ['assistant', HELLO],
      ['system', 'Answer in French'],
      ['user', 'q2'],
      ['assistant', HELLO],
      ['user', 'q3'],
    ]);
  });

  it('pass on and tell again how they were asked for (O8, O12)', async () => {
    const asked = {
      ...{ temperature: 0.3, max_output_tokens: 77, top_p: 0.9 },
      ...{ presence_penalty: 0.5, frequency_penalty: -0.5 },
    };
    const kept = {
      ...{ prompt_cache_key: 'k', safety_identifier: 's', user: 'u', max_tool_calls: 3 },
      ...{ truncation: 'auto', reasoning: { effort: 'low', summary: 'auto' } },
    };
    const { body } = await respond({ ...asked, ...kept, seed: 7 });
    expect(body).toMatchObject({ ...asked, ...kept });
    const { max_output_tokens: max_tokens, ...same } = asked;
    expect(provider.asked[0]!.body).toMatchObject({
      ...same,
      max_tokens,
      seed: 7,
      reasoning_effort: 'low',
    });
    expect((await ann.request('GET', `/v1/responses/${body.id}`)).body).toMatchObject({
      ...asked,
      ...kept,
    });
  });

  it('go on from nobody’s response with an error that clients recover from (O9)', async () => {
    for (const body of [{}, { stream: true }]) {
      const answer = await respond({ ...body, previous_response_id: `resp_${NOBODYS}` });
      expect([answer.status, answer.body.error]).toEqual([
        400,
        expect.objectContaining({
          code: 'previous_response_not_found',
          param: 'previous_response_id',
        }),
      ]);
    }
  });

  it('keep the texts of a message apart (O10)', async () => {
    const content = ['Translate to French:', 'good morning'].map((text) => ({
      type: 'input_text',
      text,
    }));
    const { body } = await respond({ input: [user(content)] });
    const [pair] = await pairsOf(body);
    expect([pair.question, pair.question_parts.length]).toEqual([
      'Translate to French:\ngood morning',
      2,
    ]);
    expect(JSON.stringify(told()[0].content)).toMatch(/French:("|\\n).*good morning/);
  });

  it.each([
    ['with ids', true],
    ['without ids', false],
  ])(
    'of a client that sends its whole history %s are one conversation (O11)',
    async (_, withIds) => {
      const before = await chats();
      const history: object[] = [];
      for (let n = 1; n <= 4; n++) {
        history.push(user(`question ${n} ${withIds}`));
        const { body } = await respond({ input: history });
        const [{ content, id }] = body.output;
        history.push(said(content, withIds ? { id, type: 'message' } : {}));
      }
      const after = await chats();
      expect([after.chats - before.chats, after.pairs - before.pairs]).toEqual([1, 4]);
      expect(told()).toHaveLength(7);
      const edited = [...history.slice(0, 2), user('otherwise')];
      const { body } = await respond({ input: edited });
      expect(await ann.questionsOf(branchOf(body))).toEqual([`question 1 ${withIds}`, 'otherwise']);
    },
  );

  it('end their stream so that everybody knows (O13), and say when they ended (O15)', async () => {
    const { text } = await respond({ stream: true });
    expect(text.endsWith('\n\ndata: [DONE]\n\n')).toBe(true);
    const { body } = await respond({});
    expect(Math.abs(body.completed_at - Date.now() / 1000)).toBeLessThan(60);
    const read = await ann.request('GET', `/v1/responses/${body.id}`);
    expect(read.body.completed_at).toBe(body.completed_at);
  });

  it('refuse to cut a history where they are told to (O14)', async () => {
    const { body: first } = await respond({ input: 'many words '.repeat(1500) });
    const more = { previous_response_id: first.id, input: 'many words '.repeat(1500) };
    const refused = await respond({ ...more, truncation: 'disabled' });
    expect([refused.status, refused.body.error.code]).toEqual([400, 'context_length_exceeded']);
    expect((await respond({ ...more, truncation: 'auto' })).status).toBe(200);
  });

  it('begin with the assistant, and have two of its messages in a row (O16)', async () => {
    const { status, body } = await respond({
      input: [
        said('Let me look.', { phase: 'commentary' }),
        said('It is 4.', { phase: 'final_answer' }),
        user('Sure?'),
      ],
    });
    expect([status, told().map(({ role }) => role)]).toEqual([200, ['assistant', 'user']]);
    const pairs = await pairsOf(body);
    expect(pairs.map(({ question, response }: any) => [question, response])).toEqual([
      [null, 'Let me look.'],
      [null, 'It is 4.'],
      ['Sure?', HELLO],
    ]);
    const items = await ann.request('GET', `/v1/responses/${body.id}/input_items?order=asc`);
    expect(items.body.data.map(({ phase }: any) => phase)).toEqual([
      'commentary',
      'final_answer',
      undefined,
    ]);
  });

  it.each<[string, object, string]>([
    ['a further field that no store can keep', { colour: 'a\0' }, 'colour'],
    [
      'a result for no call',
      { input: [{ type: 'function_call_output', call_id: 'x', output: 'y' }] },
      'input',
    ],
    [
      'a picture that is none',
      { input: [user([{ type: 'input_image', image_url: 'data:image/png;base64,aGFsbG8=' }])] },
      'input',
    ],
    [
      'base64 that is none',
      { input: [user([{ type: 'input_image', image_url: 'data:image/png;base64,%%%' }])] },
      'input',
    ],
    ['a file of nobody', { input: [user([{ type: 'input_file', file_id: NOBODYS }])] }, 'input'],
    ['a tool twice', { tools: [WEATHER, WEATHER] }, 'tools'],
    ['a name with a control character', { tools: [{ ...WEATHER, name: 'a\u0007' }] }, 'tools'],
    ['a choice of no tool', { tool_choice: { type: 'function', name: 'x' } }, 'tool_choice'],
    ['a form that is none', { text: { format: { type: 'xml' } } }, 'text'],
    ['odds of words', { top_logprobs: 3 }, 'top_logprobs'],
  ])('of %s are a 400 that names the field, and nothing is stored', async (_, body, param) => {
    const before = await chats();
    for (const store of [true, false]) {
      if (!store && param === 'input' && JSON.stringify(body).includes('file_id')) continue;
      if (!store && JSON.stringify(body).includes('aGFsbG8')) continue;
      const answer = await respond({ ...body, store });
      expect([answer.status, answer.body.error?.param]).toEqual([400, param]);
    }
    expect([await chats(), provider.asked.length]).toEqual([before, 0]);
  });
});

it('a field that nobody here knows is passed on, and kept where the question is', async () => {
  const further = { top_k: 7, provider_options: { deep: [1.5, null] } };
  const { body } = await respond(further);
  await respond({ ...further, store: false });
  await complete(further);
  const chat = await ann.aChat();
  await complete(further, { 'x-branch-id': chat.id });
  expect(provider.asked.map((asked) => asked.body)).toMatchObject(Array(4).fill(further));
  expect((await pairsOf(body))[0].settings.more).toEqual(further);
});
