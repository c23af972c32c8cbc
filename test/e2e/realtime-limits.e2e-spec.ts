import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { EventDispatcher } from '../../src/events/event-dispatcher.js';
import { Presence } from '../../src/modules/auth/presence.service.js';
import { StreamsService } from '../../src/modules/realtime/streams.service.js';
import { startTestApp, type TestApp, withClient } from '../support/app.js';
import { TestClient } from '../support/client.js';
import { TestSocket, TestStream } from './realtime-client.js';
import { stopwatch, undisturbed, until } from '../support/machine-clock.js';

const PASSWORD = 'a password of tests';
const TTL_SECONDS = 3;

let server: TestApp;
/** The same database, with other settings: short tokens, few connections. */
let strict: TestApp;
let ann: TestClient;
const open: { close(): void }[] = [];

async function keep<One extends { close(): void }>(making: Promise<One>): Promise<One> {
  const one = await making;
  open.push(one);
  return one;
}

beforeAll(async () => {
  server = await startTestApp();
  strict = await startTestApp(
    'postgres',
    { ACCESS_TOKEN_TTL_SECONDS: String(TTL_SECONDS), SOCKETS_PER_ACCOUNT: '3' },
    server.databaseUrl,
  );
  ann = await TestClient.register(server.url);
});
afterEach(() => open.splice(0).forEach((one) => one.close()));
afterAll(() => Promise.all([server.close(), strict.close()]));

/** Somebody whose token ends as late as those of others do, at the strict one. */
const aLongSignIn = async () => (await TestClient.register(server.url)).at(strict.url);
const signIn = async ({ email, url }: TestClient) =>
  (await new TestClient(url).post('/auth/login', { email, password: PASSWORD })).body;

describe('who may connect', () => {
  it('whoever brings a good token: in the first frame, as a header, or as a subprotocol', async () => {
    const { id } = await ann.aChat();
    const byFrame = await keep(TestSocket.of(ann));
    const byHeader = await keep(
      TestSocket.open(server.url, { authorization: `Bearer ${ann.token}` }),
    );
    const byProtocol = await keep(TestSocket.open(server.url, {}, ['bearer', ann.token!]));
    for (const socket of [byFrame, byHeader, byProtocol]) {
      expect(await socket.next('ready')).toEqual({ event: 'ready', data: {} });
      expect(await socket.subscribe(id)).toBe(1);
    }
  });

  it('whoever comes through a proxy with a password of its own, and brings the token besides', async () => {
    const headers = { authorization: `Basic ${Buffer.from('proxy:password').toString('base64')}` };
    const byFrame = await keep(TestSocket.open(server.url, headers));
    byFrame.say('auth', { token: ann.token });
    const byProtocol = await keep(TestSocket.open(server.url, headers, ['bearer', ann.token!]));
    for (const socket of [byFrame, byProtocol])
      expect((await socket.next('ready')).event).toBe('ready');
  });

  it.each([
    ['a bad token in the first frame', { event: 'auth', data: { token: 'nonsense' } }],
    ['no token in it', { event: 'auth' }],
    ['something else in it', { event: 'subscribe', data: { chat_id: randomUUID() } }],
    ['no JSON in it', undefined],
  ])('%s closes with 4401', async (_what, frame) => {
    const socket = await keep(TestSocket.open(server.url));
    socket.socket.send(frame ? JSON.stringify(frame) : '{');
    expect((await socket.end()).code).toBe(4401);
    expect(socket.frames.filter(({ event }) => event !== 'error')).toEqual([]);
  });

  it('a bad token in the upgrade closes with 4401, and so do five seconds without any', async () => {
    const silent = await keep(TestSocket.open(server.url));
    const started = performance.now();
    const [byHeader, byProtocol] = [
      await keep(TestSocket.open(server.url, { authorization: 'Bearer nonsense' })),
      await keep(TestSocket.open(server.url, {}, ['bearer', 'nonsense'])),
    ];
    expect([(await byHeader.end()).code, (await byProtocol.end()).code]).toEqual([4401, 4401]);
    expect(silent.closed).toBeNull();
    expect((await silent.end()).code).toBe(4401);
    expect(performance.now() - started).toBeGreaterThan(4500);
  });

  it('a page of a foreign origin is refused before the upgrade; our own and those of this machine are not', async () => {
    const statusOf = (origin: string): Promise<number> =>
      new Promise((resolve) => {
        void TestSocket.open(server.url, { origin }).then(
          (socket) => (socket.close(), resolve(101)),
          (error: Error) => resolve(Number(/\d{3}/.exec(error.message)?.[0])),
        );
      });
    const origins = ['http://evil.example', 'null', server.url, 'http://localhost:5173'];
    expect(await Promise.all(origins.map(statusOf))).toEqual([403, 403, 101, 101]);
  });
});

it('whoever opens sockets and shows no token has only so many of them', async () => {
  const alone = await startTestApp('postgres', {}, server.databaseUrl);
  const { strangers } = alone.app.get(Presence, { strict: false });
  const silent: (() => void)[] = [];
  for (let leave = strangers.enter('127.0.0.1'); leave; leave = strangers.enter('127.0.0.1'))
    silent.push(leave);
  expect(silent.length).toBeGreaterThan(1000);
  await expect(TestSocket.open(alone.url)).rejects.toThrow('429');
  expect(strangers.enter('192.0.2.1')).not.toBeNull();
  silent.pop()!();
  // Whoever has shown one makes room for the next, and so does whoever is gone.
  for (let n = 0; n < 3; n++) await keep(TestSocket.of(ann.at(alone.url)));
  const failed = await keep(TestSocket.open(alone.url));
  failed.say('auth', { token: 'nonsense' });
  await failed.end();
  await until(() => strangers.enter('127.0.0.1') !== null, 'the place of the failed one');
  await alone.close();
});

describe('the end of a token', () => {
  const aTokenEnds = async (): Promise<void> => {
    const bob = await TestClient.register(strict.url);
    const { id } = await bob.aChat();
    const [socket, renewed] = [
      await keep(TestSocket.on(bob, id)),
      await keep(TestSocket.on(bob, id)),
    ];
    const stream = await keep(TestStream.open(bob, `chat_id=${id}`));
    await sleep(1500);
    const later = new TestClient(strict.url, (await signIn(bob)).access_token, bob.accountId);
    renewed.say('auth', { token: later.token });
    expect(await socket.end()).toEqual({ code: 4401, reason: 'the token has ended' });
    await until(() => stream.ended, 'the end of the stream');
    expect(renewed.closed).toBeNull();
    await later.append(id, 'still there');
    await renewed.upTo(2);
    expect((await renewed.end()).code).toBe(4401);
  };
  // A token is good for three seconds here: a machine that stands still lets them pass.
  it('closes socket and stream with it, unless a newer token of the same account was shown', () =>
    undisturbed(aTokenEnds));

  it('a token of another account cannot take a socket over', async () => {
    const socket = await keep(TestSocket.of(ann));
    socket.say('auth', { token: (await TestClient.register(server.url)).token });
    expect((await socket.end()).code).toBe(4401);
  });

  it('a logout closes at once, and only what came by it', async () => {
    const first = await TestClient.register(server.url);
    const { access_token, refresh_token } = await signIn(first);
    const carl = new TestClient(server.url, access_token, first.accountId);
    const { id } = await carl.aChat();
    const here = await keep(TestSocket.on(carl, id));
    const [stream, other] = [
      await keep(TestStream.open(carl, `chat_id=${id}`)),
      await keep(TestSocket.of(first)),
    ];
    const ran = stopwatch();
    await carl.post('/auth/logout', { refresh_token });
    expect((await here.end()).code).toBe(4401);
    await until(() => stream.ended, 'the end of the stream');
    // a look would find it after ten seconds
    expect(ran()).toBeLessThan(6000);
    expect(other.closed).toBeNull();
  });

  it('so do the end of an API key and of the account', async () => {
    const dora = await TestClient.register(server.url);
    const { body: key } = await dora.post('/auth/api-keys', { name: 'bot' });
    const byKey = await keep(TestSocket.of(new TestClient(server.url, key.api_key)));
    const byToken = await keep(TestSocket.of(dora));
    await dora.delete(`/auth/api-keys/${key.api_key_id}`);
    expect((await byKey.end()).code).toBe(4401);
    await withClient(server.databaseUrl, (client) =>
      client.query('DELETE FROM accounts WHERE account_id = $1', [dora.accountId]),
    );
    expect((await byToken.end()).code).toBe(4401);
  });
});

describe('frames', () => {
  it('that make no sense are answered with an error, in their order, and the socket goes on', async () => {
    const socket = await keep(TestSocket.of(ann));
    const id = randomUUID();
    const bad: [string | Buffer, string][] = [
      ['', 'invalid_json'],
      ['{', 'invalid_json'],
      ['[]', 'invalid_frame'],
      ['"x"', 'invalid_frame'],
      ['{"event":1}', 'invalid_frame'],
      ['{"event":"subscribe","data":[]}', 'invalid_frame'],
      [Buffer.from('{"event":"ping"}'), 'invalid_frame'],
      ['{"event":"shout"}', 'unknown_event'],
      ['{"event":"__proto__"}', 'unknown_event'],
      ['{"event":"auth","data":{}}', 'validation_failed'],
      ['{"event":"subscribe"}', 'validation_failed'],
      ['{"event":"subscribe","data":{"chat_id":"1"}}', 'validation_failed'],
      ...['-1', '1.5', '"1"', '2147483648'].map((since): [string, string] => [
        `{"event":"subscribe","data":{"chat_id":"${id}","since":${since}}}`,
        'validation_failed',
      ]),
      ['{"event":"unsubscribe","data":{"chat_id":{}}}', 'validation_failed'],
    ];
    for (const [frame] of bad) socket.socket.send(frame);
    socket.say('ping');
    await socket.next('pong');
    expect(socket.frames.slice(1, -1).map(({ event, data }) => [event, data.code])).toEqual(
      bad.map(([, code]) => ['error', code]),
    );
  });

  it('that subscribe count like requests', async () => {
    const limited = await startTestApp(
      'postgres',
      { RATE_LIMIT_PER_MINUTE: '4' },
      server.databaseUrl,
    );
    const gina = await TestClient.register(limited.url);
    const { id } = await gina.aChat();
    const socket = await keep(TestSocket.of(gina));
    for (let n = 0; n < 5; n++) socket.say('subscribe', { chat_id: id });
    socket.say('ping');
    await socket.next('pong');
    const answers = socket.frames.slice(1).map(({ event, data }) => data.code ?? event);
    expect(answers).toEqual([
      'subscribed',
      'subscribed',
      'subscribed',
      'rate_limited',
      'rate_limited',
      'pong',
    ]);
    expect((await gina.get(`/chats/${id}`)).status).toBe(429);
    socket.close();
    await limited.close();
  });

  it('over 64 KiB close with 1009', async () => {
    const socket = await keep(TestSocket.of(ann));
    socket.socket.send(JSON.stringify({ event: 'ping', data: { x: 'x'.repeat(64 * 1024) } }));
    expect((await socket.end()).code).toBe(1009);
  });

  it('that come too fast close with 4429; subscribing to 200 conversations at once is not too fast', async () => {
    const { id } = await ann.aChat();
    const [busy, flood] = [await keep(TestSocket.of(ann)), await keep(TestSocket.of(ann))];
    for (let n = 0; n < 200; n++) busy.say('subscribe', { chat_id: id });
    for (let n = 0; n < 400; n++) flood.say('ping');
    expect((await flood.end()).code).toBe(4429);
    await until(() => busy.frames.length === 201);
    expect(busy.closed).toBeNull();
  });
});

it('an account has only so many sockets and streams at an instance, and a closed one makes room', async () => {
  const eve = await aLongSignIn();
  const { id } = await eve.aChat();
  const first = await keep(TestSocket.of(eve));
  await keep(TestSocket.of(eve));
  const stream = await keep(TestStream.open(eve, `chat_id=${id}`));
  const fourth = await keep(TestSocket.open(strict.url, { authorization: `Bearer ${eve.token}` }));
  expect((await fourth.end()).code).toBe(4429);
  expect((await keep(TestStream.open(eve, `chat_id=${id}`))).status).toBe(429);
  const someoneElse = await aLongSignIn();
  await keep(TestSocket.of(someoneElse));
  first.close();
  stream.close();
  await until(
    async () => (await keep(TestStream.open(eve, `chat_id=${id}`))).status === 200,
    'room',
  );
});

it('a HEAD of a stream has the headers of GET, and opens nothing', async () => {
  const finn = await aLongSignIn();
  const { id } = await finn.aChat();
  for (let n = 0; n < 5; n++) {
    const answer = await finn.request('HEAD', `/api/v1/events?chat_id=${id}`);
    expect([answer.status, answer.headers.get('content-type')]).toEqual([
      200,
      'text/event-stream; charset=utf-8',
    ]);
  }
  expect((await finn.request('HEAD', `/api/v1/events?chat_id=${randomUUID()}`)).status).toBe(404);
  expect((await keep(TestStream.open(finn, `chat_id=${id}`))).status).toBe(200);
});

describe('a reader that does not read', () => {
  const LARGE = 'x'.repeat(120_000);
  const rounds = (count: number) => Array.from({ length: count }, (_, n) => n);

  it('is closed with 1013, and comes back without loss', async () => {
    const { id } = await ann.aChat();
    const [slow, quick] = [await keep(TestSocket.on(ann, id)), await keep(TestSocket.on(ann, id))];
    slow.socket.pause();
    // The kernel takes some megabytes before anything waits in the server.
    for (const n of rounds(120)) await ann.append(id, `q${n}`, LARGE);
    expect((await quick.upTo(121)).length).toBe(120);
    slow.socket.resume();
    expect(await slow.end()).toEqual({ code: 1013, reason: 'reads too slowly' });
    const before = slow.events;
    expect(before.length).toBeLessThan(120);
    const again = await keep(TestSocket.on(ann, id, before.at(-1)!.seq));
    await again.upTo(121);
    expect([...before, ...again.events]).toEqual(quick.events);
  });

  it('of a replay gets it at its own pace', async () => {
    const { id } = await ann.aChat();
    for (const n of rounds(60)) await ann.append(id, `q${n}`, LARGE);
    const socket = await keep(TestSocket.of(ann));
    socket.say('subscribe', { chat_id: id, since: 0 });
    socket.socket.pause();
    await sleep(1500);
    await ann.append(id, 'meanwhile');
    socket.socket.resume();
    expect((await socket.upTo(62)).map(({ seq }) => seq)).toEqual(rounds(62).map((n) => n + 1));
  });

  it('of a stream gets the rest when it reads again', async () => {
    const { id } = await ann.aChat();
    const stream = await keep(TestStream.open(ann, `chat_id=${id}`));
    stream.answer.pause();
    for (const n of rounds(100)) await ann.append(id, `q${n}`, LARGE);
    stream.answer.resume();
    expect((await stream.upTo(101)).map(({ seq }) => seq)).toEqual(rounds(100).map((n) => n + 2));
  });
});

it('pieces of an answer are gathered to at most 30 frames a second beside any number of events, and nothing of them is lost', async () => {
  const { id, pairs } = await ann.aChat(2);
  const socket = await keep(TestSocket.on(ann, id));
  const stream = await keep(TestStream.open(ann, `chat_id=${id}`));
  const dispatcher = server.app.get(EventDispatcher, { strict: false });
  const generations = pairs.map((responseId) => ({
    accountId: ann.accountId,
    rootChatId: id,
    chatId: id,
    responseId,
    generationId: randomUUID(),
    isLocal: true,
  }));
  const started = performance.now();
  let isOver = false;
  const writing = (async () => {
    for (let n = 0; !isOver; n++) await ann.append(id, `q${n}`);
  })();
  for (let n = 1; n <= 200; n++) {
    for (const generation of generations)
      dispatcher.publishDelta({
        ...generation,
        from: n,
        n,
        runs: [{ from: n, n, delta: `${n},` }],
      });
    await sleep(4);
  }
  isOver = true;
  await writing;
  for (const responseId of pairs) await complete(id, responseId);
  dispatcher.changed(ann.accountId, id);
  await until(
    () => stream.records.filter(({ event }) => event === 'message.completed').length === 2,
    'the ends',
  );
  await until(
    () => socket.frames.filter(({ event }) => event === 'message.completed').length === 2,
    'the ends',
  );
  const seconds = (performance.now() - started) / 1000;
  const whole = Array.from({ length: 200 }, (_, n) => `${n + 1},`).join('');
  for (const frames of [socket.frames, stream.records.map(({ data }) => data)]) {
    const deltas = frames.filter(({ event }) => event === 'message.delta');
    for (const responseId of pairs) {
      const own = deltas.filter(({ data }) => data.response_id === responseId);
      expect(own.map(({ data }) => data.delta).join('')).toBe(whole);
      expect(own.map(({ data }) => data.from)).toEqual([
        1,
        ...own.slice(0, -1).map(({ data }) => data.n + 1),
      ]);
      expect(own.at(-1)!.data).toMatchObject({
        response_id: responseId,
        chat_id: id,
        root_chat_id: id,
        n: 200,
      });
    }
    expect(deltas.length).toBeLessThan(30 * seconds + 3 + pairs.length);
    expect(frames.at(-1).event).toBe('message.completed');
  }
});

/** Writes the event of an answer's end. */
async function complete(rootChatId: string, responseId: string): Promise<void> {
  await withClient(server.databaseUrl, (client) =>
    client.query(
      `WITH next AS (UPDATE conversations SET event_seq = event_seq + 1 WHERE account_id = $1 AND chat_id = $2 RETURNING event_seq)
       INSERT INTO events SELECT $1, $2, event_seq, 'message.completed', $2, $3, now() FROM next`,
      [ann.accountId, rootChatId, responseId],
    ),
  );
}

it('a stream that is asked for while the server stops is told to come back', async () => {
  const stopping = await startTestApp('postgres', {}, server.databaseUrl);
  const { id } = await ann.aChat();
  stopping.app.get(StreamsService, { strict: false }).stop();
  const { status, headers, text } = await ann.at(stopping.url).get(`/events?chat_id=${id}`);
  expect([status, headers.get('content-type'), text]).toEqual([
    200,
    'text/event-stream; charset=utf-8',
    'retry: 1000\n\n',
  ]);
  await stopping.close();
});

it('a server that stops closes sockets with 1012 and ends streams', async () => {
  const stopping = await startTestApp('postgres', {}, server.databaseUrl);
  const { id } = await ann.aChat();
  const socket = await keep(TestSocket.on(ann.at(stopping.url), id));
  const stream = await keep(TestStream.open(ann.at(stopping.url), `chat_id=${id}`));
  await stopping.close();
  expect((await socket.end()).code).toBe(1012);
  await until(() => stream.ended);
});
