import { Logger } from '@nestjs/common';
import { FakeProvider, type Script } from '../../test/support/fake-provider.js';
import { ask, heard as heardOf, modelsOf } from '../../test/support/heard-model.js';
import { D, DONE, F, frame } from '../../test/support/provider-turns.js';
import { exactJson } from '../common/exact-json.js';
import type { ModelMessage, ModelRequest } from './language-model.js';
import type { Limits } from './patience.js';
import { requestOf } from './settings.js';
import { TokenCounter } from './token-counter.js';

const PNG = Buffer.from('89504e470d0a1a0a', 'hex');
const counter = new TokenCounter();
let provider: FakeProvider;

beforeAll(async () => {
  Logger.overrideLogger(false);
  provider = await FakeProvider.start();
});
afterAll(() => Promise.all([provider.close(), counter.close()]));
beforeEach(() => provider.reset());

async function heard(
  script: Script,
  request: Partial<ModelRequest> = {},
  limits: Partial<Limits> = {},
) {
  provider.next(script);
  const model = modelsOf(provider.settings(), counter, limits);
  const { parts, text, error } = await heardOf(model, ask(request));
  const whole = parts.flatMap((part) => (part.type === 'part' ? [part.part] : []));
  const end = parts.find((part) => part.type === 'end');
  return { parts, text, whole, end, error, body: provider.asked.at(-1)!.body };
}

describe('a provider is asked', () => {
  it('with tools, a choice, a format, and how it shall draw its words', async () => {
    const settings = {
      tools: [
        {
          type: 'function' as const,
          name: 'weather',
          description: 'Now',
          parameters: { type: 'object', properties: { city: { type: 'string' } } },
          strict: true,
        },
        { type: 'function' as const, name: 'time' },
      ],
      tool_choice: { type: 'function' as const, name: 'weather' },
      parallel_tool_calls: false,
      format: {
        type: 'json_schema' as const,
        name: 'answer',
        schema: { type: 'object', properties: {} },
        strict: true,
      },
      reasoning: { effort: 'low' },
      verbosity: 'low',
      seed: 7,
      presence_penalty: 0.25,
      frequency_penalty: -0.5,
    };
    const { body } = await heard({}, { ...requestOf(settings), more: { user: 'u1' } });
    expect(body).toMatchObject({
      tools: [
        {
          type: 'function',
          function: {
            name: 'weather',
            description: 'Now',
            parameters: settings.tools[0]!.parameters,
            strict: true,
          },
        },
        {
          type: 'function',
          function: { name: 'time', parameters: { type: 'object', properties: {} } },
        },
      ],
      tool_choice: { type: 'function', function: { name: 'weather' } },
      parallel_tool_calls: false,
      response_format: {
        type: 'json_schema',
        json_schema: { name: 'answer', schema: settings.format.schema, strict: true },
      },
      reasoning_effort: 'low',
      verbosity: 'low',
      ...{ seed: 7, presence_penalty: 0.25, frequency_penalty: -0.5, user: 'u1' },
    });
  });

  it('with the allowed tools alone, and for any JSON', async () => {
    const tools = ['a', 'b'].map((name) => ({ type: 'function' as const, name }));
    const tool_choice = {
      type: 'allowed_tools' as const,
      mode: 'required' as const,
      tools: [{ type: 'function' as const, name: 'b' }],
    };
    const format = { type: 'json_object' as const };
    const { body } = await heard({}, requestOf({ tools, tool_choice, format }));
    expect(body.tools.map((tool: any) => tool.function.name)).toEqual(['b']);
    expect(body.tool_choice).toBe('required');
    expect(body.response_format).toEqual({ type: 'json_object' });
  });

  it('with pictures, sound, PDF and text as they came, and the names of all else', async () => {
    const file = (media_type: string, more: object) => ({
      type: 'file' as const,
      media_type,
      ...more,
    });
    const { body } = await heard(
      {},
      {
        readFile: ({ file_id }) =>
          Promise.resolve(file_id === 'f1' ? { data: PNG, media_type: 'image/png' } : null),
        messages: [
          {
            role: 'user',
            content: [
              { type: 'text', text: 'What is it?' },
              file('image/png', { file_id: 'f1' }),
              file('image/jpeg', { url: 'https://example.com/a.jpg', detail: 'low' }),
              file('application/pdf', { url: 'data:application/pdf;base64,AAEC', name: 'a.pdf' }),
              file('audio/wav', { url: 'data:audio/wav;base64,AAEC' }),
              file('text/csv', { url: 'data:text/csv,a%2Cb', name: 'a.csv' }),
              file('application/zip', { url: 'data:application/zip;base64,AAEC', name: 'a.zip' }),
              file('image/png', { file_id: 'gone', name: 'gone.png' }),
            ],
          },
        ],
      },
    );
    expect(body.messages[0].content).toEqual([
      { type: 'text', text: 'What is it?' },
      {
        type: 'image_url',
        image_url: { url: `data:image/png;base64,${PNG.toString('base64')}` },
      },
      { type: 'image_url', image_url: { url: 'https://example.com/a.jpg', detail: 'low' } },
      {
        type: 'file',
        file: { filename: 'a.pdf', file_data: 'data:application/pdf;base64,AAEC' },
      },
      { type: 'input_audio', input_audio: { data: 'AAEC', format: 'wav' } },
      { type: 'text', text: 'a.csv:\na,b' },
      { type: 'text', text: '[File a.zip, application/zip]' },
      { type: 'text', text: '[File gone.png, image/png]' },
    ]);
  });

  it('with the names of who speaks', async () => {
    const messages: ModelMessage[] = [
      { role: 'system', content: 'Be brief.', name: 'boss' },
      { role: 'user', content: 'Who?', name: 'ada' },
      { role: 'assistant', content: 'I.', name: 'bot' },
      {
        role: 'user',
        content: ['And?', 'Why?'].map((text) => ({ type: 'text', text })),
        name: 'bob',
      },
    ];
    expect((await heard({}, { messages })).body.messages).toEqual(messages);
  });

  it('with calls, results and thoughts in their form, to the last digit', async () => {
    const { whole } = await heard({
      turn: [{ tool: { id: 'c1', name: 'find', input: '{"id":1546130668394913822}' } }],
    });
    const { body } = await heard(
      {},
      {
        messages: [
          { role: 'user', content: 'Find it.' },
          {
            role: 'assistant',
            content: [
              {
                type: 'reasoning',
                text: 'hm',
                opaque: { reasoning_details: [{ type: 'x', data: 'secret' }] },
              },
              { type: 'text', text: 'I look.' },
              ...(whole as any[]),
              { type: 'tool_call', call_id: 'c2', name: 'find', input: '{"broken' },
            ],
          },
          {
            role: 'tool',
            content: [
              {
                type: 'tool_result',
                call_id: 'c1',
                name: 'find',
                output: [
                  { type: 'text', text: 'here' },
                  { type: 'file', media_type: 'image/png', url: 'data:image/png;base64,AAEC' },
                ],
              },
              { type: 'tool_result', call_id: 'c2', name: 'find', output: { ok: false } },
            ],
          },
          { role: 'user', content: 'And?' },
        ],
      },
    );
    expect(body.messages.slice(1)).toEqual([
      {
        role: 'assistant',
        content: 'I look.',
        reasoning_content: 'hm',
        reasoning_details: [{ type: 'x', data: 'secret' }],
        tool_calls: [
          {
            id: 'c1',
            type: 'function',
            function: { name: 'find', arguments: '{"id":1546130668394913822}' },
          },
          {
            id: 'c2',
            type: 'function',
            function: { name: 'find', arguments: '{"input":"{\\"broken"}' },
          },
        ],
      },
      { role: 'tool', tool_call_id: 'c1', content: 'here\n[File without a name, image/png]' },
      { role: 'tool', tool_call_id: 'c2', content: '{"ok":false}' },
      {
        role: 'user',
        content: [
          { type: 'image_url', image_url: { url: 'data:image/png;base64,AAEC' } },
          { type: 'text', text: 'And?' },
        ],
      },
    ]);
  });
});

describe('what a provider says', () => {
  it('comes as thoughts, text and calls, as they grow and whole', async () => {
    const { parts, whole, end } = await heard({
      turn: [
        { reasoning: 'let me ' },
        { reasoning: 'see' },
        'I call.',
        { tool: { id: 'c1', name: 'weather', input: { city: 'Paris' } } },
        { tool: { id: 'c2', name: 'time', input: {} } },
      ],
    });
    expect(whole).toEqual([
      { type: 'reasoning', text: 'let me see' },
      { type: 'tool_call', call_id: 'c1', name: 'weather', input: { city: 'Paris' } },
      { type: 'tool_call', call_id: 'c2', name: 'time', input: {} },
    ]);
    expect(parts.slice(0, 4)).toEqual([
      { type: 'reasoning', text: 'let me ' },
      { type: 'reasoning', text: 'see' },
      { type: 'part', part: whole[0] },
      { type: 'delta', text: 'I call.' },
    ]);
    const inputs = parts.flatMap((part) =>
      part.type === 'tool_input' && part.call_id === 'c1' ? [part.delta] : [],
    );
    expect(inputs.length).toBeGreaterThan(1);
    expect(inputs.join('')).toBe('{"city":"Paris"}');
    expect(end).toMatchObject({ finishReason: 'tool_calls' });
  });

  it('has its digits, and an input that is no JSON as a text', async () => {
    const { whole } = await heard({
      turn: [
        { tool: { name: 'a', input: '{"id":1546130668394913822,"x":"a\\u0000b"}' } },
        { tool: { name: 'b', input: '{"id":' } },
      ],
    });
    const [first, second] = whole as any[];
    expect(exactJson(first.input)).toBe('{"id":1546130668394913822,"x":"a\ufffdb"}');
    expect(second.input).toBe('{"id":');
  });

  it('may be sources, a refusal, and thoughts that only it can read', async () => {
    const cited = { type: 'url_citation', url_citation: { url: 'https://a.example', title: 'A' } };
    const detail = (data: string) => ({ type: 'reasoning.encrypted', index: 0, data });
    const { whole, end } = await heard({
      turn: [
        { delta: { reasoning_details: [detail('ab')] } },
        { delta: { reasoning_details: [detail('cd')] } },
        { delta: { content: 'See.', annotations: [cited, cited] } },
        { delta: { refusal: 'I will ' } },
        { delta: { refusal: 'not.' } },
      ],
    });
    expect(whole).toEqual([
      { type: 'reasoning', text: '', opaque: { reasoning_details: [detail('abcd')] } },
      { type: 'refusal', text: 'I will not.' },
      { type: 'source', url: 'https://a.example', title: 'A' },
    ]);
    expect(end).toMatchObject({ finishReason: 'stop' });
  });

  it('is heard through frames that mean nothing (A4)', async () => {
    const says =
      frame({ id: 'c1', object: 'chat.completion.chunk' }) +
      D('Hel') +
      'data:\n\n' +
      'data: \n\n' +
      ': comment\n\n' +
      frame(17) +
      frame({ choices: null }) +
      D('lo') +
      F('stop') +
      DONE;
    expect(await heard({ says })).toMatchObject({
      text: 'Hello',
      end: { finishReason: 'stop' },
      error: undefined,
    });
  });

  it.each([
    ['error', 'error'],
    ['weird', 'other'],
    ['length', 'length'],
    ['content_filter', 'content_filter'],
  ])('that ends with %s is not told as whole (A5)', async (raw, finishReason) => {
    const { text, end } = await heard({ says: D('Part of it') + F(raw) + DONE });
    expect([text, end]).toMatchObject(['Part of it', { finishReason }]);
  });

  const many = Array.from({ length: 2000 }, (_, i) => D(`w${i} `)).join('');
  const overloaded = { error: { message: 'overloaded', code: 503 } };
  it.each<[string, Script, string, number]>([
    ['an error among its frames', { says: many + frame(overloaded) }, 'provider_failed', 2000],
    ['a reset', { says: many, cutAfter: 0 }, 'answer_cut', 2000],
    ['broken JSON', { says: `${many}data: {"cho\n\n` }, 'provider_failed', 2000],
    ['silence', { says: many, hangAfter: 0 }, 'provider_timeout', 2000],
    ['no reason for its end', { says: D('w0 ') + DONE }, 'answer_cut', 1],
  ])('before %s is heard, and counted (A3)', async (_, script, code, words) => {
    const { text, error, end } = await heard(script, {}, { idleMs: 400 });
    expect(text.split(' ')).toHaveLength(words + 1);
    expect(end).toBeUndefined();
    expect(error).toMatchObject({ name: 'ModelError', code });
    expect(error!.usage!.input_tokens).toBeGreaterThan(0);
    expect(error!.usage!.output_tokens).toBeGreaterThan(words - 1);
  });

  it.each([
    ['insufficient_quota', 'provider_rate_limited'],
    ['rate_limit_exceeded', 'provider_rate_limited'],
    [429, 'provider_rate_limited'],
    ['content_filter', 'question_filtered'],
    ['context_length_exceeded', 'provider_rejected'],
    ['server_error', 'provider_failed'],
  ])('is an error with the code %s within a stream: %s (A7)', async (code, understood) => {
    const { error, text } = await heard({
      says: D('a') + frame({ error: { message: 'x', code } }),
    });
    expect([text, error!.code]).toEqual(['a', understood]);
  });

  it('is no call where its input broke off, and thoughts are kept', async () => {
    const call = { index: 0, id: 'c1', function: { name: 'a', arguments: '{"x":' } };
    const says =
      frame({ choices: [{ delta: { reasoning: 'hm' } }] }) +
      frame({ choices: [{ delta: { tool_calls: [call] } }] });
    const { whole, error, parts } = await heard({ says });
    expect(whole).toEqual([{ type: 'reasoning', text: 'hm' }]);
    expect(parts).toContainEqual({ type: 'tool_input', call_id: 'c1', name: 'a', delta: '{"x":' });
    expect(error).toMatchObject({ code: 'answer_cut' });
  });

  it('takes what it says it took, and what it does not say is counted or absent (A11)', async () => {
    const usage = {
      prompt_tokens: 9,
      completion_tokens: null,
      prompt_tokens_details: { cached_tokens: 4 },
      completion_tokens_details: { reasoning_tokens: 3 },
    };
    const first = await heard({ tokens: ['hello', ' world'], usage });
    expect(first.end).toMatchObject({
      usage: { input_tokens: 9, cached_tokens: 4, output_tokens: 2, reasoning_tokens: 3 },
    });
    const { end } = await heard({
      tokens: ['a'],
      usage: { prompt_tokens: 1, completion_tokens: 1 },
    });
    expect(Object.keys(end!.usage)).toEqual(['input_tokens', 'output_tokens']);
  });

  it('ends at the limit of what is no text, too', async () => {
    const turn = Array.from({ length: 60 }, () => ({ reasoning: 'x'.repeat(10_000) }));
    const { parts, end, error } = await heard({ turn: ['word', ...turn] });
    const bytes = parts.reduce(
      (sum, part) => sum + (part.type === 'reasoning' ? part.text.length : 0),
      0,
    );
    expect([bytes < 512 * 1024, end, error]).toMatchObject([
      true,
      { finishReason: 'length' },
      undefined,
    ]);
  });
});
