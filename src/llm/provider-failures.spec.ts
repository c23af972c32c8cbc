import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Logger } from '@nestjs/common';
import { FakeProvider, type Script } from '../../test/support/fake-provider.js';
import { heard, modelsOf } from '../../test/support/heard-model.js';
import type { Limits } from './patience.js';
import { ProviderModels } from './provider-models.js';
import { TokenCounter } from './token-counter.js';

const KEY = 'sk-fake-provider-key';
const SECRETS = ['127.0.0.1', KEY, 'secret words', 'ECONN'];
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

async function portOf(server: Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return (server.address() as AddressInfo).port;
}

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
