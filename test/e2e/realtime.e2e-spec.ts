import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { MODES, startTestApp, type TestApp, withClient } from '../support/app.js';
import { TestClient } from '../support/client.js';
import { type Frame, TestSocket, TestStream } from './realtime-client.js';
import { until } from '../support/machine-clock.js';

const CHAT_KEYS = [
  ...[
    'account_id',
    'active',
    'active_chat_id',
    'archived',
    'chat_id',
    'chat_type',
    'created_at',
    'depth',
    'fork_response_id',
    'fork_seq',
    'message_count',
  ],
  ...[
    'metadata',
    'model',
    'name',
    'parent_chat_id',
    'pinned',
    'revision',
    'root_chat_id',
    'started_by',
    'system_prompt',
    'updated_at',
  ],
];
const namesOf = (events: readonly Frame[]): string[] => events.map(({ event }) => event);
const seqsOf = (events: readonly Frame[]): number[] => events.map(({ seq }) => seq!);
const upwards = (from: number, to: number): number[] =>
  Array.from({ length: to - from + 1 }, (_, i) => from + i);

/**
 * The deletion of a conversation ($2) and, in the same commit, the end of an answer of it ($3): so
 * they are read together.
 */
const DELETED_WHILE_WRITING = `
  WITH buried AS (UPDATE chats SET deleted_at = now() WHERE account_id = $1 AND chat_id = $2),
  numbered AS (
    UPDATE conversations SET deleted = true, event_seq = event_seq + 2 WHERE account_id = $1 AND chat_id = $2 RETURNING event_seq
  )
  INSERT INTO events (account_id, root_chat_id, seq, type, chat_id, response_id, created_at)
  SELECT $1, $2, event_seq - 1, 'chat.deleted', $2, NULL, now() FROM numbered
  UNION ALL SELECT $1, $2, event_seq, 'message.completed', $2, $3::uuid, now() FROM numbered`;

describe.each(MODES)('events of a conversation, words in %s', (mode) => {
  let here: TestApp;
  let there: TestApp;
  let ann: TestClient;
  let bob: TestClient;
  const open: { close(): void }[] = [];
  const keep = async <One extends { close(): void }>(making: Promise<One>): Promise<One> => {
    const one = await making;
    open.push(one);
    return one;
  };
  const socketOn = (person: TestClient, chatId: string, since?: number) =>
    keep(TestSocket.on(person, chatId, since));

  beforeAll(async () => {
    here = await startTestApp(mode);
    there = await startTestApp(mode, {}, here.databaseUrl);
    [ann, bob] = [await TestClient.register(here.url), await TestClient.register(here.url)];
  });
  afterEach(() => open.splice(0).forEach((one) => one.close()));
  afterAll(() => Promise.all([here.close(), there.close()]));

  it('every change is told once, in order, with what it is about', async () => {
    const { id: root } = await ann.aChat();
    const socket = await socketOn(ann, root, 0);
    const r1 = await ann.append(root, 'q1', 'a1');
    const branch = await ann.aBranch(root, r1, { name: 'What if?' });
    await ann.append(branch, 'q2', null);
    await ann.put(`/chats/${root}/active-branch`, { branch_chat_id: branch });
    await ann.patch(`/chats/${root}`, { name: 'Fjords', pinned: true });
    await ann.delete(`/chats/${branch}`);
    await ann.post(`/chats/${branch}/restore`);
    const events = await socket.upTo(9);
    expect(namesOf(events)).toEqual([
      ...[
        'chat.created',
        'message.created',
        'branch.created',
        'message.created',
        'branch.activated',
        'chat.updated',
      ],
      ...['branch.activated', 'branch.deleted', 'chat.restored'],
    ]);
    expect(seqsOf(events)).toEqual(upwards(1, 9));
    for (const frame of events) expect(Object.keys(frame)).toEqual(['event', 'data', 'seq']);
    expect(Object.keys(events[0]!.data).sort()).toEqual(CHAT_KEYS);
    expect(events[2]!.data).toMatchObject({
      chat_id: branch,
      name: 'What if?',
      parent_chat_id: root,
      fork_response_id: r1,
    });
    expect(events[5]!.data).toMatchObject({ chat_id: root, name: 'Fjords', pinned: true });
    expect(events[6]!.data).toMatchObject({ chat_id: root, active: true });
    expect(events[7]!.data).toEqual({ chat_id: branch, root_chat_id: root });
    expect(events[8]!.data).toMatchObject({ chat_id: branch });
  });

  it('each branch that is deleted or comes back with others is told, and each thing that one PATCH changes', async () => {
    const { id: root, pairs } = await ann.aChat(1);
    const middle = await ann.aBranch(root, pairs[0]!);
    const leaf = await ann.aBranch(middle, await ann.append(middle, 'q2'), { activate: true });
    const socket = await socketOn(ann, root);
    const { body: before } = await ann.get(`/chats/${root}`);
    await ann.delete(`/chats/${middle}?children=cascade`);
    await ann.post(`/chats/${middle}/restore`);
    await ann.patch(`/chats/${leaf}`, { name: 'Leaf', active: true });
    await ann.patch(`/chats/${root}`, { active: true });
    const first = 7;
    const events = await socket.upTo(first + 7);
    expect(events.map(({ event, data, seq }) => [event, data.chat_id, seq])).toEqual(
      [
        ['branch.activated', root],
        ...[leaf, middle].map((chat) => ['branch.deleted', chat]),
        ...[middle, leaf].map((chat) => ['chat.restored', chat]),
        ['branch.activated', leaf],
        ['chat.updated', leaf],
        ['branch.activated', root],
      ].map((event, i) => [...event, first + i]),
    );
    expect((await ann.get(`/chats/${root}`)).body.revision).toBeGreaterThan(before.revision);
    expect(
      await socketOn(ann, root, 0)
        .then((replay) => replay.upTo(first + 7))
        .then(seqsOf),
    ).toEqual(upwards(1, first + 7));
  });

  it('a pair is told with its words, as GET shows it, and with its conversation', async () => {
    const { id } = await ann.aChat();
    const socket = await socketOn(ann, id);
    const question = '🦜🏽 e\u0301 "q" \\ \u2028 \u202eabc\u202c';
    const posted = await ann.post(`/chats/${id}/messages`, {
      ...{ question, response: 'f()\r\n\t√', message_type: 'code' },
      ...{ metadata: { language: 'c' }, author: 'Ada' },
    });
    const [event] = await socket.upTo(2);
    expect(event).toEqual({
      event: 'message.created',
      data: { ...posted.body, root_chat_id: id },
      seq: 2,
    });
  });

  it('a subscription to any chat covers the whole conversation, and no other', async () => {
    const chat = await ann.aChat(2);
    const other = await ann.aChat();
    const branch = await ann.aBranch(chat.id, chat.pairs[0]!);
    const socket = await socketOn(ann, branch);
    await ann.append(other.id, 'elsewhere');
    await ann.append(chat.id, 'in the root');
    await ann.append(branch, 'in the branch');
    const events = await socket.upTo(6);
    expect(events.map(({ data }) => data.question)).toEqual(['in the root', 'in the branch']);
  });

  it('since replays what was missed and goes on without a gap, whatever happens meanwhile', async () => {
    const { id } = await ann.aChat();
    for (let n = 0; n < 130; n++) await ann.append(id, `q${n}`, 'a');
    const posting = Promise.all(Array.from({ length: 40 }, (_, n) => ann.append(id, `p${n}`, 'a')));
    const sockets = await Promise.all([0, 7, 131, 0].map((since) => socketOn(ann, id, since)));
    await posting;
    for (const [i, since] of [0, 7, 131, 0].entries())
      expect(seqsOf(await sockets[i]!.upTo(171))).toEqual(upwards(since + 1, 171));
  });

  it('subscribed says which event is the newest; without since only new ones come', async () => {
    const { id } = await ann.aChat(3);
    const socket = await keep(TestSocket.of(ann));
    expect(await socket.subscribe(id)).toBe(4);
    await ann.append(id, 'new');
    expect(seqsOf(await socket.upTo(5))).toEqual([5]);
    expect(await socket.subscribe(id, 3)).toBe(5);
    await socket.upTo(5);
    await ann.append(id, 'newer');
    expect(seqsOf(await socket.upTo(6))).toEqual([5, 4, 5, 6]);
  });

  it('two chats of one conversation are one subscription; unsubscribe ends it', async () => {
    const chat = await ann.aChat(1);
    const branch = await ann.aBranch(chat.id, chat.pairs[0]!);
    const socket = await socketOn(ann, chat.id);
    await socket.subscribe(branch);
    await ann.append(chat.id, 'once');
    expect(seqsOf(await socket.upTo(4))).toEqual([4]);
    socket.say('unsubscribe', { chat_id: branch });
    socket.say('ping');
    await socket.next('pong');
    await ann.append(chat.id, 'unheard');
    await socket.subscribe(chat.id);
    await ann.append(chat.id, 'heard');
    expect(seqsOf(await socket.upTo(6))).toEqual([4, 6]);
  });

  it('of a chat that is unknown, foreign or deleted, nothing is said', async () => {
    const { id: foreign } = await bob.aChat(1);
    const { id: deleted } = await ann.aChat(1);
    await ann.delete(`/chats/${deleted}`);
    const socket = await keep(TestSocket.of(ann));
    for (const chat_id of [foreign, deleted, randomUUID()])
      socket.say('subscribe', { chat_id, since: 0 });
    socket.say('ping');
    await socket.next('pong');
    const refusal = { event: 'error', data: { code: 'not_found', message: expect.any(String) } };
    expect(socket.frames).toEqual([
      { event: 'ready', data: {} },
      refusal,
      refusal,
      refusal,
      { event: 'pong', data: {} },
    ]);
    expect(new Set(socket.frames.slice(1, 4).map((frame) => JSON.stringify(frame))).size).toBe(1);
    await bob.append(foreign, 'secret');
    await socket.subscribe((await ann.aChat()).id);
    expect(socket.events).toEqual([]);
  });

  it('a socket hears of the deletion of a conversation, of its restoring, and of what follows; a stream ends with the deletion', async () => {
    const { id } = await ann.aChat(1);
    const socket = await socketOn(ann, id);
    const stream = await keep(TestStream.open(ann, `chat_id=${id}`));
    await ann.delete(`/chats/${id}`);
    expect(await socket.upTo(3)).toEqual([
      { event: 'chat.deleted', data: { chat_id: id, root_chat_id: id }, seq: 3 },
    ]);
    await until(() => stream.ended);
    await ann.post(`/chats/${id}/restore`);
    await ann.append(id, 'after');
    const events = await socket.upTo(5);
    expect([namesOf(events), seqsOf(events)]).toEqual([
      ['chat.deleted', 'chat.restored', 'message.created'],
      [3, 4, 5],
    ]);
    expect(events[1]!.data).toMatchObject({ chat_id: id, account_id: ann.accountId });
    expect(namesOf(await stream.upTo(3))).toEqual(['chat.deleted']);
  });

  it('a deletion that an answer ends behind is the end of a stream too', async () => {
    const { id, pairs } = await ann.aChat(1);
    const socket = await socketOn(ann, id);
    const stream = await keep(TestStream.open(ann, `chat_id=${id}`));
    await withClient(here.databaseUrl, (client) =>
      client.query(DELETED_WHILE_WRITING, [ann.accountId, id, pairs[0]]),
    );
    expect(namesOf(await socket.upTo(4))).toEqual(['chat.deleted', 'message.completed']);
    expect(socket.events[1]!.data).toEqual({
      response_id: pairs[0],
      chat_id: id,
      root_chat_id: id,
    });
    await until(() => stream.ended);
    expect(namesOf(await stream.upTo(4))).toEqual(['chat.deleted']);
  });

  it('a replay does not show the words of a branch that was deleted, unless a living branch inherits them', async () => {
    const chat = await ann.aChat(1);
    const branch = await ann.aBranch(chat.id, chat.pairs[0]!);
    const inherited = await ann.append(branch, 'inherited');
    const lost = await ann.append(branch, 'lost');
    await ann.aBranch(branch, inherited);
    await ann.delete(`/chats/${branch}`);
    const events = await (await socketOn(ann, chat.id, 0)).upTo(7);
    expect(events[3]!.data).toMatchObject({ response_id: inherited, question: 'inherited' });
    expect(events[4]!.data).toEqual({ response_id: lost, chat_id: branch, root_chat_id: chat.id });
    expect(events[2]!.data).toEqual({ chat_id: branch, root_chat_id: chat.id });
  });

  it('a client at another instance gets all that is posted here, in order and at once', async () => {
    const { id } = await ann.aChat();
    const [local, remote] = [await socketOn(ann, id), await socketOn(ann.at(there.url), id)];
    const stream = await keep(TestStream.open(ann.at(there.url), `chat_id=${id}`));
    await ann.append(id, 'first');
    await remote.upTo(2);
    await Promise.all(
      Array.from({ length: 30 }, (_, n) => (n % 2 ? ann : ann.at(there.url)).append(id, `q${n}`)),
    );
    const events = await local.upTo(32);
    expect(seqsOf(events)).toEqual(upwards(2, 32));
    expect(await remote.upTo(32)).toEqual(events);
    expect(await stream.upTo(32)).toEqual(events);
    let shortest = Infinity;
    for (let seq = 33; seq < 38; seq++) {
      const sent = performance.now();
      await ann.append(id, 'quick');
      await remote.upTo(seq);
      shortest = Math.min(shortest, performance.now() - sent);
    }
    expect(shortest).toBeLessThan(700);
  });

  it('the stream says the same as the socket, and goes on from Last-Event-ID', async () => {
    const { id } = await ann.aChat(2);
    const first = await keep(TestStream.open(ann, `chat_id=${id}`));
    expect(first.status).toBe(200);
    expect(first.answer.headers).toMatchObject({
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-cache, no-transform',
      'x-accel-buffering': 'no',
    });
    const socket = await socketOn(ann, id);
    await ann.append(id, 'q3');
    expect(await first.upTo(4)).toEqual(await socket.upTo(4));
    expect(first.records[0]).toEqual({
      id: '3',
      event: 'subscribed',
      data: { event: 'subscribed', data: { chat_id: id, seq: 3 } },
    });
    expect(first.records[1]).toMatchObject({ id: '4', event: 'message.created', data: { seq: 4 } });
    const again = await keep(
      TestStream.open(ann, `chat_id=${id}&since=4`, { 'last-event-id': '1' }),
    );
    expect(seqsOf(await again.upTo(4))).toEqual([2, 3, 4]);
    const since = await keep(TestStream.open(ann, `chat_id=${id}&since=0`));
    expect(seqsOf(await since.upTo(4))).toEqual([1, 2, 3, 4]);
  });

  it('since has one bound, by socket and as a stream (R5)', async () => {
    const { id } = await ann.aChat(1);
    const streamAt = async (query: string, headers = {}) =>
      (await keep(TestStream.open(ann, `chat_id=${id}${query}`, headers as Record<string, string>)))
        .status;
    const socket = await socketOn(ann, id);
    for (const [since, isTaken] of [
      [1_000_000_000, true],
      [2_147_483_647, true],
      [2_147_483_648, false],
      [12_345_678_901, false],
    ] as const) {
      const status = isTaken ? 200 : 422;
      expect([
        since,
        await streamAt(`&since=${since}`),
        await streamAt('', { 'last-event-id': String(since) }),
      ]).toEqual([...[since, status, status]]);
      const before = socket.frames.length;
      socket.say('subscribe', { chat_id: id, since });
      await socket.next(isTaken ? 'subscribed' : 'error', before);
    }
  });

  it('the stream refuses what is not there or makes no sense', async () => {
    const { id } = await bob.aChat();
    const statusOf = async (query: string, headers = {}) =>
      (await keep(TestStream.open(ann, query, headers))).status;
    expect(
      await Promise.all(
        [`chat_id=${id}`, `chat_id=${randomUUID()}`].map((query) => statusOf(query)),
      ),
    ).toEqual([404, 404]);
    const bad = [
      'chat_id=',
      'chat_id=x',
      `chat_id=${id}&since=-1`,
      `chat_id=${id}&since=1.5`,
      `chat_id=${id}&stray=1`,
    ];
    expect(await Promise.all(bad.map((query) => statusOf(query)))).toEqual([
      422, 422, 422, 422, 422,
    ]);
    expect(await statusOf(`chat_id=${id}`, { 'last-event-id': 'x' })).toBe(422);
    expect(
      (await keep(TestStream.open(new TestClient(here.url, 'no'), `chat_id=${id}`))).status,
    ).toBe(401);
  });
});
