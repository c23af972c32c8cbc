import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { MODES } from '../support/app.js';
import { TestClient } from '../support/client.js';
import { type SharedServer, sharedServer } from '../support/shared-server.js';

const METADATA =
  '{"discord_id":1546130668394913822,"price":1.10,"far":1e400,"cold":-0,"deep":{"list":[0.10,7,1E5]},"text":"1.10"}';

describe.each(MODES)('numbers in metadata keep every digit (R1), words in %s', (mode) => {
  let server: SharedServer;
  let ann: TestClient;
  let chat: string;

  beforeAll(async () => {
    server = await sharedServer(mode);
    ann = await TestClient.register(server.url);
    chat = (await ann.aChat(1)).id;
  });
  afterAll(() => server.close());

  const post = (path: string, fields: string, headers: Record<string, string> = {}) =>
    ann.request('POST', path, { raw: `{${fields},"metadata":${METADATA}}`, headers });
  const kept = (text: string) => expect(text).toContain(`"metadata":${METADATA}`);

  it('by whichever route they come, and by whichever they are read', async () => {
    const stored = [
      await post(`/api/v1/chats/${chat}/messages`, '"question":"q","response":"r"'),
      await post(`/api/v1/chats/${chat}/messages`, '"question":"q"'),
      await post(`/api/v1/chats/${chat}/messages`, '"question":"q","stream":true'),
      await post(
        '/api/v1/messages/add-message',
        `"question":"q","response":null,"chat_id":"${chat}"`,
      ),
    ];
    for (const { text } of stored) kept(text);
    for (const path of [
      `/chats/${chat}`,
      `/chats/get-chat?chat_id=${chat}`,
      `/chats/${chat}/messages`,
    ])
      expect((await ann.get(path)).text.split(METADATA)).toHaveLength(5);
    const { response_id: id } = stored[0]!.body;
    kept((await ann.get(`/chats/${chat}/messages/${id}`)).text);
    const { metadata } = (await ann.request('GET', `/v1/responses/resp_${id}`)).body;
    expect(metadata).toMatchObject({
      discord_id: '1546130668394913822',
      price: '1.10',
      far: '1e400',
      cold: '-0',
      text: '1.10',
    });
    expect(metadata.deep).toBe('{"list":[0.10,7,1E5]}');
  });

  it('through an edit, a second answer, a retry and a comparison', async () => {
    const { body: pair } = await post(
      `/api/v1/chats/${chat}/messages`,
      '"question":"q","response":"r"',
    );
    const edited = await post(
      `/api/v1/chats/${chat}/messages/${pair.response_id}/edit`,
      '"question":"other","response":"r"',
    );
    kept(edited.text);
    const again = await ann.post(`/chats/${chat}/messages/${pair.response_id}/regenerate`);
    kept(again.text);
    kept((await ann.get(`/chats/${again.body.chat_id}/messages/${again.body.response_id}`)).text);
    expect(
      (await ann.get(`/chats/${chat}/compare?with=${again.body.chat_id}`)).text.split(METADATA),
    ).toHaveLength(3);
  });

  it('of a message of the AI SDK, also when the page says it anew', async () => {
    const say = (metadata: string) =>
      ann.request('POST', '/api/chat', {
        raw: `{"id":"digits","message":{"id":"m","role":"user","content":"q","metadata":${metadata}}}`,
      });
    const told = async () => (await ann.request('GET', '/api/chat/digits')).text;
    expect((await say(METADATA)).status).toBe(200);
    const [, shown] = (await told()).match(/"role":"user".*?"metadata":(\{.*?\}),?\}/)!;
    expect(shown).toContain(METADATA.slice(0, -1));
    expect((await say(shown!)).status).toBe(200);
    expect((await told()).split(METADATA.slice(0, -1))).toHaveLength(3);
    const [chat] = (await ann.get('/chats?limit=1')).body.items;
    expect((await ann.get(`/chats/${chat.chat_id}/messages`)).text.split(METADATA)).toHaveLength(3);
    expect(await say('{"a.b":1}')).toMatchObject({
      status: 422,
      body: { errors: [{ path: 'message.metadata' }] },
    });
  });

  it('of OpenAI, where they are texts: those come back, and a number is refused by name', async () => {
    const ask = (metadata: string) =>
      ann.request('POST', '/v1/responses', {
        raw: `{"model":"offline","input":"q","metadata":${metadata}}`,
      });
    const { body } = await ask('{"discord_id":"1546130668394913822"}');
    const { text } = await ann.request('GET', `/v1/responses/${body.id}`);
    expect(text).toContain('"discord_id":"1546130668394913822"');
    expect(await ask('{"discord_id":1546130668394913822}')).toMatchObject({
      status: 400,
      body: { error: { param: 'metadata' } },
    });
  });

  it('in calls and data that were kept, at every door that tells them', async () => {
    const input = '{"n":12345678901234567890,"price":1.10,"deep":[{"n":0.10}]}';
    const calls = `[{"type":"tool_call","call_id":"c1","name":"f","input":${input}}]`;
    const parts = `[{"type":"text","text":"seen"},{"type":"data","name":"d","value":${input}}]`;
    const { id } = await ann.aChat();
    const say = (fields: string) =>
      ann.request('POST', `/api/v1/chats/${id}/messages`, { raw: `{${fields}}` });
    const called = await say(`"question":"q","response_parts":${calls}`);
    const result = `{"type":"tool_result","call_id":"c1","output":${input}}`;
    await say(`"question_parts":[${result}],"response_parts":${parts}`);
    const { body: share } = await ann.post(`/chats/${id}/share`, { follow: true });
    const shared = (await ann.get(`/shared/${share.token}`)).text;
    expect(shared.split(input)).toHaveLength(4);
    const plain = async (path: string) =>
      (await ann.request('GET', path)).text.replaceAll('\\"', '"');
    const response = `/v1/responses/resp_${called.body.response_id}`;
    for (const path of [
      response,
      `/v1/conversations/conv_${id}/items`,
      ...['chatgpt', 'openai', 'markdown', 'banyan'].map(
        (format) => `/api/v1/chats/${id}/export?format=${format}`,
      ),
    ])
      expect([path, await plain(path)]).toEqual([path, expect.stringContaining(input)]);
  });

  it('in calls that a client of OpenAI sends along', async () => {
    const args = '{"n":12345678901234567890,"price":1.10}';
    const call = { type: 'function_call', call_id: 'c1', name: 'f', arguments: args };
    const { body } = await ann.request('POST', '/v1/responses', {
      body: {
        model: 'offline',
        input: [
          { role: 'user', content: 'q' },
          call,
          { type: 'function_call_output', call_id: 'c1', output: 'done' },
        ],
      },
    });
    const items = await ann.request('GET', `/v1/responses/${body.id}/input_items`);
    expect(items.body.data).toContainEqual(expect.objectContaining({ arguments: args }));
  });

  it('in calls whose input is nested without end, which is kept as the text that it came as', async () => {
    const args = '[1.10,'.repeat(5000) + '0' + ']'.repeat(5000);
    const call = { type: 'function_call', call_id: 'c1', name: 'f', arguments: args };
    const output = { type: 'function_call_output', call_id: 'c1', output: 'done' };
    const { status, body } = await ann.request('POST', '/v1/responses', {
      body: { model: 'offline', input: [{ role: 'user', content: 'q' }, call, output] },
    });
    expect(status).toBe(200);
    const items = await ann.request('GET', `/v1/responses/${body.id}/input_items`);
    expect(items.body.data).toContainEqual(expect.objectContaining({ arguments: args }));
  });

  it('and tell two requests with one Idempotency-Key apart', async () => {
    const path = `/api/v1/chats/${chat}/messages`;
    const headers = { 'idempotency-key': 'digits' };
    const first = await post(path, '"question":"q","response":"r"', headers);
    expect((await post(path, '"question":"q","response":"r"', headers)).text).toBe(first.text);
    const raw = `{"question":"q","response":"r","metadata":${METADATA.replace('3822', '3823')}}`;
    expect(await ann.request('POST', path, { raw, headers })).toMatchObject({
      status: 422,
      body: { code: 'idempotency_key_reused' },
    });
  });
});
