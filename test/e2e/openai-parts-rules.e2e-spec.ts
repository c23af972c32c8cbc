import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { startTestApp, type TestApp, withClient } from '../support/app.js';
import { type Answer, TestClient } from '../support/client.js';
import { FakeProvider } from '../support/fake-provider.js';
const NOBODYS = '00000000-0000-7000-8000-000000000000';
const WEATHER = {
  type: 'function',
  name: 'weather',
  description: 'The weather of a city',
  parameters: { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] },
  strict: true,
} as const;
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
const told = (at = -1): any[] => provider.asked.at(at)!.body.messages;
const pairsOf = async (response: any): Promise<any[]> =>
  (await ann.get(`/chats/${branchOf(response)}/messages?limit=100`)).body.qa_pairs;
const chats = () =>
  withClient(server.databaseUrl, async (client) => {
    const { rows } = await client.query(
      'SELECT (SELECT count(*)::int FROM chats) AS chats, (SELECT count(*)::int FROM messages) AS pairs',
    );
    return rows[0];
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
