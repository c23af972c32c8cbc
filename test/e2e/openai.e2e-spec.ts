import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import OpenAI6 from 'openai6';
import OpenAI7 from 'openai';
import { startTestApp, type TestApp } from '../support/app.js';
import { TestClient } from '../support/client.js';
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
