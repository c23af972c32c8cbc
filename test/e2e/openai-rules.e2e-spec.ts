import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import OpenAI7 from 'openai';
import { startTestApp, type TestApp } from '../support/app.js';
import { type Answer, TestClient } from '../support/client.js';
import { FakeProvider } from '../support/fake-provider.js';

let provider: FakeProvider;
let server: TestApp;
let offline: TestApp;
let ann: TestClient;

beforeAll(async () => {
  provider = await FakeProvider.start();
  server = await startTestApp(
    'postgres',
    provider.settings({ LLM_IDLE_TIMEOUT_SECONDS: '1', LLM_CONTEXT_TOKENS: '4096' }),
  );
  offline = await startTestApp();
  ann = await TestClient.register(server.url);
});
beforeEach(() => provider.reset());
afterAll(async () => {
  // After a request that it gave up, fetch opens a connection for the next one, on which the server
  // would wait.
  server.app.getHttpServer().closeAllConnections();
  await server.close();
  await offline.close();
  await provider.close();
});

const user = (content: string) => ({ role: 'user' as const, content });
const complete = (
  body: object,
  client = ann,
  headers: Record<string, string> = {},
): Promise<Answer> =>
  client.request('POST', '/v1/chat/completions', {
    body: { model: 'fake-1', messages: [user('Why?')], ...body },
    headers,
  });

describe('an error', () => {
  const isEnvelope = (answer: Answer): void => {
    expect(answer.headers.get('content-type')).toMatch(/^application\/json/);
    expect(answer.headers.get('x-request-id')).toEqual(expect.any(String));
    expect(answer.body).toEqual({
      error: {
        message: expect.any(String),
        type: expect.any(String),
        param: answer.body.error.param,
        code: expect.any(String),
      },
    });
  };

  it.each<[string, object, string]>([
    ['no model', { model: undefined }, 'model'],
    ['a model that is no text', { model: 7 }, 'model'],
    ['no messages', { messages: undefined }, 'messages'],
    ['an empty list of messages', { messages: [] }, 'messages'],
    ['a message that is none', { messages: ['Why?'] }, 'messages'],
    ['an unknown role', { messages: [{ role: 'pope', content: 'x' }] }, 'messages'],
    ['a question without content', { messages: [{ role: 'user', content: null }] }, 'messages'],
    [
      'a part without text',
      { messages: [{ role: 'user', content: [{ type: 'text' }] }] },
      'messages',
    ],
    [
      'no picture',
      { messages: [{ role: 'user', content: [{ type: 'image_url', image_url: { url: 'x' } }] }] },
      'messages',
    ],
    [
      'the answer of a tool',
      { messages: [{ role: 'tool', content: 'x', tool_call_id: 'y' }] },
      'messages',
    ],
    [
      'a call of nothing',
      { messages: [{ role: 'assistant', content: null, tool_calls: [{ id: 'x' }] }] },
      'messages',
    ],
    ['a tool without a name', { tools: [{ type: 'function', function: {} }] }, 'tools'],
    ['functions', { functions: [{ name: 'f' }] }, 'functions'],
    ['two answers', { n: 2 }, 'n'],
    ['XML as the form', { response_format: { type: 'xml' } }, 'response_format'],
    ['a form that is none', { response_format: 'json' }, 'response_format'],
    ['a stream of nothing', { stream: 'yes' }, 'stream'],
    ['options that are none', { stream_options: true }, 'stream_options'],
    ['no room', { max_tokens: 0 }, 'max_tokens'],
    ['half a token', { max_completion_tokens: 1.5 }, 'max_completion_tokens'],
    ['too much heat', { temperature: 3 }, 'temperature'],
    ['a share above all', { top_p: 1.1 }, 'top_p'],
    ['too many ends', { stop: ['a', 'b', 'c', 'd', 'e'] }, 'stop'],
    ['an end that is no text', { stop: [1] }, 'stop'],
    ['U+0000', { messages: [user('a\0b')] }, 'messages.0.content'],
    ['half a surrogate pair', { messages: [user('a\ud800')] }, 'messages.0.content'],
  ])('for %s is a 400 that names the field, and no model is asked', async (_, body, param) => {
    const answer = await complete(body);
    expect([answer.status, answer.body.error.param, answer.headers.get('x-should-retry')]).toEqual([
      400,
      param,
      'false',
    ]);
    isEnvelope(answer);
    expect(provider.asked).toHaveLength(0);
  });

  it('says where in the messages it is', async () => {
    const { body } = await complete({
      messages: [
        user('a'),
        { role: 'user', content: [{ type: 'text', text: 'b' }, { type: 'file' }] },
      ],
    });
    expect(body.error.message).toBe('messages: [1].content[1].file must be an object');
  });

  it('of what stands before the routes has OpenAI’s form too', async () => {
    const nobody = new TestClient(server.url);
    const answers: [number, string, Answer][] = [
      [401, 'invalid_api_key', await nobody.request('GET', '/v1/models')],
      [401, 'invalid_api_key', await complete({}, new TestClient(server.url, 'sk-nobody'))],
      [404, 'route_not_found', await ann.request('GET', '/v1/nothing/here')],
      [404, 'route_not_found', await ann.request('POST', '/v1')],
      [405, 'method_not_allowed', await ann.request('GET', '/v1/chat/completions')],
      [400, 'invalid_json', await ann.request('POST', '/v1/chat/completions', { raw: '{' })],
      [400, 'validation_failed', await ann.request('POST', '/v1/chat/completions', { raw: '[]' })],
      [415, 'unsupported_media_type', await complete({}, ann, { 'content-type': 'text/plain' })],
      [413, 'body_too_large', await complete({ messages: [user('x'.repeat(9_000_000))] })],
    ];
    for (const [status, code, answer] of answers) {
      expect([status, code]).toEqual([answer.status, answer.body.error.code]);
      isEnvelope(answer);
    }
    expect(answers[0]![2].headers.get('www-authenticate')).toBe('Bearer realm="banyan"');
  });

  it('of the sessions that share the prefix keeps its own form', async () => {
    const { body, headers } = await new TestClient(server.url).request(
      'GET',
      '/v1/chat/sessions/x/messages',
    );
    expect([body.code, headers.get('content-type')]).toEqual([
      'unauthorized',
      'application/problem+json',
    ]);
  });

  it('for too many requests is a 429 that says when to come again', async () => {
    const limited = await startTestApp('postgres', { RATE_LIMIT_PER_MINUTE: '1' });
    const bob = await TestClient.register(limited.url);
    await bob.request('GET', '/v1/models');
    const answer = await bob.request('GET', '/v1/models');
    await limited.close();
    expect(answer).toMatchObject({
      status: 429,
      body: { error: { type: 'rate_limit_error', code: 'rate_limit_exceeded' } },
    });
    isEnvelope(answer);
    expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0);
    expect(answer.headers.get('x-should-retry')).toBeNull();
  });

  it.each<[string, Parameters<FakeProvider['next']>[0], number, string, string | null]>([
    ['refuses', { status: 400 }, 502, 'model_failed', 'false'],
    ['has a fault', { status: 500 }, 502, 'model_failed', null],
    ['takes no more', { status: 429 }, 429, 'rate_limit_exceeded', null],
    ['is too slow', { hangAfter: 2 }, 504, 'model_timeout', null],
    ['breaks off', { cutAfter: 2 }, 502, 'model_failed', null],
    ['says nothing', { tokens: [] }, 502, 'model_failed', null],
    ['filters all', { tokens: [], finishReason: 'content_filter' }, 502, 'model_failed', 'false'],
  ])('of a provider that %s is told without its words', async (_, script, status, code, retry) => {
    provider.next(script);
    const answer = await complete({});
    expect([answer.status, answer.body.error.code, answer.headers.get('x-should-retry')]).toEqual([
      status,
      code,
      retry,
    ]);
    expect(answer.text).not.toMatch(/secret words|127\.0\.0\.1|sk-fake/);
    isEnvelope(answer);
  });

  it('before the first word of a stream is told in the stream, whose headers are out', async () => {
    provider.next({ status: 500 });
    const { status, text } = await complete({ stream: true });
    const frames = text.trimEnd().split('\n\n');
    expect([status, JSON.parse(frames.at(-1)!.slice(6)).error.code]).toEqual([200, 'model_failed']);
  });

  it('for more than the model can read is told before it is asked', async () => {
    const answer = await complete({ messages: [user('many words '.repeat(3000))] });
    expect(answer).toMatchObject({
      status: 400,
      body: { error: { code: 'context_length_exceeded', param: 'messages' } },
    });
    expect(provider.asked).toHaveLength(0);
  });
});

describe('the quotas of an account', () => {
  const limited = async (
    settings: Record<string, string>,
    story: (bob: TestClient) => Promise<void>,
  ): Promise<void> => {
    const instance = await startTestApp('postgres', provider.settings(settings));
    await story(await TestClient.register(instance.url));
    instance.app.getHttpServer().closeAllConnections();
    await instance.close();
  };
  const tokensOf = async (bob: TestClient): Promise<number> => {
    const { body } = await bob.get('/usage');
    return body.today.input_tokens + body.today.output_tokens;
  };

  it('hold for answers at once, and a place is free again however an answer ended', () =>
    limited({ ANSWERS_PER_ACCOUNT: '1' }, async (bob) => {
      provider.next({ hangAfter: 1 }, { status: 500 }, {});
      const leave = new AbortController();
      const client = new OpenAI7({ apiKey: bob.token!, baseURL: `${bob.url}/v1`, maxRetries: 0 });
      const options = { signal: leave.signal };
      await client.chat.completions.create(
        { model: 'fake-1', messages: [user('Why?')], stream: true },
        options,
      );
      const second = await complete({}, bob);
      expect(second).toMatchObject({
        status: 429,
        body: { error: { code: 'too_many_answers', type: 'rate_limit_error' } },
      });
      expect(Number(second.headers.get('retry-after'))).toBeGreaterThan(0);
      expect(provider.asked).toHaveLength(1);
      leave.abort();
      await provider.asked[0]!.closed;
      expect((await complete({}, bob)).status).toBe(502);
      expect((await complete({}, bob)).status).toBe(200);
    }));

  it('hold for the tokens of a day: what was used is counted, and then no provider is asked', () =>
    limited({ TOKENS_PER_DAY: '10' }, async (bob) => {
      provider.next({ usage: { prompt_tokens: 7, completion_tokens: 4 } });
      expect((await complete({}, bob)).status).toBe(200);
      expect(await tokensOf(bob)).toBe(11);
      const second = await complete({ stream: true }, bob);
      expect(second).toMatchObject({
        status: 429,
        body: { error: { code: 'insufficient_quota' } },
      });
      expect([second.headers.get('x-should-retry'), provider.asked.length]).toEqual(['false', 1]);
    }));

  it('count what was said before the client left, or the provider broke off', () =>
    limited({}, async (bob) => {
      provider.next({ cutAfter: 2 });
      await complete({ messages: [user('12345678')] }, bob);
      // 8 bytes of the question and 10 of the answer, four to a token.
      expect(await tokensOf(bob)).toBe(2 + 3);
    }));
});

describe('a stream', () => {
  it('is server-sent events that no proxy gathers, and ends with [DONE]', async () => {
    const { headers, text } = await complete({ stream: true });
    expect(headers.get('content-type')).toBe('text/event-stream; charset=utf-8');
    expect(headers.get('cache-control')).toBe('no-cache, no-transform');
    expect(headers.get('x-accel-buffering')).toBe('no');
    const frames = text.split('\n\n').filter((frame) => !frame.startsWith(':'));
    expect(frames.slice(-2)).toEqual(['data: [DONE]', '']);
    expect(
      frames
        .slice(0, -2)
        .every((frame) => JSON.parse(frame.slice(6)).object === 'chat.completion.chunk'),
    ).toBe(true);
    expect(text).not.toContain('usage');
  });

  it('passes on what it does not need to know itself', async () => {
    const told = {
      user: 'ann',
      metadata: { a: 'b' },
      seed: 7,
      reasoning_effort: 'low',
      colour: 'blue',
    };
    expect((await complete({ ...told, store: true, tools: null, n: 1 })).status).toBe(200);
    expect(provider.asked[0]!.body).toMatchObject(told);
  });

  it('passes on what only a provider knows of a message; a branch refuses it by its name', async () => {
    const cache_control = { type: 'ephemeral' };
    const content = [{ type: 'text', text: 'Long.', cache_control }];
    const messages = [{ role: 'system', content }, user('Why?')];
    expect((await complete({ messages })).status).toBe(200);
    expect(provider.asked[0]!.body.messages).toEqual(messages);
    const { id } = await ann.aChat();
    const refused = await complete({ messages }, ann, { 'X-Branch-Id': id });
    expect([refused.status, refused.body.error]).toEqual([
      400,
      expect.objectContaining({
        param: 'messages',
        message: expect.stringContaining('[0].content[0].cache_control'),
      }),
    ]);
    expect((await ann.get(`/chats/${id}`)).body.message_count).toBe(0);
  });

  it('gives a provider its signature of a call back, streamed or not', async () => {
    const made = { id: 'c1', type: 'function', function: { name: 'f', arguments: '{}' } };
    const signed = { ...made, extra_content: { google: { thought_signature: 'abc' } } };
    const turn = { turn: [{ delta: { tool_calls: [{ index: 0, ...signed }] } }] };
    provider.next(turn);
    const { message } = (await complete({})).body.choices[0];
    expect(message.tool_calls).toEqual([signed]);
    const result = { role: 'tool', tool_call_id: 'c1', content: 'out' };
    await complete({ messages: [user('Why?'), message, result] });
    expect(provider.asked.at(-1)!.body.messages[1].tool_calls).toMatchObject([signed]);
    provider.next(turn);
    const { text } = await complete({ stream: true });
    expect(text).toContain('"tool_calls":[{"index":0,"extra_content":{"google":');
  });

  it('whose reader stops reading holds the provider back', async () => {
    // Many small tokens: the answer's own limit would end larger ones.
    provider.next({ tokens: Array.from({ length: 200_000 }, () => 'x') });
    const leave = new AbortController();
    await fetch(`${server.url}/v1/chat/completions`, {
      method: 'POST',
      signal: leave.signal,
      headers: { authorization: `Bearer ${ann.token}`, 'content-type': 'application/json' },
      body: JSON.stringify({ model: 'fake-1', messages: [user('Why?')], stream: true }),
    });
    const sent = () => provider.asked[0]!.sent;
    let before = -1;
    while (before !== sent()) {
      before = sent();
      await new Promise((resolve) => setTimeout(resolve, 300));
    }
    expect(before).toBeLessThan(100_000);
    leave.abort();
    await provider.asked[0]!.closed;
    expect(provider.asked[0]!.aborted).toBe(true);
  });
});
