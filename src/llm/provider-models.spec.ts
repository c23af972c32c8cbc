import { setTimeout as sleep } from 'node:timers/promises';
import { Logger } from '@nestjs/common';
import { FakeProvider, type Script } from '../../test/support/fake-provider.js';
import { ask, heard, modelsOf, never } from '../../test/support/heard-model.js';
import type { ModelPart } from './language-model.js';
import type { Limits } from './patience.js';
import { ANSWER_BYTES_MAX } from './provider-answer.js';
import { ProviderModels } from './provider-models.js';
import { TokenCounter } from './token-counter.js';
import { undisturbed } from '../../test/support/machine-clock.js';

const KEY = 'sk-fake-provider-key';
let provider: FakeProvider;
let logged: unknown[];
const counter = new TokenCounter();

beforeAll(async () => void (provider = await FakeProvider.start()));
afterAll(() => Promise.all([provider.close(), counter.close()]));
beforeEach(() => {
  provider.reset();
  logged = [];
  Logger.overrideLogger({
    log: () => {},
    error: (line: unknown) => logged.push(line),
    warn: (line: unknown) => logged.push(line),
  });
});

const aModel = (settings = provider.settings(), limits: Partial<Limits> = {}): ProviderModels =>
  modelsOf(settings, counter, limits);

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
    // Half of the flood: the kernel takes some ten megabytes between the two, as it sees fit.
    expect(provider.asked[0]!.sent * 4096).toBeLessThan(32 * 1024 * 1024);
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
    // Half of the flood: the kernel takes some ten megabytes between the two, as it sees fit.
    expect(provider.asked[0]!.sent * 4096).toBeLessThan(32 * 1024 * 1024);
  });

  const isTakenSlowly = async (): Promise<void> => {
    provider.reset();
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
  };
  it('that nobody takes for a while does not count as the silence of the provider', () =>
    undisturbed(isTakenSlowly));
});

describe('stopping', () => {
  it.each<[string, Script, number]>([
    ['before the first word', { hangAfter: 0 }, 0],
    ['before the provider answers at all', { silent: true }, 0],
    ['in the middle', { hangAfter: 2 }, 2],
  ])('%s ends in an AbortError at once, and reaches the provider', (_, script, words) =>
    undisturbed(async () => {
      provider.reset();
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
    }),
  );

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
