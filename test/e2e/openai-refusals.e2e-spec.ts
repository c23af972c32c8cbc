import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { startTestApp, type TestApp, withClient } from '../support/app.js';
import { type Answer, TestClient } from '../support/client.js';
import { callAs, operations } from '../support/contract.js';
import { FakeProvider, words } from '../support/fake-provider.js';
import { aForm } from '../support/forms.js';

const NOBODYS = '00000000-0000-7000-8000-000000000000';

let provider: FakeProvider;
let here: TestApp;
let ann: TestClient;

beforeAll(async () => {
  provider = await FakeProvider.start();
  here = await startTestApp('postgres', provider.settings());
  ann = await TestClient.register(here.url);
});
beforeEach(() => provider.reset());
afterAll(async () => {
  await here.close();
  await provider.close();
});

const respond = (body: object): Promise<Answer> =>
  ann.request('POST', '/v1/responses', { body: { model: 'fake-1', input: 'Why?', ...body } });
const counts = () =>
  withClient(here.databaseUrl, async (client) => {
    const { rows } = await client.query(
      'SELECT (SELECT count(*)::int FROM chats) AS chats, (SELECT count(*)::int FROM messages) AS pairs',
    );
    return rows[0];
  });

describe('a response that cannot be made', () => {
  const user = (content: unknown) => [{ role: 'user', content }];
  it.each<[string, object, string]>([
    ['no input', { input: undefined }, 'input'],
    ['a blank input', { input: ' ' }, 'input'],
    ['a format that is a list (S12)', { text: [null, null] }, 'text'],
    ['an empty list', { input: [] }, 'input'],
    ['an item that is none', { input: ['x'] }, 'input'],
    ['an unknown role', { input: [{ role: 'pope', content: 'x' }] }, 'input'],
    ['a call without an id', { input: [{ type: 'function_call', name: 'f' }] }, 'input'],
    [
      'a type that is no text',
      { input: [{ type: { toString: 1 }, role: 'user', content: 'x' }] },
      'input',
    ],
    ['no picture', { input: user([{ type: 'input_image', image_url: 'x' }]) }, 'input'],
    ['what nobody reads', { input: [{ role: 'user', content: 'x', colour: 1 }] }, 'input'],
    ['a part without text', { input: user([{ type: 'input_text' }]) }, 'input'],
    ['a question that is too long', { input: 'x'.repeat(131_073) }, 'input'],
    [
      'no question at the end',
      { input: [...user('x'), { role: 'assistant', content: 'y' }] },
      'input',
    ],
    ['instructions that are no text', { instructions: 7 }, 'instructions'],
    ['instructions that are too long', { instructions: 'x'.repeat(33_000) }, 'instructions'],
    ['a malformed previous response', { previous_response_id: 'resp_1' }, 'previous_response_id'],
    ['a malformed conversation', { conversation: 'conv_1' }, 'conversation'],
    ['a conversation without id', { conversation: {} }, 'conversation'],
    [
      'both',
      {
        conversation: `conv_${NOBODYS}`,
        previous_response_id: `resp_${NOBODYS}`,
      },
      'previous_response_id',
    ],
    ['a stream of nothing', { stream: 'yes' }, 'stream'],
    ['a store that is none', { store: 'no' }, 'store'],
    ['metadata that is none', { metadata: [] }, 'metadata'],
    ['metadata of numbers', { metadata: { a: 1 } }, 'metadata'],
    [
      'too much metadata',
      { metadata: Object.fromEntries(words(17).map((key) => [key, 'x'])) },
      'metadata',
    ],
    ['a key that stores cannot keep', { metadata: { 'a.b': 'x' } }, 'metadata'],
    ['a branch that is none', { metadata: { branch_id: 'x' } }, 'metadata'],
    ['no room', { max_output_tokens: 0 }, 'max_output_tokens'],
    ['too much heat', { temperature: 3 }, 'temperature'],
    ['a share above all', { top_p: 2 }, 'top_p'],
    ['a tool that must be used', { tool_choice: 'required' }, 'tool_choice'],
    ['a tool of colour', { tools: [{ type: 'function', name: 'f', colour: 1 }] }, 'tools'],
    ['a form of colour', { text: { format: { type: 'text', colour: 1 } } }, 'text'],
    ['a form', { text: { format: { type: 'json_schema' } } }, 'text'],
    ['the background of nothing', { background: true, store: false }, 'background'],
    ['a template', { prompt: { id: 'x' } }, 'prompt'],
    ['a truncation', { truncation: 'x' }, 'truncation'],
    ['a model that is no text', { model: 7 }, 'model'],
    ['U+0000', { input: 'a\0b' }, 'input'],
    [
      'a context that is not kept',
      { store: false, previous_response_id: `resp_${NOBODYS}` },
      'previous_response_id',
    ],
  ])('for %s is a 400 that names the field, and nothing is stored', async (_, body, param) => {
    const before = await counts();
    const answer = await respond(body);
    expect([answer.status, answer.body.error.param, answer.headers.get('x-should-retry')]).toEqual([
      400,
      param,
      'false',
    ]);
    expect(await counts()).toEqual(before);
    expect(provider.asked).toHaveLength(0);
  });

  it('in a branch of a header is refused too', async () => {
    const chat = await ann.aChat();
    const bob = await TestClient.register(here.url);
    const complete = (
      branch: string,
      messages: unknown = [{ role: 'user', content: 'x' }],
      client = ann,
    ) =>
      client.request('POST', '/v1/chat/completions', {
        body: { model: 'fake-1', messages },
        headers: { 'x-branch-id': branch },
      });
    expect(await complete('x')).toMatchObject({
      status: 400,
      body: { error: { param: 'X-Branch-Id' } },
    });
    expect(await complete(chat.id, [{ role: 'assistant', content: 'x' }])).toMatchObject({
      status: 400,
      body: { error: { param: 'messages' } },
    });
    expect((await complete(chat.id, undefined, bob)).body).toEqual((await complete(NOBODYS)).body);
    expect(await ann.questionsOf(chat.id)).toEqual([]);
  });

  it('asks for a number that is none in a read', async () => {
    const { body } = await respond({});
    const answer = await ann.request(
      'GET',
      `/v1/responses/${body.id}?stream=true&starting_after=x`,
    );
    expect([answer.status, answer.body.error.param]).toEqual([400, 'starting_after']);
  });
});

const user = (content: unknown) => ({ role: 'user', content });
const complete = (body: object): Promise<Answer> =>
  ann.request('POST', '/v1/chat/completions', {
    body: { model: 'fake-1', messages: [user('Why?')], ...body },
  });

describe('completions', () => {
  it('have their headers before the provider says a word, and a failure in the stream (A9)', async () => {
    provider.next({ gateAfter: 0, errorAfter: 0 });
    const answer = await fetch(`${here.url}/v1/chat/completions`, {
      method: 'POST',
      headers: { authorization: `Bearer ${ann.token}`, 'content-type': 'application/json' },
      body: JSON.stringify({ model: 'fake-1', messages: [user('Why?')], stream: true }),
    });
    expect(answer.status).toBe(200);
    const reader = answer.body!.pipeThrough(new TextDecoderStream()).getReader();
    let text = (await reader.read()).value!;
    expect(text).toMatch(/^: /);
    await provider.untilAsked(1);
    provider.release();
    for (let part = await reader.read(); !part.done; part = await reader.read()) text += part.value;
    expect(text).toContain('"error":{');
    expect(text).not.toContain('[DONE]');
  });

  it.each<[string, object, string]>([
    ['several answers', { n: 2 }, 'n'],
    ['sound', { modalities: ['text', 'audio'] }, 'modalities'],
    ['a search', { web_search_options: {} }, 'web_search_options'],
    ['a tool that is no function', { tools: [{ type: 'custom', custom: { name: 'x' } }] }, 'tools'],
    [
      'a result for no call',
      { messages: [{ role: 'tool', tool_call_id: 'x', content: 'y' }] },
      'messages',
    ],
  ])('for %s are refused by the name of the field', async (_, body, param) => {
    const answer = await complete(body);
    expect([answer.status, answer.body.error.param]).toEqual([400, param]);
    expect(provider.asked).toHaveLength(0);
  });
});

describe('a file that is named', () => {
  const file = async (): Promise<string> => {
    const form = aForm({ bytes: Buffer.from('Trees have leaves.') }, { purpose: 'user_data' });
    return (await ann.request('POST', '/v1/files', form)).body.id;
  };
  const told = (): string => JSON.stringify(provider.asked.at(-1)!.body.messages);

  it('is read where nothing is kept too; one that is not there is refused by its name', async () => {
    const named = (file_id: string) => [user([{ type: 'file', file: { file_id } }])];
    await complete({ messages: named(await file()) });
    expect(told()).toContain('Trees have leaves.');
    const refused = await complete({ messages: named('file-none') });
    expect([refused.status, refused.body.error.param]).toEqual([400, 'messages']);
    const input = [user([{ type: 'input_file', file_id: await file() }])];
    await respond({ input, store: false });
    expect(told()).toContain('Trees have leaves.');
  });

  it('with more bytes than a request may have is refused by its name', async () => {
    const id = await file();
    await withClient(here.databaseUrl, (client) =>
      client.query(`UPDATE file_blobs SET bytes = 40000000, media_type = 'image/png'`),
    );
    const input = [user([{ type: 'input_image', file_id: id }])];
    for (const store of [false, true]) {
      const { status, body } = await respond({ input, store });
      expect([status, body.error.code]).toEqual([400, 'invalid_request']);
      expect(body.error.message).toMatch(/38\.1 MiB.*at most 32 MiB/);
    }
    await withClient(here.databaseUrl, (client) =>
      client.query(`UPDATE file_blobs SET bytes = 18, media_type = 'text/plain'`),
    );
  });
});

describe('a stream that its reader closes', () => {
  it.each<[string, string, object, boolean]>([
    ['a response that is kept', '/v1/responses', { input: 'Why?' }, true],
    ['one that is kept nowhere', '/v1/responses', { input: 'Why?', store: false }, false],
    ['a completion', '/v1/chat/completions', { messages: [user('Why?')] }, false],
  ])('%s: the model stops unless there is somebody to come back', async (_, path, more, isKept) => {
    provider.next({ tokens: ['a', 'b'], gateAfter: 1 });
    const leave = new AbortController();
    const { body } = await fetch(here.url + path, {
      method: 'POST',
      headers: { authorization: `Bearer ${ann.token}`, 'content-type': 'application/json' },
      body: JSON.stringify({ model: 'fake-1', stream: true, ...more }),
      signal: leave.signal,
    });
    let told = '';
    for await (const piece of body!.pipeThrough(new TextDecoderStream()) as any)
      if ((told += piece).includes('"a"')) break;
    leave.abort();
    if (isKept) provider.release();
    await provider.asked[0]!.closed;
    expect(provider.asked[0]!.aborted).toBe(!isKept);
    if (!isKept) return;
    const id = /"id":"(resp_[^"]+)"/.exec(told)![1];
    let kept = await ann.request('GET', `/v1/responses/${id}`);
    while (kept.body.status === 'in_progress')
      kept = await ann.request('GET', `/v1/responses/${id}`);
    expect(kept.body).toMatchObject({
      status: 'completed',
      output: [{ content: [{ text: 'ab' }] }],
    });
  });
});

describe('the name of who speaks', () => {
  const tools = [{ type: 'function', function: { name: 'weather', parameters: {} } }];
  const call = { id: 'c1', type: 'function', function: { name: 'weather', arguments: '{}' } };
  const inBranch = (chat: { id: string }, messages: object[]): Promise<Answer> =>
    ann.request('POST', '/v1/chat/completions', {
      body: { model: 'fake-1', messages },
      headers: { 'x-branch-id': chat.id },
    });
  const told = (): any[] => provider.asked.at(-1)!.body.messages;

  it('goes on to the provider with each message, and in front of words that are joined', async () => {
    const said = [
      { role: 'system', name: 'example_user', content: 'Hi' },
      { role: 'system', name: 'example_bot', content: 'Ho' },
      { role: 'system', content: 'Be brief.' },
      { role: 'user', name: 'ann', content: 'Rain?' },
      { role: 'assistant', name: 'bot-1', content: null, tool_calls: [call] },
    ];
    const result = { role: 'tool', tool_call_id: 'c1', name: 'weather', content: 'No' };
    const picture = { type: 'image_url', image_url: { url: 'https://example.org/a.png' } };
    const asked = [
      { role: 'assistant', name: 'bot-2', content: 'No.' },
      { role: 'user', name: 'bob', content: [{ type: 'text', text: 'See?' }, picture] },
    ];
    expect((await complete({ tools, messages: [...said, result, ...asked] })).status).toBe(200);
    // The call tells the name of the tool.
    const { name: _, ...unnamed } = result;
    expect(told()).toEqual([...said, unnamed, ...asked]);
    const both = [
      { role: 'user', name: 'ann', content: 'One' },
      { role: 'user', name: 'bob', content: 'Two' },
    ];
    await complete({ messages: both });
    expect(told()).toEqual([{ role: 'user', content: 'ann: One\n\nbob: Two' }]);
  });

  it('is the author of a pair in a branch: read everywhere, and told with every later question', async () => {
    const chat = await ann.aChat();
    await inBranch(chat, [{ role: 'user', name: 'ann', content: 'One' }]);
    await ann.post(`/chats/${chat.id}/messages`, { question: 'Two', author: 'Bob B.' });
    const answer = await inBranch(chat, [{ role: 'user', content: 'Three' }]);
    expect(answer.status).toBe(200);
    expect(told().filter(({ role }) => role === 'user')).toEqual([
      { role: 'user', name: 'ann', content: 'One' },
      { role: 'user', content: 'Bob B.: Two' },
      { role: 'user', content: 'Three' },
    ]);
    const { qa_pairs: pairs } = (await ann.get(`/chats/${chat.id}/messages`)).body;
    expect(pairs.map((pair: any) => pair.author)).toEqual(['ann', 'Bob B.', null]);
    const page = await ann.request('GET', `/agui/threads/${chat.id}/messages`);
    expect(page.body.messages.map(({ name }: any) => name).filter(Boolean)).toEqual([
      'ann',
      'Bob B.',
    ]);
  });

  it.each<[string, object[], RegExp]>([
    ['with a blank', [{ role: 'user', name: 'Ann Lee', content: 'x' }], /\[0\]\.name/],
    ['that is no text', [{ role: 'user', name: 7, content: 'x' }], /\[0\]\.name/],
    [
      'of a tool that was not called',
      [
        user('x'),
        { role: 'assistant', tool_calls: [call] },
        { role: 'tool', tool_call_id: 'c1', name: 'other', content: 'y' },
      ],
      /\[2\]\.name/,
    ],
    [
      'of a system in a branch',
      [{ role: 'system', name: 's', content: 'x' }, user('x')],
      /\[0\]\.name: a branch/,
    ],
  ])('%s is refused where it stands', async (_, messages, where) => {
    const { status, body } = await inBranch(await ann.aChat(), messages);
    expect([status, body.error.param]).toEqual([400, 'messages']);
    expect(body.error.message).toMatch(where);
    expect(provider.asked).toHaveLength(0);
  });

  it('is refused where messages have none', async () => {
    const named = { role: 'user', name: 'ann', content: 'x' };
    expect((await respond({ input: [named] })).body.error.message).toMatch(/\[0\]\.name/);
    const messages = [{ id: 'm1', role: 'system', name: 's', content: 'x' }];
    const run = { threadId: 'names', runId: 'r1', messages };
    const { status, body } = await ann.request('POST', '/agui', { body: run });
    expect([status, body.errors[0].path]).toEqual([422, 'messages.0.name']);
  });
});

describe('thoughts that only their provider can read', () => {
  const WEATHER = { type: 'function', name: 'weather', parameters: { type: 'object' } } as const;
  const CALL = { tool: { id: 'call_1', name: 'weather', input: { city: 'Oslo' } } };
  const user = (content: unknown) => ({ role: 'user', content });
  const said = (content: unknown, more: object = {}) => ({ role: 'assistant', content, ...more });
  const told = (): any[] => provider.asked.at(-1)!.body.messages;
  const branchOf = (response: any): string => response.metadata.branch_id;
  const items = async (id: string): Promise<any[]> =>
    (await ann.request('GET', `/v1/conversations/${id}/items?order=asc`)).body.data;
  const complete = (body: object) =>
    ann.request('POST', '/v1/chat/completions', {
      body: { model: 'fake-1', messages: [user('Why?')], ...body },
    });
  const detail = { type: 'reasoning.encrypted', index: 0, data: 'c2VjcmV0', format: 'v1' };
  const THOUGHT = {
    turn: [{ reasoning: 'Hm. ' }, { delta: { reasoning_details: [detail] } }, CALL],
    finishReason: 'tool_calls',
  };
  const result = { type: 'function_call_output', call_id: 'call_1', output: 'Rain' };
  const COMPLETE = operations.find(({ operationId }) => operationId === 'createChatCompletion')!;
  const assistant = () => told().find(({ role }) => role === 'assistant');

  it.each([true, false])(
    'go back to it as they were, of a response that is kept nowhere, streamed: %s',
    async (stream) => {
      provider.next(THOUGHT);
      const asked = { input: [user('Rain?')], tools: [WEATHER], store: false };
      const { body, text } = await respond({ ...asked, stream });
      const frames = stream ? text.trim().split('\n\n').slice(0, -1) : [];
      const { output } = stream
        ? JSON.parse(frames.at(-1)!.replace(/^.*data: /s, '')).response
        : body;
      expect(output.map(({ type }: any) => type).sort()).toEqual([
        ...['function_call', 'reasoning', 'reasoning'],
      ]);
      expect(output.filter((item: any) => item.encrypted_content)).toHaveLength(1);
      await respond({ ...asked, input: [...asked.input, ...output, result] });
      expect(assistant()).toMatchObject({
        ...{ reasoning_content: 'Hm. ', reasoning_details: [detail] },
        tool_calls: [{ id: 'call_1' }],
      });
    },
  );

  it.each([true, false])('go both ways through completions, streamed: %s', async (stream) => {
    const details = { prompt_tokens_details: { cached_tokens: 4 } };
    provider.next({ ...THOUGHT, usage: { prompt_tokens: 9, completion_tokens: 5, ...details } });
    const { type: _type, ...made } = WEATHER;
    const tools = [{ type: 'function', function: made }];
    // Held to the document: every field of the answer is one that it names.
    const { body, text } = await callAs(ann, COMPLETE, {
      body: { model: 'fake-1', messages: [user('Why?')], tools, stream },
    });
    const deltas = stream
      ? [...text.matchAll(/^data: (\{.*)$/gm)].map(
          ([, json]) => JSON.parse(json!).choices[0]?.delta,
        )
      : [body.choices[0].message];
    expect(deltas.flatMap((delta) => delta?.reasoning_details ?? [])).toEqual([detail]);
    const call = { id: 'call_1', type: 'function', function: { name: 'weather', arguments: '{}' } };
    const message = said(null, { reasoning_details: [detail], tool_calls: [call] });
    const answer = { role: 'tool', tool_call_id: 'call_1', content: 'Rain' };
    await complete({ tools, messages: [user('Rain?'), message, answer] });
    expect(assistant()).toMatchObject({ reasoning_details: [detail] });
    const broken = said('x', { reasoning_details: 'x' });
    expect((await complete({ messages: [broken, user('?')] })).body.error.param).toBe('messages');
  });

  it.each([
    ['of another provider', 'gAAAAB=='],
    ['that nobody can keep', `rsn1.${Buffer.from('["\\u0000"]').toString('base64url')}`],
    ['nested deep', `rsn1.${Buffer.from('['.repeat(5e4) + ']'.repeat(5e4)).toString('base64url')}`],
  ])('are kept and shown as they came, %s', async (_, encrypted_content) => {
    const thought = { type: 'reasoning', summary: [], encrypted_content };
    const { body } = await respond({ input: [user('1'), thought, said('2'), user('3')] });
    const [, item] = await items(`conv_${branchOf(body)}`);
    expect(item).toMatchObject({ type: 'reasoning', encrypted_content });
  });
});
