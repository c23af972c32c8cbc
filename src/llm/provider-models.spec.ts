import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { Logger } from '@nestjs/common';
import { FakeProvider, type Script } from '../../test/support/fake-provider.js';
import { loadConfig } from '../config/config.js';
import { providersOf } from '../config/providers.js';
import { Catalogue } from './catalogue.js';
import type { ModelError, ModelPart, ModelRequest } from './language-model.js';
import type { Limits } from './patience.js';
import { ANSWER_BYTES_MAX } from './provider-answer.js';
import { ProviderModels } from './provider-models.js';
import { TokenCounter } from './token-counter.js';

/** Longer than any of these tests: whatever ends before was ended on purpose. */
const PATIENT: Limits = { firstMs: 60_000, idleMs: 60_000, wholeMs: 60_000 };
const KEY = 'sk-fake-provider-key';
const SECRETS = ['127.0.0.1', KEY, 'secret words', 'ECONN'];
const never = (): AbortSignal => new AbortController().signal;
const ask = (more: Partial<ModelRequest> = {}): ModelRequest => ({
  model: null,
  messages: [{ role: 'user', content: 'Why?' }],
  ...more,
});

let provider: FakeProvider;
let logged: unknown[];
const counter = new TokenCounter();

beforeAll(async () => void (provider = await FakeProvider.start()));
afterAll(() => Promise.all([provider.close(), counter.onApplicationShutdown()]));
beforeEach(() => {
  provider.reset();
  logged = [];
  Logger.overrideLogger({
    log: () => {},
    error: (line: unknown) => logged.push(line),
    warn: (line: unknown) => logged.push(line),
  });
});

function aModel(
  settings: Record<string, string> = provider.settings(),
  limits: Partial<Limits> = {},
): ProviderModels {
  const config = loadConfig(settings);
  return new ProviderModels(
    new Catalogue(providersOf(config), config.LLM_MODEL),
    { ...PATIENT, ...limits },
    counter.count,
  );
}

/** All that a model said, and the error that it ended with. */
async function heard(
  model: ProviderModels,
  request = ask(),
  signal = never(),
): Promise<{ parts: ModelPart[]; text: string; error?: ModelError }> {
  const parts: ModelPart[] = [];
  const textOf = (): string =>
    parts.map((part) => (part.type === 'delta' ? part.text : '')).join('');
  try {
    for await (const part of model.stream(request, signal)) parts.push(part);
    return { parts, text: textOf() };
  } catch (error) {
    return { parts, text: textOf(), error: error as ModelError };
  }
}

async function portOf(server: Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return (server.address() as AddressInfo).port;
}

describe('a provider that is well', () => {
  it('is asked as OpenAI is, and its answer comes piece by piece with its usage', async () => {
    provider.next({
      tokens: ['Be', 'cause', '.'],
      delayMs: 5,
      usage: { prompt_tokens: 11, completion_tokens: 3 },
    });
    const request = ask({
      messages: [
        { role: 'system', content: 'Be brief.' },
        { role: 'user', content: 'Who?' },
        { role: 'assistant', content: 'Ada.' },
        { role: 'user', content: 'Why?' },
      ],
      ...{ maxOutputTokens: 50, temperature: 0.5, topP: 0.9, stop: ['END'] },
    });
    const { parts } = await heard(aModel(), request);
    expect(parts).toEqual([
      ...['Be', 'cause', '.'].map((text) => ({ type: 'delta', text })),
      {
        type: 'end',
        model: 'fake-1',
        finishReason: 'stop',
        usage: { input_tokens: 11, output_tokens: 3 },
      },
    ]);
    expect(provider.asked).toHaveLength(1);
    const { path, headers, body } = provider.asked[0]!;
    expect([path, headers.authorization]).toEqual(['/v1/chat/completions', `Bearer ${KEY}`]);
    expect(body).toMatchObject({
      model: 'fake-1',
      stream: true,
      stream_options: { include_usage: true },
      messages: request.messages,
    });
    expect(body).toMatchObject({ max_tokens: 50, temperature: 0.5, top_p: 0.9, stop: ['END'] });
  });

  it('is told nothing that was not asked for', async () => {
    await heard(aModel({ OPENAI_BASE_URL: provider.url }));
    expect(Object.keys(provider.asked[0]!.body).sort()).toEqual([
      'messages',
      'model',
      'stream',
      'stream_options',
    ]);
    expect(provider.asked[0]!.headers.authorization).toBeUndefined();
  });

  it('has its tokens counted here when it does not count them', async () => {
    provider.next({ tokens: ['hello', ' world'], usage: null });
    const { parts } = await heard(
      aModel(),
      ask({ messages: [{ role: 'user', content: 'hello world' }] }),
    );
    expect(parts.at(-1)).toMatchObject({ usage: { input_tokens: 2, output_tokens: 2 } });
  });

  it.each([
    ['stop', 'stop'],
    ['length', 'length'],
    ['content_filter', 'content_filter'],
    ['eos', 'stop'],
  ])('that ends with %s is understood as %s', async (finishReason, understood) => {
    provider.next({ finishReason });
    expect((await heard(aModel())).parts.at(-1)).toMatchObject({
      type: 'end',
      finishReason: understood,
    });
  });

  it('may leave out the last line of the protocol', async () => {
    provider.next({ withoutDone: true });
    expect((await heard(aModel())).parts.at(-1)).toMatchObject({
      type: 'end',
      finishReason: 'stop',
    });
  });

  it('may use megabytes for an answer of many small pieces', async () => {
    provider.next({ tokens: Array.from({ length: 12_000 }, () => 'x') });
    expect((await heard(aModel())).text).toHaveLength(12_000);
  });

  it('may take longer for the whole than it may be silent', async () => {
    provider.next({ tokens: Array.from({ length: 50 }, () => 'x'), delayMs: 50 });
    const started = performance.now();
    expect((await heard(aModel(undefined, { firstMs: 2000, idleMs: 2000 }))).text).toHaveLength(50);
    expect(performance.now() - started).toBeGreaterThan(2000);
  });

  it('is one of several, each with its own address, key and models', async () => {
    const other = await FakeProvider.start();
    const list = [
      { name: 'local', base_url: provider.url, models: ['small', 'shared'] },
      {
        name: 'cloud',
        base_url: `${other.url}/`,
        api_key: 'sk-of-the-cloud',
        models: ['shared', 'large'],
      },
    ];
    const model = aModel({ LLM_PROVIDERS: JSON.stringify(list), LLM_MODEL: 'large' });
    expect(model.models().map(({ id }) => id)).toEqual([
      'large',
      'small',
      'local/shared',
      'cloud/shared',
    ]);
    expect((await heard(model)).parts.at(-1)).toMatchObject({ model: 'large' });
    expect((await heard(model, ask({ model: 'small' }))).parts.at(-1)).toMatchObject({
      model: 'small',
    });
    await heard(model, ask({ model: 'cloud/shared' }));
    expect(provider.asked.map(({ body, headers }) => [body.model, headers.authorization])).toEqual([
      ['small', undefined],
    ]);
    expect(other.asked.map(({ body }) => body.model)).toEqual(['large', 'shared']);
    expect(
      other.asked.every(({ headers }) => headers.authorization === 'Bearer sk-of-the-cloud'),
    ).toBe(true);
    expect((await heard(model, ask({ model: 'huge' }))).error).toMatchObject({
      code: 'model_unknown',
    });
    await other.close();
  });
});

describe('a provider that fails', () => {
  const NOTHING = { tokens: [] };
  const cases: [string, Script, string, string][] = [
    ['refuses the key', { status: 401 }, 'provider_rejected', ''],
    ['forbids', { status: 403 }, 'provider_rejected', ''],
    ['does not know the model', { status: 404 }, 'provider_rejected', ''],
    ['refuses the question', { status: 400 }, 'provider_rejected', ''],
    [
      'wants more money',
      { status: 429, body: '{"error":{"code":"insufficient_quota"}}' },
      'provider_rate_limited',
      '',
    ],
    ['is asked too often', { status: 429 }, 'provider_rate_limited', ''],
    ['has a fault', { status: 500 }, 'provider_failed', ''],
    [
      'has a fault and no words for it',
      { status: 502, body: '<html>Bad gateway</html>' },
      'provider_failed',
      '',
    ],
    ['timed out itself', { status: 504 }, 'provider_timeout', ''],
    [
      'has moved',
      { status: 308, headers: { location: 'http://127.0.0.1:9/v1/chat/completions' } },
      'provider_rejected',
      '',
    ],
    ['tears the connection before a word', { cutAfter: 0 }, 'answer_cut', ''],
    ['tears the connection in the middle', { cutAfter: 2 }, 'answer_cut', 'Hello from'],
    [
      'ends without saying that it is the end',
      { withoutFinish: true },
      'answer_cut',
      'Hello from the fake provider.',
    ],
    ['answers nothing', { body: '' }, 'answer_cut', ''],
    ['says that it said nothing', NOTHING, 'answer_empty', ''],
    ['says blanks alone', { tokens: [' ', '\n'] }, 'answer_empty', ' \n'],
    [
      'thinks until its room is used up',
      { ...NOTHING, finishReason: 'length' },
      'answer_empty',
      '',
    ],
    ['filters everything', { ...NOTHING, finishReason: 'content_filter' }, 'answer_filtered', ''],
    ['sends garbage at once', { garbageAfter: 0 }, 'provider_failed', ''],
    ['sends garbage in the middle', { garbageAfter: 2 }, 'provider_failed', 'Hello from'],
    [
      'sends a page',
      { body: '<html>Welcome</html>', headers: { 'content-type': 'text/html' } },
      'answer_cut',
      '',
    ],
    [
      'sends JSON that is no answer',
      { body: 'data: {"choices":"none"}\n\n' },
      'provider_failed',
      '',
    ],
    ['breaks off with an error', { errorAfter: 2 }, 'provider_failed', 'Hello from'],
    [
      'breaks off for its limit',
      { body: 'data: {"error":{"message":"slow down","code":429}}\n\n' },
      'provider_rate_limited',
      '',
    ],
  ];

  it.each(cases)('because it %s is told so in words for people', async (_, script, code, text) => {
    provider.next(script);
    const answer = await heard(aModel());
    expect(answer).toMatchObject({ text, error: { name: 'ModelError', code } });
    expect(answer.error!.message).toMatch(/^[A-Z][^{}<>\n]{20,200}\.$/);
    for (const secret of SECRETS) expect(answer.error!.message).not.toContain(secret);
    expect(JSON.stringify(logged)).toContain(code);
    for (const secret of SECRETS.slice(0, 3)) expect(JSON.stringify(logged)).not.toContain(secret);
    expect(provider.asked).toHaveLength(1);
  });

  it('because it is not there', async () => {
    const server = createServer();
    const port = await portOf(server);
    await new Promise((resolve) => server.close(resolve));
    for (const url of [`http://127.0.0.1:${port}/v1`, 'http://no-such-host.invalid/v1']) {
      const { error } = await heard(aModel({ OPENAI_BASE_URL: url, OPENAI_API_KEY: KEY }));
      expect(error).toMatchObject({ code: 'provider_unreachable' });
      expect(error!.message).not.toMatch(/127|invalid|ECONN|ENOTFOUND|EAI/);
    }
  });

  it('is never followed to another address, so that keys and chats go nowhere else', async () => {
    let visits = 0;
    const trap = createServer((_, response) => {
      visits++;
      response.end();
    });
    const location = `http://127.0.0.1:${await portOf(trap)}/v1/chat/completions`;
    for (const status of [301, 302, 303, 307, 308]) {
      provider.next({ status, headers: { location } });
      expect((await heard(aModel())).error).toMatchObject({ code: 'provider_rejected' });
    }
    expect(visits).toBe(0);
    trap.close();
  });

  it.each<[string, Script, Partial<Limits>, string]>([
    ['does not even answer', { silent: true }, { firstMs: 100 }, ''],
    ['says nothing', { hangAfter: 0 }, { firstMs: 100 }, ''],
    ['falls silent', { hangAfter: 2 }, { idleMs: 1000 }, 'Hello from'],
    ['never comes to an end', { floodBytes: 200_000, delayMs: 100 }, { wholeMs: 2000 }, 'x'],
  ])(
    'because it %s is given up in time, and told to stop',
    async (_, script, limits, beginning) => {
      provider.next(script);
      const started = performance.now();
      const { error, text } = await heard(aModel(undefined, limits));
      expect(performance.now() - started).toBeLessThan(10_000);
      expect(error).toMatchObject({ name: 'ModelError', code: 'provider_timeout' });
      expect(text.startsWith(beginning)).toBe(true);
      await provider.asked[0]!.closed;
      expect(provider.asked[0]!.aborted).toBe(true);
    },
  );

  it.each([
    [200, 'megabytes that mean nothing'],
    [500, 'an error without an end'],
  ])('because it answers %s with %s is left soon', async (status) => {
    const chunk = Buffer.alloc(64 * 1024, 'x');
    let leave = (): void => {};
    const gone = new Promise<void>((resolve) => (leave = resolve));
    const endless = createServer((_, response) => {
      const more = (): void => {
        while (!response.destroyed && response.write(chunk));
      };
      response.once('close', leave).on('drain', more);
      response.writeHead(status).write('data: ');
      more();
    });
    const { error } = await heard(
      aModel({ OPENAI_BASE_URL: `http://127.0.0.1:${await portOf(endless)}/v1` }),
    );
    expect(error).toMatchObject({ code: 'provider_failed' });
    await gone;
    endless.close();
  });
});

describe('an answer', () => {
  it('of any length ends at 256 KiB with what is there, and the provider is told to stop', async () => {
    provider.next({ floodBytes: 64 * 1024 * 1024, usage: null });
    const { text, parts, error } = await heard(aModel());
    expect(error).toBeUndefined();
    expect(Buffer.byteLength(text)).toBe(ANSWER_BYTES_MAX);
    expect(parts.at(-1)).toMatchObject({
      type: 'end',
      finishReason: 'length',
      usage: { output_tokens: expect.any(Number) },
    });
    await provider.asked[0]!.closed;
    expect(provider.asked[0]!).toMatchObject({ aborted: true });
    expect(provider.asked[0]!.sent * 4096).toBeLessThan(8 * 1024 * 1024);
  });

  it('of exactly 256 KiB is whole, and is not cut within a character above it', async () => {
    const smiles = '😀'.repeat(ANSWER_BYTES_MAX / 4);
    provider.next({ tokens: [smiles], usage: null }, { tokens: ['.', smiles], usage: null });
    expect((await heard(aModel())).parts.at(-1)).toMatchObject({ finishReason: 'stop' });
    const { text, parts } = await heard(aModel());
    expect(parts.at(-1)).toMatchObject({ finishReason: 'length' });
    expect(text.isWellFormed()).toBe(true);
    expect(Buffer.byteLength(text)).toBe(ANSWER_BYTES_MAX - 3);
  });

  it('has nothing in it that cannot be stored, however it was cut into pieces', async () => {
    provider.next({ tokens: ['a\0b', '\ud83d', '\ude00 ', '\ude00', 'c', '\ud83d'] });
    const { text, parts } = await heard(aModel());
    expect(text).toBe('a\ufffdb😀 \ufffdc\ufffd');
    expect(
      parts.every(
        (part) => part.type !== 'delta' || (part.text !== '' && part.text.isWellFormed()),
      ),
    ).toBe(true);
  });

  it('is not read faster than it is taken', async () => {
    provider.next({ floodBytes: 64 * 1024 * 1024 });
    for await (const part of aModel().stream(ask(), never())) {
      expect(part.type).toBe('delta');
      await sleep(300);
      break;
    }
    await provider.asked[0]!.closed;
    expect(provider.asked[0]!.sent * 4096).toBeLessThan(8 * 1024 * 1024);
  });

  it('that nobody takes for a while does not count as the silence of the provider', async () => {
    provider.next({ tokens: ['a', 'b', 'c'], delayMs: 20 });
    const said: ModelPart[] = [];
    for await (const part of aModel(undefined, { firstMs: 60_000, idleMs: 1000 }).stream(
      ask(),
      never(),
    )) {
      said.push(part);
      await sleep(1300);
    }
    expect(said.at(-1)).toMatchObject({ type: 'end', finishReason: 'stop' });
  });
});

describe('stopping', () => {
  it.each<[string, Script, number]>([
    ['before the first word', { hangAfter: 0 }, 0],
    ['before the provider answers at all', { silent: true }, 0],
    ['in the middle', { hangAfter: 2 }, 2],
  ])('%s ends in an AbortError at once, and reaches the provider', async (_, script, words) => {
    provider.next(script);
    const stop = new AbortController();
    const answer = heard(aModel(), ask(), stop.signal);
    await provider.untilAsked(1);
    while (provider.asked[0]!.sent < words) await sleep(5);
    await sleep(50);
    stop.abort(new Error('of any reason'));
    const { error, parts } = await answer;
    expect(error).toMatchObject({ name: 'AbortError' });
    expect(parts).toHaveLength(words);
    await provider.asked[0]!.closed;
    expect(provider.asked[0]!.aborted).toBe(true);
    expect(logged).toEqual([]);
  });

  it('before the question was sent means that it is not sent', async () => {
    expect((await heard(aModel(), ask(), AbortSignal.abort())).error).toMatchObject({
      name: 'AbortError',
    });
    expect(provider.asked).toHaveLength(0);
  });

  it('by going away reaches the provider', async () => {
    provider.next({ hangAfter: 3 });
    for await (const part of aModel().stream(ask(), never())) if (part.type === 'delta') break;
    await provider.asked[0]!.closed;
    expect(provider.asked[0]!.aborted).toBe(true);
  });
});

it('two hundred answers at once are neither lost nor mixed up', async () => {
  provider.always(({ body }) => ({
    tokens: Array.from({ length: 20 }, (_, n) => `${body.messages[0].content}:${n} `),
    delayMs: 2,
  }));
  const model = aModel();
  const names = Array.from({ length: 200 }, (_, n) => `q${n}`);
  const answers = await Promise.all(
    names.map((content) => heard(model, ask({ messages: [{ role: 'user', content }] }))),
  );
  answers.forEach(({ text, error }, at) => {
    expect(error).toBeUndefined();
    expect(text).toBe(Array.from({ length: 20 }, (_, n) => `${names[at]}:${n} `).join(''));
  });
});
