import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import WebSocket from 'ws';
import { startTestApp, type TestApp } from '../support/app.js';
import { type Answer, TestClient } from '../support/client.js';
import { FakeProvider } from '../support/fake-provider.js';

/**
 * The cases of the acceptance suite of Open Responses (its ids are in the names), in our own words.
 */
const PICTURE =
  'data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==';
const HELLO = 'Hello from the fake provider.';
const TOOL = {
  type: 'function',
  name: 'get_weather',
  description: 'The weather somewhere',
  parameters: {
    type: 'object',
    properties: { location: { type: 'string' } },
    required: ['location'],
  },
};
const CALL = { tool: { id: 'call_1', name: 'get_weather', input: { location: 'Oslo' } } };
const user = (content: unknown) => ({ type: 'message', role: 'user', content });

let provider: FakeProvider;
let server: TestApp;
let ann: TestClient;

beforeAll(async () => {
  provider = await FakeProvider.start();
  server = await startTestApp('postgres', provider.settings());
  ann = await TestClient.register(server.url);
});
beforeEach(() => provider.reset());
afterAll(async () => {
  server.app.getHttpServer().closeAllConnections();
  await server.close();
  await provider.close();
});

const respond = (body: object, path = ''): Promise<Answer> =>
  ann.request('POST', `/v1/responses${path}`, { body: { model: 'fake-1', ...body } });
const told = (): any[] => provider.asked.at(-1)!.body.messages;
const texts = (): string[] =>
  told().map(({ content }) => (typeof content === 'string' ? content : JSON.stringify(content)));

describe('Open Responses', () => {
  it('basic-response', async () => {
    const { status, body } = await respond({ input: [user('Say hello')] });
    expect([status, body.object, body.status]).toEqual([200, 'response', 'completed']);
    expect(body.output).toMatchObject([
      {
        ...{ type: 'message', role: 'assistant', status: 'completed' },
        content: [{ type: 'output_text', text: HELLO, annotations: [] }],
      },
    ]);
  });

  it('streaming-response', async () => {
    const { text, headers } = await respond({ input: [user('Count')], stream: true });
    expect(headers.get('content-type')).toMatch(/^text\/event-stream/);
    const events = text.trim().split('\n\n');
    expect(events.pop()).toBe('data: [DONE]');
    const types = events.map((event) => JSON.parse(event.split('\ndata: ')[1]!).type);
    expect([types[0], types.at(-1)]).toEqual(['response.created', 'response.completed']);
    expect(types).toContain('response.output_text.delta');
  });

  it('system-prompt', async () => {
    const { body } = await respond({
      input: [{ type: 'message', role: 'system', content: 'You are a pirate.' }, user('Hello')],
    });
    expect([body.status, told()[0].role, texts()[0]]).toEqual([
      ...['completed', 'system', 'You are a pirate.'],
    ]);
  });

  it('multi-turn', async () => {
    const { body } = await respond({
      input: [
        user('My name is Ada.'),
        { type: 'message', role: 'assistant', content: 'Hello Ada.' },
        user('What is my name?'),
      ],
    });
    expect(body.status).toBe('completed');
    expect(texts()).toEqual(['My name is Ada.', 'Hello Ada.', 'What is my name?']);
  });

  it('response-output-phase-schema, assistant-phase', async () => {
    const said = (text: string, phase: string) => ({
      ...{ type: 'message', role: 'assistant', phase },
      content: [{ type: 'output_text', text, annotations: [] }],
    });
    const { status, body } = await respond({
      input: [
        user('What is 2 + 2?'),
        said('Let me think.', 'commentary'),
        said('It is 4.', 'final_answer'),
        user('Sure?'),
      ],
    });
    expect([status, body.status]).toEqual([200, 'completed']);
    const { phase } = body.output[0];
    expect([undefined, 'commentary', 'final_answer']).toContain(phase);
    expect(texts().join('\n')).toMatch(/Let me think\.[^]*It is 4\./);
  });

  it('tool-calling, tool-calling-streaming, function-call-roundtrip', async () => {
    provider.next(
      { turn: [CALL], finishReason: 'tool_calls' },
      { turn: [CALL], finishReason: 'tool_calls' },
    );
    const { body } = await respond({ input: [user('Weather in Oslo?')], tools: [TOOL] });
    expect(body.output).toMatchObject([
      { type: 'function_call', name: 'get_weather', arguments: '{"location":"Oslo"}' },
    ]);
    const { text } = await respond({
      input: [user('Weather there?')],
      tools: [TOOL],
      stream: true,
    });
    expect(text).toContain('event: response.function_call_arguments.done');
    const { type, call_id, name, arguments: input } = body.output[0];
    const whole = await respond({
      input: [
        user('Weather in Oslo?'),
        { type, call_id, name, arguments: input },
        { type: 'function_call_output', call_id, output: '{"temperature":7}' },
      ],
      tools: [TOOL],
    });
    expect(whole.body.output[0].content[0].text).toBe(HELLO);
    expect(whole.body.previous_response_id).toBe(body.id);
  });

  it('image-input, file-input', async () => {
    const content = [
      { type: 'input_text', text: 'What is this?' },
      { type: 'input_image', image_url: PICTURE },
    ];
    const { body } = await respond({ input: [user(content)] });
    expect([body.status, told()[0].content[1].image_url.url]).toEqual(['completed', PICTURE]);
    const apart = await respond({ input: [user(content)], store: false });
    expect([apart.body.status, told()[0].content[1].image_url.url]).toEqual(['completed', PICTURE]);
    const file = {
      type: 'input_file',
      filename: 'a.txt',
      file_data: 'data:text/plain;base64,aGFsbG8=',
    };
    expect((await respond({ input: [user([file])] })).body.status).toBe('completed');
  });

  it('previous-response-id', async () => {
    const first = await respond({ input: 'one' });
    const second = await respond({ input: 'two', previous_response_id: first.body.id });
    expect(second.body.previous_response_id).toBe(first.body.id);
    expect(texts()).toEqual(['one', HELLO, 'two']);
  });

  it('compact-response', async () => {
    const { status, body } = await respond({ input: [user('one'), user('two')] }, '/compact');
    expect([status, body.object]).toEqual([200, 'response.compaction']);
    expect(body).toMatchObject({
      ...{ id: expect.any(String), created_at: expect.any(Number) },
      usage: { input_tokens: expect.any(Number), output_tokens: expect.any(Number) },
    });
    expect(body.output.at(-1)).toEqual({
      ...{ type: 'compaction', id: expect.any(String), encrypted_content: expect.any(String) },
    });
  });

  it('compact-missing-model', async () => {
    const { status, body } = await ann.request('POST', '/v1/responses/compact', {
      body: { input: 'one' },
    });
    expect([status, body.error.param]).toEqual([400, 'model']);
  });
});

/** One socket, on which events come in order. */
class Socket {
  private readonly events: any[] = [];
  private wake: (() => void) | null = null;

  private constructor(private readonly socket: WebSocket) {
    socket.on('message', (data) => {
      this.events.push(JSON.parse(String(data)));
      this.wake?.();
    });
  }

  static async open(token = ann.token): Promise<Socket> {
    const socket = new WebSocket(`${server.url.replace('http', 'ws')}/v1/responses`, {
      headers: { authorization: `Bearer ${token}` },
    });
    const opened = new Socket(socket);
    await new Promise((resolve, reject) => socket.once('open', resolve).once('error', reject));
    return opened;
  }

  send(body: object): void {
    this.socket.send(JSON.stringify({ type: 'response.create', model: 'fake-1', ...body }));
  }

  /** The events of one response, up to the last one. */
  async read(): Promise<any[]> {
    const seen: any[] = [];
    for (;;) {
      while (this.events.length === 0) await new Promise<void>((resolve) => (this.wake = resolve));
      seen.push(this.events.shift());
      if (/^(error|response\.(completed|failed|incomplete))$/.test(seen.at(-1).type)) return seen;
    }
  }

  /** Asks for a response. */
  ask(body: object): Promise<any[]> {
    this.send(body);
    return this.read();
  }

  /** The response at the end of its events. */
  async respond(body: object): Promise<any> {
    const last = (await this.ask(body)).at(-1);
    return last.response ?? last;
  }

  close(): void {
    this.socket.close();
  }
}

describe('Open Responses on a socket', () => {
  const stateless = { store: false };

  it('websocket-response, websocket-sequential-responses', async () => {
    const socket = await Socket.open();
    const events = await socket.ask({ input: [user('Hello')] });
    expect(events.map(({ type }) => type)).toEqual(
      expect.arrayContaining(['response.created', 'response.output_text.delta']),
    );
    expect(events.at(-1)).toMatchObject({
      ...{ type: 'response.completed', response: { status: 'completed', store: true } },
    });
    for (const input of ['two', 'three'])
      expect((await socket.respond({ input })).status).toBe('completed');
    socket.close();
  });

  it('takes frames that come at once one after the other', async () => {
    const socket = await Socket.open();
    for (const input of ['one', 'two']) socket.send({ input, ...stateless });
    for (const input of ['one', 'two']) {
      expect((await socket.read()).at(-1).type).toBe('response.completed');
      expect(provider.asked.map(({ body }) => body.messages[0].content)).toContain(input);
    }
    socket.close();
  });

  it.each([true, false])('websocket-continuation, stored: %s', async (store) => {
    const socket = await Socket.open();
    const first = await socket.respond({ input: 'one', store });
    const second = await socket.respond({ input: 'two', store, previous_response_id: first.id });
    expect([second.status, texts()]).toEqual(['completed', ['one', HELLO, 'two']]);
    await socket.respond({ input: 'three', store, previous_response_id: second.id });
    expect(texts()).toEqual(['one', HELLO, 'two', HELLO, 'three']);
    socket.close();
  });

  it('websocket-reconnect-store-false-recovery', async () => {
    const before = await Socket.open();
    const first = await before.respond({ input: 'one', ...stateless });
    before.close();
    const socket = await Socket.open();
    const lost = await socket.respond({
      input: 'two',
      ...stateless,
      previous_response_id: first.id,
    });
    expect(lost).toMatchObject({
      ...{ type: 'error', status: 400 },
      error: { code: 'previous_response_not_found', param: 'previous_response_id' },
    });
    const input = [user('one'), { role: 'assistant', content: HELLO }, user('two')];
    expect((await socket.respond({ input, ...stateless })).status).toBe('completed');
    socket.close();
  });

  it('websocket-previous-response-not-found', async () => {
    const socket = await Socket.open();
    // The suite makes up an id of its own, which is none of ours.
    for (const id of ['00000000-0000-7000-8000-000000000000', 'openresponses_missing_1780000000'])
      for (const store of [true, false])
        expect(
          await socket.respond({ input: 'x', store, previous_response_id: `resp_${id}` }),
        ).toMatchObject({
          ...{ type: 'error', status: 400 },
          error: { code: 'previous_response_not_found', param: 'previous_response_id' },
        });
    expect((await socket.respond({ input: 'x' })).status).toBe('completed');
    socket.close();
  });

  it('websocket-failed-continuation-evicts-cache', async () => {
    const socket = await Socket.open();
    const first = await socket.respond({ input: 'one', ...stateless });
    const on = { ...stateless, previous_response_id: first.id };
    const output = { type: 'function_call_output', call_id: 'nobodys', output: 'x' };
    expect(await socket.respond({ ...on, input: [output] })).toMatchObject({
      ...{ type: 'error', status: 400, error: { param: 'input' } },
    });
    expect(await socket.respond({ ...on, input: 'two' })).toMatchObject({
      error: { code: 'previous_response_not_found' },
    });
    socket.close();
  });

  it('websocket-compact-new-chain', async () => {
    const socket = await Socket.open();
    const first = await socket.respond({ input: 'one' });
    provider.next({ tokens: ['In short: one.'] });
    const short = await respond({ previous_response_id: first.id }, '/compact');
    const chain = await socket.respond({ input: [...short.body.output, user('two')] });
    expect([chain.status, texts().join('\n')]).toEqual([
      'completed',
      expect.stringContaining('In short: one.'),
    ]);
    expect(chain.metadata.branch_id).not.toBe(first.metadata.branch_id);
    socket.close();
  });

  it('says what is wrong with a frame, and goes on', async () => {
    const socket = await Socket.open();
    for (const [body, param] of [
      [{ type: 'response.stop' }, 'type'],
      [{ input: 'x', top_logprobs: 3 }, 'top_logprobs'],
      [{ input: 'x', generate: false }, 'generate'],
      [{ input: 'x', background: true }, 'background'],
    ] as const)
      expect(await socket.respond(body)).toMatchObject({ status: 400, error: { param } });
    expect((await socket.respond({ input: 'x' })).status).toBe('completed');
    socket.close();
  });

  it('opens for nobody without a token', async () => {
    await expect(Socket.open('nobody')).rejects.toThrow(/401/);
  });
});
