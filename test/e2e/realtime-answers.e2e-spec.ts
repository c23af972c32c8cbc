import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { MODES, startTestApp, type TestApp, withClient } from '../support/app.js';
import { AnswerReader } from '../support/answer-reader.js';
import { TestClient } from '../support/client.js';
import { FakeProvider, words } from '../support/fake-provider.js';
import { type Frame, TestSocket, TestStream } from './realtime-client.js';
import { until } from '../support/machine-clock.js';

const upwards = (count: number): number[] => Array.from({ length: count }, (_, i) => i + 1);
const isDelta = ({ event }: Frame): boolean => event === 'message.delta';

/**
 * What a client shows that follows the rule of `asyncapi.yaml`: a frame from 1 begins the answer
 * anew, others go on behind the last one.
 */
function shownOf(frames: readonly Frame[], responseId: string): string {
  let [text, last] = ['', 0];
  for (const { data } of frames.filter(
    (frame) => isDelta(frame) && frame.data.response_id === responseId,
  )) {
    if (data.from === 1) [text, last] = ['', 0];
    expect(data.from).toBe(last + 1);
    [text, last] = [text + data.delta, data.n];
  }
  return text;
}

/** What is told of a pair, without repetitions. */
const orderOf = (frames: readonly Frame[], responseId: string): string[] =>
  frames
    .filter(({ data }) => data?.response_id === responseId)
    .map(({ event }) => event)
    .filter((event, i, all) => event !== all[i - 1]);

describe.each(MODES)('pieces of answers, words in %s', (mode) => {
  let provider: FakeProvider;
  let here: TestApp;
  let there: TestApp;
  let ann: TestClient;
  let annThere: TestClient;
  const open: { close(): void }[] = [];
  const keep = async <One extends { close(): void }>(making: Promise<One>): Promise<One> => {
    const one = await making;
    open.push(one);
    return one;
  };

  beforeAll(async () => {
    provider = await FakeProvider.start();
    const settings = provider.settings({ ANSWERS_PER_ACCOUNT: '0', SHUTDOWN_TIMEOUT_SECONDS: '0' });
    here = await startTestApp(mode, settings);
    there = await startTestApp(mode, settings, here.databaseUrl);
    ann = await TestClient.register(here.url);
    annThere = ann.at(there.url);
  });
  afterEach(() => {
    provider.reset();
    open.splice(0).forEach((one) => one.close());
  });
  afterAll(async () => {
    await Promise.all([here.close(), there.close()]);
    await provider.close();
  });

  it('are told between the beginning and the end of each answer, however much else is said in the conversation', async () => {
    const root = await ann.aChat(1);
    const socket = await keep(TestSocket.on(ann, root.id));
    const others = await Promise.all(upwards(4).map(() => ann.aBranch(root.id, root.pairs[0]!)));
    provider.always({ tokens: words(3), delayMs: 5 });
    let isOver = false;
    const writers = others.map(async (branch) => {
      while (!isOver) await ann.append(branch, 'in between');
    });
    const answers: { response_id: string; response: string }[] = [];
    for (const n of upwards(10))
      answers.push((await ann.post(`/chats/${root.id}/messages`, { question: `q${n}` })).body);
    isOver = true;
    await Promise.all(writers);
    for (const { response_id: id, response } of answers) {
      await until(() => orderOf(socket.frames, id).includes('message.completed'), 'the end');
      expect(orderOf(socket.frames, id)).toEqual([
        'message.created',
        'message.delta',
        'message.completed',
      ]);
      expect(shownOf(socket.frames, id)).toBe(response);
    }
  });

  it('are the whole answer when they are joined, at every instance, by socket and by stream', async () => {
    const { id } = await ann.aChat();
    const sockets = [
      await keep(TestSocket.on(ann, id, 0)),
      await keep(TestSocket.on(annThere, id, 0)),
    ];
    const stream = await keep(TestStream.open(annThere, `chat_id=${id}&since=0`));
    provider.next({ tokens: words(40), delayMs: 10, gateAfter: 30 });
    const asking = ann.post(`/chats/${id}/messages`, { question: 'q' });
    // What is told elsewhere before the end may not be told again.
    await until(
      () => sockets[1]!.frames.some(({ event, data }) => event === 'message.delta' && data.n > 5),
      'pieces elsewhere',
    );
    provider.release();
    const { body } = await asking;
    await until(() => stream.records.some(({ event }) => event === 'message.completed'), 'the end');
    for (const socket of sockets) await socket.next('message.completed');
    for (const frames of [
      ...sockets.map((socket) => socket.frames),
      stream.records.map(({ data }) => data as Frame),
    ]) {
      expect(orderOf(frames, body.response_id)).toEqual([
        'message.created',
        'message.delta',
        'message.completed',
      ]);
      expect(shownOf(frames, body.response_id)).toBe(body.response);
      expect(frames.filter((frame) => isDelta(frame) && frame.data.from === 1)).toHaveLength(1);
      const place = { response_id: body.response_id, chat_id: id, root_chat_id: id };
      expect(frames.find(isDelta)!.data).toEqual({
        ...place,
        from: 1,
        n: expect.any(Number),
        delta: expect.any(String),
      });
    }
  });

  it('go on for a client that moves to another instance in the middle of an answer, and back', async () => {
    const { id } = await ann.aChat();
    // Somebody else reads there already: what that one was told does not come by itself again.
    const [first, other] = [
      await keep(TestSocket.on(ann, id)),
      await keep(TestSocket.on(annThere, id)),
    ];
    provider.next({ tokens: words(40), delayMs: 5, gateAfter: 20 });
    const asking = ann.post(`/chats/${id}/messages`, { question: 'q' });
    for (const socket of [first, other])
      await until(() => socket.frames.some(({ data }) => data?.n === 20), '20 pieces');
    first.close();
    const moved = await keep(TestSocket.on(annThere, id));
    await until(() => moved.frames.some(({ data }) => data?.n === 20), '20 pieces');
    moved.close();
    const back = await keep(TestSocket.on(ann, id));
    await until(() => back.frames.some(({ data }) => data?.n === 20), '20 pieces');
    const stayed = await keep(TestSocket.on(annThere, id));
    provider.release();
    const { body } = await asking;
    for (const socket of [other, back, stayed]) await socket.next('message.completed');
    const frames = [...first.frames, ...moved.frames, ...back.frames];
    for (const all of [
      frames,
      [...first.frames, ...moved.frames, ...stayed.frames],
      other.frames,
    ]) {
      expect(shownOf(all, body.response_id)).toBe(body.response);
    }
    expect(other.frames.filter((frame) => isDelta(frame) && frame.data.from === 1)).toHaveLength(1);
  });

  it('of a retry begin anew, behind its beginning, at every instance', async () => {
    const { id } = await ann.aChat();
    const sockets = [
      await keep(TestSocket.on(ann, id, 0)),
      await keep(TestSocket.on(annThere, id, 0)),
    ];
    // What is told elsewhere before the end may not be told again.
    const haveHeard = (count: number) => (): boolean =>
      sockets.every(({ frames }) => {
        const begun = frames.find(({ event }) => event === 'message.created');
        return begun && orderOf(frames, begun.data.response_id).length >= count;
      });
    provider.next({ tokens: words(20), cutAfter: 20, gateAfter: 15 });
    const asking = ann.post(`/chats/${id}/messages`, { question: 'q' });
    await until(haveHeard(2), 'the first pieces');
    provider.release();
    const failed = (await asking).body;
    provider.reset();
    provider.next({ tokens: ['another ', ...words(20)], gateAfter: 15 });
    const retrying = ann.post(`/chats/${id}/messages/${failed.response_id}/retry`);
    await until(haveHeard(5), 'the pieces of the retry');
    provider.release();
    const retried = (await retrying).body;
    for (const socket of sockets) {
      await socket.next('message.completed');
      expect(orderOf(socket.frames, failed.response_id)).toEqual(
        ['created', 'delta', 'failed', 'created', 'delta', 'completed'].map(
          (name) => `message.${name}`,
        ),
      );
      expect(shownOf(socket.frames, failed.response_id)).toBe(retried.response);
    }
  });

  it('and their end are said to other instances also while the one that writes them stops', async () => {
    const stopping = await startTestApp(
      mode,
      provider.settings({ SHUTDOWN_TIMEOUT_SECONDS: '20' }),
      here.databaseUrl,
    );
    const { id } = await ann.aChat();
    provider.next({ tokens: words(10), gateAfter: 5 });
    const asking = await (await AnswerReader.ask(ann.at(stopping.url), id, 'q')).pieces(5);
    await withClient(here.databaseUrl, async (client) => {
      const heard: string[] = [];
      client.on('notification', ({ payload }) => heard.push(...payload!.split(' ').slice(1)));
      await client.query('LISTEN banyan_events');
      const closing = stopping.close();
      await until(() => heard.includes(`pieces:${ann.accountId}/${id}`), 'pieces');
      provider.release();
      await Promise.all([closing, asking.end()]);
      await until(() => heard.includes(`events:${ann.accountId}/${id}`), 'the end');
    });
  });

  it('are followed at another instance to the end', async () => {
    const { id } = await ann.aChat();
    provider.next({ tokens: words(40), delayMs: 5, gateAfter: 20 });
    const asked = await (await AnswerReader.ask(ann, id, 'q')).pieces(20);
    const follower = await (
      await AnswerReader.follow(annThere, id, asked.accepted.response_id)
    ).pieces(20);
    provider.release();
    const [{ data }] = await Promise.all([follower.end(), asked.end()]);
    expect([follower.text, follower.deltas.map((delta) => delta.data.n)]).toEqual([
      data.response,
      upwards(40),
    ]);
  });
});
