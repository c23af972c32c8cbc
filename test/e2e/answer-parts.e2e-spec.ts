import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { KeyedQueue } from '../../src/common/keyed-queue.js';
import { Sweeper } from '../../src/modules/answer/sweeper.service.js';
import { AnswerReader } from '../support/answer-reader.js';
import { MODES, startTestApp, type TestApp, withClient } from '../support/app.js';
import { TestClient } from '../support/client.js';
import { FakeProvider, type Script } from '../support/fake-provider.js';
import { D, DONE, F, frame } from '../support/provider-turns.js';
import { TestSocket } from './realtime-client.js';
import { until } from '../support/machine-clock.js';

const PIXEL =
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAQAAAC1HAwCAAAAC0lEQVR42mNk+A8AAQUBAScY42YAAAAASUVORK5CYII=';
const INPUT = '{"id":1546130668394913822}';
const TURN = [
  { reasoning: 'let me ' },
  { reasoning: 'look' },
  'I look.',
  { tool: { id: 'c1', name: 'find', input: INPUT } },
];

describe.each(MODES)('answers with parts, words in %s', (mode) => {
  let provider: FakeProvider;
  let here: TestApp;
  let there: TestApp;
  let ann: TestClient;
  let annThere: TestClient;

  beforeAll(async () => {
    provider = await FakeProvider.start();
    const settings = provider.settings({
      SHUTDOWN_TIMEOUT_SECONDS: '0',
      LLM_FILES_BYTES_MAX: '16777216',
    });
    here = await startTestApp(mode, settings);
    there = await startTestApp(mode, settings, here.databaseUrl);
    ann = await TestClient.register(here.url);
    annThere = ann.at(there.url);
  });
  afterEach(() => provider.reset());
  afterAll(async () => {
    await here.close();
    await there.close();
    await provider.close();
  });

  const ask = async (script: Script, chatId?: string, more: object = {}) => {
    const id = chatId ?? (await ann.aChat()).id;
    provider.next(script);
    const { body } = await ann.post(`/chats/${id}/messages`, { question: 'Q?', ...more });
    return { id, body, told: provider.asked.at(-1)?.body.messages };
  };

  it('are stored, shown and streamed with them, to the last digit', async () => {
    const { id } = await ann.aChat();
    provider.next({ turn: TURN, usage: { prompt_tokens: 5, completion_tokens: 6 } });
    const reader = await AnswerReader.ask(ann, id, 'Q?');
    const { data: pair } = await reader.end();
    expect(pair).toMatchObject({
      status: 'complete',
      response: 'I look.',
      usage: { input_tokens: 5, output_tokens: 6, finish_reason: 'tool_calls' },
      response_parts: [
        { type: 'reasoning', text: 'let me look' },
        { type: 'text', text: 'I look.' },
        { type: 'tool_call', call_id: 'c1', name: 'find' },
      ],
    });
    const { text } = await ann.request('GET', `/api/v1/chats/${id}/messages/${pair.response_id}`);
    expect(text).toContain(`"input":${INPUT}`);
    const told = reader.frames.filter(({ event }) => event === 'message.part');
    expect(told.slice(0, 3).map(({ data }) => data.part)).toEqual([
      { type: 'reasoning', delta: 'let me ' },
      { type: 'reasoning', delta: 'look' },
      { type: 'reasoning', text: 'let me look' },
    ]);
    const numbers = reader.frames.flatMap(({ data }) => data.n ?? []);
    expect(numbers).toEqual(numbers.map((_, i) => i + 1));
    expect(told.at(-1)!.id).toBe(`${reader.accepted.generation_id}:${numbers.length}`);
  });

  it('come to sockets and readers of another instance in their order', async () => {
    const { id } = await ann.aChat();
    const sockets = [await TestSocket.on(ann, id, 0), await TestSocket.on(annThere, id, 0)];
    provider.next({ turn: TURN, gateAfter: 3 });
    const reader = await (await AnswerReader.ask(ann, id, 'Q?')).pieces(1);
    const elsewhere = await AnswerReader.follow(annThere, id, reader.accepted.response_id);
    await elsewhere.pieces(1);
    provider.release();
    expect((await elsewhere.end()).data).toEqual((await reader.end()).data);
    const said = ({ frames }: AnswerReader) =>
      frames.slice(1).map(({ event, data }) => [event, data]);
    expect(said(elsewhere)).toEqual(said(reader));
    for (const socket of sockets) {
      await socket.next('message.completed');
      const frames = socket.frames.filter(({ event }) => /delta|part/.test(event));
      expect(frames.map(({ data }) => data.from)).toEqual([
        1,
        ...frames.slice(0, -1).map(({ data }) => data.n + 1),
      ]);
      const parts = frames.flatMap(({ data }) =>
        data.part && !data.part.delta ? [data.part.type] : [],
      );
      expect(parts).toEqual(['reasoning', 'tool_call']);
      socket.close();
    }
  });

  it('are kept as far as they were put down, when their instance dies', async () => {
    const { id } = await ann.aChat();
    provider.next({ turn: TURN, hangAfter: 5 });
    const reader = await (await AnswerReader.ask(ann, id, 'Q?')).pieces(1);
    const follower = await AnswerReader.follow(annThere, id, reader.accepted.response_id);
    while (!follower.frames.some(({ data }) => data.part?.call_id))
      expect(await follower.next()).not.toBeNull();
    // It renews its lease, so it is as good as dead for a moment at a time.
    const ended = follower.end();
    const isOver = async () =>
      (await annThere.get(`/chats/${id}/messages/${reader.accepted.response_id}`)).body.status !==
      'streaming';
    while (!(await isOver())) {
      await withClient(here.databaseUrl, (client) =>
        client.query(`UPDATE generations SET lease_until = now() - interval '1 h'`),
      );
      await there.app.get(Sweeper, { strict: false }).run();
    }
    const { data } = await ended;
    reader.close();
    expect(data).toMatchObject({ status: 'interrupted', response: 'I look.' });
    expect(data.response_parts.at(-1)).toMatchObject({
      type: 'tool_call',
      input: INPUT.slice(0, 9),
    });
    expect(data.usage.output_tokens).toBeGreaterThan(0);
  });

  const many = Array.from({ length: 2000 }, (_, i) => D(`w${i} `)).join('');
  it.each<[string, Script, string]>([
    ['an error', { says: many + frame({ error: { message: 'overloaded', code: 503 } }) }, 'w1999 '],
    ['a reset', { says: many, cutAfter: 0 }, 'w1999 '],
    ['broken JSON', { says: `${many}data: {"x\n\n` }, 'w1999 '],
    ['no reason for the end', { says: D('Hello') + DONE }, 'Hello'],
    ['the reason error (A5)', { says: D('Part of it') + F('error') + DONE }, 'Part of it'],
  ])(
    'keep their words before %s, and are counted; the next one works (A3)',
    async (_, script, last) => {
      const before = (await ann.get('/usage')).body;
      const { id, body } = await ask(script);
      expect(body.status).toBe('failed');
      expect(body.response.endsWith(last)).toBe(true);
      expect(body.usage.output_tokens).toBeGreaterThan(0);
      const spent = JSON.stringify((await ann.get('/usage')).body);
      expect(spent).not.toBe(JSON.stringify(before));
      expect((await ask({}, id)).body.status).toBe('complete');
    },
  );

  it('are told again with calls and results; what was refused or failed is not (A1, A2)', async () => {
    const { id } = await ann.aChat();
    provider.always(({ body }) => {
      const said = body.messages.map(({ content }: any) => JSON.stringify(content)).join();
      const roles = body.messages
        .map(({ role }: any) => role)
        .filter((role: string) => role !== 'system');
      const twice = roles.some(
        (role: string, at: number) => role === roles[at + 1] && role !== 'tool',
      );
      if (said.includes('BADWORD'))
        return { status: 400, body: '{"error":{"code":"content_filter"}}' };
      return twice
        ? { status: 400 }
        : { turn: [{ tool: { id: 'c1', name: 'find', input: INPUT } }] };
    });
    const statuses: string[] = [];
    for (const question of ['hello', 'a BADWORD here', 'how is the weather?'])
      statuses.push((await ann.post(`/chats/${id}/messages`, { question })).body.status);
    expect(statuses).toEqual(['complete', 'failed', 'complete']);
    expect(provider.asked.at(-1)!.body.messages).toMatchObject([
      { role: 'user', content: 'hello' },
      { role: 'assistant', tool_calls: [{ id: 'c1', function: { arguments: INPUT } }] },
      { role: 'tool', tool_call_id: 'c1', content: expect.stringContaining('interrupted') },
      { role: 'user', content: 'how is the weather?' },
    ]);
    provider.next({ status: 500 });
    await ann.post(`/chats/${id}/messages`, { question: 'failed' });
    await ann.post(`/chats/${id}/messages`, { question: 'waits', response: null });
    for (const question of ['one', 'two'])
      expect((await ann.post(`/chats/${id}/messages`, { question })).body.status).toBe('complete');
    expect(JSON.stringify(provider.asked.at(-1)!.body.messages)).toContain('waits\\n\\none');
    expect(JSON.stringify(provider.asked.at(-1)!.body.messages)).not.toContain('failed');
  });

  it('are tried again by the model that the chat has now, or the one that is named (A10)', async () => {
    const { id } = await ann.aChat();
    await ann.patch(`/chats/${id}`, { model: 'gone' });
    const { body } = await ask({ status: 404 }, id);
    const path = `/chats/${id}/messages/${body.response_id}/retry`;
    await ann.patch(`/chats/${id}`, { model: 'newer' });
    provider.next({ status: 500 });
    expect((await ann.post(path, {})).body.model).toBe('newer');
    expect((await ann.post(path, { model: 'named' })).body).toMatchObject({
      status: 'complete',
      model: 'named',
    });
    expect(provider.asked.map(({ body: asked }) => asked.model)).toEqual([
      'gone',
      'newer',
      'named',
    ]);
    expect((await ann.post(path, { model: '' })).status).toBe(422);
  });

  it('are of the model that a post or an edit names, and a response that comes with it is', async () => {
    const { id } = await ann.aChat();
    const asked = await ask({}, id, { model: 'named' });
    expect([asked.body.status, asked.body.model]).toEqual(['complete', 'named']);
    const edited = await ann.post(`/chats/${id}/messages/${asked.body.response_id}/edit`, {
      ...{ question: 'R?', model: 'other' },
    });
    expect(edited.body).toMatchObject({ status: 'complete', model: 'other' });
    expect(provider.asked.map(({ body }) => body.model)).toEqual(['named', 'other']);
    const at = `/chats/${id}/messages`;
    const given = { question: 'Q?', response: 'R.', model: 'mine' };
    expect((await ann.post(at, given)).body.model).toBe('mine');
    const { body } = await ann.post(at, { pairs: [given, { ...given, model: null }] });
    expect(body.qa_pairs.map(({ model }: { model: string | null }) => model)).toEqual([
      'mine',
      null,
    ]);
    await ann.post(at, { question: 'open?', response: null });
    const late = await ann.post(at, { question: null, response: 'Late.', model: 'late' });
    expect(late.body).toMatchObject({ question: 'open?', response: 'Late.', model: 'late' });
    expect((await ann.get(at)).body.qa_pairs.at(-1).model).toBe('late');
    for (const model of ['', ' ', 7, 'm'.repeat(201)]) {
      const refused = await ann.post(at, { ...given, model });
      expect([refused.status, refused.body.errors[0].path]).toEqual([422, 'model']);
    }
  });

  it('are asked for again as they were: by retry, by regenerate, and of an inherited pair', async () => {
    const { id } = await ann.aChat();
    const settings = {
      ...{ instructions: 'Be brief.', temperature: 0.25, max_output_tokens: 77, seed: 7 },
      tools: [{ type: 'function', name: 'find', parameters: { type: 'object' } }],
      ...{ tool_choice: 'required', format: { type: 'json_object' }, stop: ['.'] },
    };
    const { body } = await ask({ status: 500 }, id, { settings });
    const pair = `/chats/${id}/messages/${body.response_id}`;
    expect([body.status, body.settings]).toEqual(['failed', settings]);
    provider.next({ cutAfter: 1 });
    expect((await ann.post(`${pair}/retry`, {})).body).toMatchObject({
      status: 'failed',
      settings,
    });
    await ann.aBranch(id, body.response_id);
    const inherited = await ann.post(`${pair}/retry`, {});
    expect(inherited.body).toMatchObject({ status: 'complete', settings });
    expect(inherited.body.chat_id).not.toBe(id);
    expect((await ann.post(`${pair}/regenerate`, {})).body).toMatchObject({ settings });
    const [first, ...again] = provider.asked.map((asked) => asked.body);
    expect(first).toMatchObject({ temperature: 0.25, max_tokens: 77, seed: 7, stop: ['.'] });
    expect(again).toEqual([first, first, first]);
    // Another question is asked in its own way.
    expect((await ann.post(`${pair}/edit`, { question: 'R?' })).body.settings).toBeNull();
  });

  it('to files that are too large together name one, and later ones tell of it', async () => {
    const { id } = await ann.aChat();
    const url = `data:image/png;base64,${PIXEL}`;
    const question_parts = [{ type: 'file', url, media_type: 'image/png', name: 'sky.png' }];
    const elsewhere = `/chats/${(await ann.aChat()).id}/messages`;
    const { body } = await ann.post(elsewhere, { question_parts, response: null });
    const { file_id } = body.question_parts[0];
    // What the row says is what is looked at, before any byte is read.
    const setBytes = (bytes: number) =>
      withClient(here.databaseUrl, (client) =>
        client.query('UPDATE file_blobs SET bytes = $1', [bytes]),
      );
    await setBytes(40_000_000);
    const again = [{ type: 'file', file_id, media_type: 'image/png', name: 'sky.png' }];
    const large = await ask({}, id, { question: undefined, question_parts: again });
    expect(large.body).toMatchObject({
      status: 'failed',
      error: {
        code: 'files_too_large',
        message: expect.stringMatching(/sky\.png \(38\.1 MiB\).*at most 16 MiB/),
      },
    });
    expect(provider.asked).toHaveLength(0);
    await ann.post(`/chats/${id}/messages`, { question_parts: again, response: 'Blue.' });
    const { told } = await ask({}, id);
    expect(JSON.stringify(told)).toContain('[File sky.png, image/png]');
    expect(told.at(-1)).toEqual({ role: 'user', content: 'Q?' });
    await setBytes(Buffer.from(PIXEL, 'base64').length);
  });

  it('of a post whose client left the queue do not begin, unless it has a key', async () => {
    const { id } = await ann.aChat();
    provider.next({ gateAfter: 1 });
    const first = await (await AnswerReader.ask(ann, id, 'first')).pieces(1);
    const line = jest.spyOn(KeyedQueue.prototype, 'run');
    const inLine = () => line.mock.calls.filter(([key]) => key.endsWith(`:${id}`)).length;
    const leave = async (question: string, headers?: Record<string, string>) => {
      const before = inLine();
      const abort = new AbortController();
      const post = fetch(`${ann.url}/api/v1/chats/${id}/messages`, {
        method: 'POST',
        headers: {
          authorization: `Bearer ${ann.token}`,
          'content-type': 'application/json',
          ...headers,
        },
        body: JSON.stringify({ question }),
        signal: abort.signal,
      }).catch(() => undefined);
      await until(() => inLine() > before, question);
      abort.abort();
      await post;
    };
    await leave('left');
    await leave('keyed', { 'idempotency-key': randomUUID() });
    line.mockRestore();
    await sleep(100);
    provider.release();
    await first.end();
    await ann.post(`/chats/${id}/messages`, { question: 'last' });
    const { body } = await ann.get(`/chats/${id}/messages`);
    expect(body.qa_pairs.map(({ question }: any) => question)).toEqual(['first', 'keyed', 'last']);
  });

  it('of a stream that waits for its turn have their headers at once, and its refusal (A9)', async () => {
    const { id } = await ann.aChat();
    provider.next({ gateAfter: 1 });
    const first = await (await AnswerReader.ask(ann, id, 'first')).pieces(1);
    const second = await AnswerReader.ask(ann, id, 'second');
    expect(second.response.headers.get('content-type')).toContain('event-stream');
    const refused = await AnswerReader.ask(ann, id, 'third', { parent_response_id: null });
    provider.release();
    await first.end();
    expect((await second.end()).data).toMatchObject({ question: 'second', status: 'complete' });
    expect(await refused.end()).toMatchObject({
      event: 'error',
      data: { code: 'branch_head_moved' },
    });
  });
});
