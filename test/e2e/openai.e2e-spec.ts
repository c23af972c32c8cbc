import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import OpenAI6 from 'openai6';
import OpenAI7 from 'openai';
import { startTestApp, type TestApp } from '../support/app.js';
import { type Answer, TestClient } from '../support/client.js';
import { FakeProvider } from '../support/fake-provider.js';

/** The packages as people install them. Version 7 is the shape that both share here. */
const CLIENTS: [string, typeof OpenAI7][] = [
  ['openai 6', OpenAI6 as unknown as typeof OpenAI7],
  ['openai 7', OpenAI7],
];

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

describe.each(CLIENTS)('the unmodified package %s', (_, OpenAI) => {
  const client = (options: { apiKey?: string; baseURL?: string; maxRetries?: number } = {}) =>
    new OpenAI({ apiKey: ann.token!, baseURL: `${server.url}/v1`, maxRetries: 0, ...options });

  it('lists models and reads one', async () => {
    const { data } = await client().models.list();
    expect(data).toEqual([{ id: 'fake-1', object: 'model', created: 0, owned_by: 'openai' }]);
    expect(await client().models.retrieve('fake-1')).toEqual(data[0]);
    const error = await client()
      .models.retrieve('no such/model')
      .catch((fault: unknown) => fault);
    expect(error).toBeInstanceOf(OpenAI.NotFoundError);
    expect(error).toMatchObject({
      status: 404,
      code: 'model_not_found',
      type: 'invalid_request_error',
      requestID: expect.any(String),
    });
  });

  it('asks a question and gets the answer', async () => {
    provider.next({ tokens: ['Be', 'cause.'], usage: { prompt_tokens: 9, completion_tokens: 2 } });
    const { data, request_id } = await client()
      .chat.completions.create({
        model: 'fake-1',
        messages: [
          { role: 'system', content: 'Be brief.' },
          user('Who?'),
          {
            role: 'assistant',
            content: [
              { type: 'text', text: 'Ada' },
              { type: 'text', text: '.' },
            ],
          },
          { role: 'developer', content: [{ type: 'text', text: 'And kind.' }] },
          { role: 'user', content: [{ type: 'text', text: 'Why?' }] },
        ],
        ...{ max_completion_tokens: 50, temperature: 0.5, top_p: 0.9, stop: ['END', '###'] },
      })
      .withResponse();
    expect(request_id).toMatch(/^[\w-]{36}$/);
    expect(data).toMatchObject({
      id: expect.stringMatching(/^chatcmpl-[0-9a-f]{32}$/),
      object: 'chat.completion',
      model: 'fake-1',
      choices: [
        {
          index: 0,
          finish_reason: 'stop',
          logprobs: null,
          message: { role: 'assistant', content: 'Because.', refusal: null },
        },
      ],
      usage: { prompt_tokens: 9, completion_tokens: 2, total_tokens: 11 },
    });
    expect(Math.abs(data.created - Date.now() / 1000)).toBeLessThan(60);
    expect(provider.asked[0]!.body).toMatchObject({
      messages: [
        { role: 'system', content: 'Be brief.' },
        user('Who?'),
        { role: 'assistant' },
        { role: 'system', content: 'And kind.' },
        user('Why?'),
      ],
      ...{ max_tokens: 50, temperature: 0.5, top_p: 0.9, stop: ['END', '###'] },
    });
  });

  it('reads a stream token by token, with the usage when it asks for it', async () => {
    provider.next({
      tokens: ['Be', 'cause', '.'],
      delayMs: 5,
      usage: { prompt_tokens: 9, completion_tokens: 3 },
    });
    const stream = await client().chat.completions.create({
      model: 'fake-1',
      messages: [user('Why?')],
      stream: true,
      stream_options: { include_usage: true },
    });
    const chunks = [];
    for await (const chunk of stream) chunks.push(chunk);
    expect(chunks.map(({ choices: [choice] }) => choice?.delta.content ?? null)).toEqual([
      '',
      'Be',
      'cause',
      '.',
      null,
      null,
    ]);
    expect(chunks.map(({ choices: [choice] }) => choice?.finish_reason ?? null)).toEqual([
      null,
      null,
      null,
      null,
      'stop',
      null,
    ]);
    expect(chunks[0]!.choices[0]!.delta.role).toBe('assistant');
    expect(chunks.map(({ usage }) => usage)).toEqual([
      ...Array.from({ length: 5 }, () => null),
      { prompt_tokens: 9, completion_tokens: 3, total_tokens: 12 },
    ]);
    expect(
      new Set(chunks.map(({ id, created, model, object }) => [id, created, model, object].join()))
        .size,
    ).toBe(1);
  });

  it('reads a stream by its helper', async () => {
    provider.next({ tokens: ['Be', 'cause.'] });
    const whole = client().chat.completions.stream({ model: 'fake-1', messages: [user('Why?')] });
    expect(await whole.finalContent()).toBe('Because.');
  });

  it('works with an API key, and is refused without a good one', async () => {
    const { body: key } = await ann.post('/auth/api-keys', { name: 'openai' });
    expect((await client({ apiKey: key.api_key }).models.list()).data).toHaveLength(1);
    for (const apiKey of ['sk-nobody', `${key.api_key}x`]) {
      const error = await client({ apiKey, maxRetries: 2 })
        .models.list()
        .then(
          () => null,
          (fault: unknown) => fault,
        );
      expect(error).toBeInstanceOf(OpenAI.AuthenticationError);
      expect(error).toMatchObject({ code: 'invalid_api_key', type: 'invalid_request_error' });
    }
  });

  it('throws when an answer breaks off, and knows why', async () => {
    provider.next({ cutAfter: 2 }, { hangAfter: 2 });
    for (const code of ['model_failed', 'model_timeout']) {
      const stream = await client().chat.completions.create({
        model: 'fake-1',
        messages: [user('Why?')],
        stream: true,
      });
      let text = '';
      const reading = (async () => {
        for await (const { choices } of stream) text += choices[0]?.delta.content ?? '';
      })();
      await expect(reading).rejects.toMatchObject({ code, type: 'server_error' });
      expect(text).toBe('Hello from');
    }
  });

  it('tries again what can be better next time, and nothing else', async () => {
    const ask = () =>
      client({ maxRetries: 1 }).chat.completions.create({
        model: 'fake-1',
        messages: [user('Why?')],
      });
    provider.next({ status: 500 });
    expect((await ask()).choices[0]!.message.content).toBe('Hello from the fake provider.');
    expect(provider.asked).toHaveLength(2);
    provider.next({ status: 401 });
    await expect(ask()).rejects.toMatchObject({
      status: 502,
      code: 'model_failed',
      message: expect.stringContaining('server’s key'),
    });
    expect(provider.asked).toHaveLength(3);
  });

  it('stops the model when it leaves', async () => {
    provider.next({ hangAfter: 1 }, { hangAfter: 1 });
    const stream = await client().chat.completions.create({
      model: 'fake-1',
      messages: [user('Why?')],
      stream: true,
    });
    for await (const { choices } of stream) if (choices[0]?.delta.content) break;
    await provider.asked[0]!.closed;
    const leave = new AbortController();
    const waiting = client().chat.completions.create(
      { model: 'fake-1', messages: [user('Why?')] },
      { signal: leave.signal },
    );
    void provider.untilAsked(2).then(() => leave.abort());
    await expect(waiting).rejects.toBeInstanceOf(OpenAI.APIUserAbortError);
    await provider.asked[1]!.closed;
    expect(provider.asked.map(({ aborted }) => aborted)).toEqual([true, true]);
  });

  it('is answered by the offline model, whatever it asks for, when there is no other', async () => {
    const { token } = await TestClient.register(offline.url);
    const here = client({ apiKey: token!, baseURL: `${offline.url}/v1` });
    expect((await here.models.list()).data.map(({ id }) => id)).toEqual(['offline']);
    const { model, choices } = await here.chat.completions.create({
      model: 'gpt-5-mini',
      messages: [user('Why?')],
    });
    expect([model, choices[0]!.message.content]).toEqual([
      'offline',
      expect.stringContaining('You asked: “Why?”'),
    ]);
  });
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
