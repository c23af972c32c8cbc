import { once } from 'node:events';
import { type IncomingMessage, request } from 'node:http';
import { text } from 'node:stream/consumers';
import { ReadCacheInterceptor } from '../../src/cache/read-cache.interceptor.js';
import { encodeCursor } from '../../src/common/cursor.js';
import { routeConfig } from '../../src/common/route-config.js';
import { ShortWay } from '../../src/common/short-way.js';
import { MessageController } from '../../src/modules/message/message.controller.js';
import { startTestApp, type TestApp } from '../support/app.js';
import { TestClient } from '../support/client.js';
import { standstill } from '../support/machine-clock.js';

const ORIGIN = 'https://page.example';
const SETTINGS = { CORS_ORIGINS: ORIGIN, RATE_LIMIT_PER_MINUTE: '10000' };
const NOWHERE = '01890000-0000-7000-8000-000000000000';
/** Differs from one answer to the next. */
const ANOTHER = /^(date|x-request-id)$/i;

/** A server that takes no read for hot. */
async function startWithoutShortWay(databaseUrl: string): Promise<TestApp> {
  const { prototype } = MessageController;
  const mark = (decorate: MethodDecorator) =>
    (['list', 'one'] as const).forEach((name) =>
      decorate(prototype, name, Object.getOwnPropertyDescriptor(prototype, name)!),
    );
  mark(routeConfig({ shortWay: undefined }));
  try {
    return await startTestApp('postgres', SETTINGS, databaseUrl);
  } finally {
    // Other files of this process share the class.
    mark(ShortWay());
  }
}

let short: TestApp;
let usual: TestApp;
let ann: TestClient;
let bob: TestClient;
let chat: { id: string; pairs: string[] };
let branch: string;
let empty: string;
let gone: string;
let seen: Map<TestApp, number>;

beforeAll(async () => {
  short = await startTestApp('postgres', SETTINGS);
  usual = await startWithoutShortWay(short.databaseUrl);
  [ann, bob] = [await TestClient.register(short.url), await TestClient.register(short.url)];
  chat = await ann.aChat(5);
  branch = await ann.aBranch(chat.id, chat.pairs[1]!);
  await ann.append(branch, 'another third', 'said "so"\n\u00e4\u{1f333}');
  empty = (await ann.aChat()).id;
  gone = (await ann.aChat(1)).id;
  await ann.delete(`/chats/${gone}`);
  seen = new Map([short, usual].map((server) => [server, 0]));
  for (const server of [short, usual]) {
    const interceptor = server.app.get(ReadCacheInterceptor, { strict: false });
    const { intercept } = interceptor;
    interceptor.intercept = (context, next) => {
      seen.set(server, seen.get(server)! + 1);
      return intercept.call(interceptor, context, next);
    };
  }
});
afterAll(() => Promise.all([short?.close(), usual?.close()]));

interface Asked {
  path: string;
  method?: string;
  headers?: Record<string, string>;
  body?: string;
  by?: TestClient | 'nobody';
}

/** Asks again where the machine stood still, as `TestClient` does. */
async function answerOf(server: TestApp, asked: Asked): Promise<unknown[]> {
  for (;;) {
    const stoodStill = standstill();
    const answer = await oneAnswerOf(server, asked);
    if (answer[0] !== 503 || !stoodStill()) return answer;
  }
}

async function oneAnswerOf(
  server: TestApp,
  { path, method = 'GET', headers, body, by = ann }: Asked,
): Promise<unknown[]> {
  const authorization = by === 'nobody' ? {} : { authorization: `Bearer ${by.token}` };
  const asking = request(`${server.url}/api/v1/chats/${path}`, {
    method,
    agent: false,
    headers: { ...authorization, ...(body && { 'content-length': body.length }), ...headers },
  });
  asking.end(body);
  const [answer] = (await once(asking, 'response')) as [IncomingMessage];
  const said = (await text(answer)).replace(String(answer.headers['x-request-id']), 'id');
  const { rawHeaders } = answer;
  const told = rawHeaders.flatMap((name, at) =>
    at % 2 === 1 || ANOTHER.test(name) ? [] : [`${name}: ${rawHeaders[at + 1]}`],
  );
  // Each counts its own requests, one of them those that made the scene too.
  return [answer.statusCode, told.map((line) => line.replace(/;r=\d+;t=\d+$/, '')), said];
}

/** By which way a request goes that was not answered before. */
type Way = 'short' | 'usual';

const reads: [string, Way, () => Asked][] = [
  ['a page', 'short', () => ({ path: `${chat.id}/messages` })],
  ['a page of one', 'short', () => ({ path: `${chat.id}/messages?limit=1` })],
  ['a pair', 'short', () => ({ path: `${chat.id}/messages/${chat.pairs[0]}` })],
  ['a pair at a fork', 'short', () => ({ path: `${chat.id}/messages/${chat.pairs[2]}` })],
  ['a pair of an ancestor', 'short', () => ({ path: `${branch}/messages/${chat.pairs[1]}` })],
  ['a page of a branch', 'short', () => ({ path: `${branch}/messages` })],
  ['a page with siblings', 'short', () => ({ path: `${branch}/messages?siblings=true&limit=4` })],
  ['a page without', 'short', () => ({ path: `${branch}/messages?siblings=false` })],
  [
    'a page before a place',
    'short',
    () => ({ path: `${chat.id}/messages?limit=2&before=${encodeCursor(chat.id, 4)}` }),
  ],
  [
    'a page after a place',
    'short',
    () => ({ path: `${chat.id}/messages?after=${encodeCursor(chat.id, 2)}` }),
  ],
  [
    'a page around a pair',
    'short',
    () => ({ path: `${chat.id}/messages?limit=3&around=${chat.pairs[2]}` }),
  ],
  ['an empty chat', 'short', () => ({ path: `${empty}/messages` })],
  ['ids in capitals', 'short', () => ({ path: `${chat.id.toUpperCase()}/messages?limit=2` })],
  [
    'a pair in capitals',
    'short',
    () => ({ path: `${chat.id}/messages/${chat.pairs[1]!.toUpperCase()}` }),
  ],
  ['its head alone', 'short', () => ({ path: `${chat.id}/messages?limit=3`, method: 'HEAD' })],
  [
    'whoever has any answer',
    'short',
    () => ({ path: `${chat.id}/messages?limit=4`, headers: { 'if-none-match': '*' } }),
  ],
  [
    'whoever has an older answer',
    'short',
    () => ({ path: `${chat.id}/messages?limit=5`, headers: { 'if-none-match': '"0", W/"1"' } }),
  ],
  [
    'a page that may ask',
    'short',
    () => ({ path: `${chat.id}/messages?limit=6`, headers: { origin: ORIGIN } }),
  ],
  [
    'a page elsewhere',
    'short',
    () => ({ path: `${chat.id}/messages?limit=7`, headers: { origin: 'https://no.example' } }),
  ],
  ['an unknown chat', 'short', () => ({ path: `${NOWHERE}/messages` })],
  ['an unknown pair', 'short', () => ({ path: `${chat.id}/messages/${NOWHERE}` })],
  ['a page around it', 'short', () => ({ path: `${chat.id}/messages?around=${NOWHERE}` })],
  ['a pair elsewhere', 'short', () => ({ path: `${empty}/messages/${chat.pairs[0]}` })],
  ['a chat that was deleted', 'short', () => ({ path: `${gone}/messages` })],
  ["a stranger's chat", 'short', () => ({ path: `${chat.id}/messages`, by: bob })],
  ["a stranger's pair", 'short', () => ({ path: `${chat.id}/messages/${chat.pairs[0]}`, by: bob })],
  [
    'a cursor of another chat',
    'short',
    () => ({ path: `${chat.id}/messages?before=${encodeCursor(empty, 4)}` }),
  ],
  [
    'two places',
    'short',
    () => ({
      path: `${chat.id}/messages?after=${encodeCursor(chat.id, 2)}&around=${chat.pairs[2]}`,
    }),
  ],
  ['a chat that is no id', 'usual', () => ({ path: 'x/messages' })],
  ['a pair that is no id', 'usual', () => ({ path: `${chat.id}/messages/x` })],
  ['a length that is none', 'usual', () => ({ path: `${chat.id}/messages?limit=0` })],
  ['two lengths', 'usual', () => ({ path: `${chat.id}/messages?limit=1&limit=2` })],
  ['an unknown parameter', 'usual', () => ({ path: `${chat.id}/messages?x=1&y=2` })],
  ['a parameter of a pair', 'usual', () => ({ path: `${chat.id}/messages/${chat.pairs[0]}?x=1` })],
  ['a body', 'short', () => ({ path: `${chat.id}/messages?limit=8`, body: '{"x":1}' })],
  ['nobody', 'usual', () => ({ path: `${chat.id}/messages`, by: 'nobody' })],
  [
    'a token that is none',
    'usual',
    () => ({ path: `${chat.id}/messages`, headers: { authorization: 'Bearer x' } }),
  ],
];

describe('a read that passes by Nest', () => {
  it.each(reads)('is answered as one that does not: %s', async (_what, way, asked) => {
    const before = [seen.get(short)!, seen.get(usual)!];
    // The second time from what was kept.
    const [byShort, byUsual] = [
      [await answerOf(short, asked()), await answerOf(short, asked())],
      [await answerOf(usual, asked()), await answerOf(usual, asked())],
    ];
    expect(byShort).toEqual(byUsual);
    const [atShort, atUsual] = [seen.get(short)! - before[0]!, seen.get(usual)! - before[1]!];
    if (way === 'short') expect([atShort, atUsual > 0]).toEqual([0, true]);
    else expect(atShort).toBe(atUsual);
  });

  it('is not stale after a write', async () => {
    const path = `/chats/${chat.id}/messages?limit=1`;
    const first = await ann.at(short.url).get(path);
    const id = await ann.at(usual.url).append(chat.id, 'more');
    const then = await ann.at(short.url).get(path, { 'if-none-match': first.headers.get('etag')! });
    expect([then.status, then.headers.get('x-cache')]).toEqual([200, 'miss']);
    expect(then.body.qa_pairs[0].response_id).toBe(id);
    const { status } = await ann
      .at(short.url)
      .get(path, { 'if-none-match': then.headers.get('etag')! });
    expect(status).toBe(304);
  });

  it('at the same time as others is answered as by itself: each account its own, whoever asks', async () => {
    const [hers, his] = [await ann.aChat(3), await bob.aChat(3)];
    const fork = await ann.aBranch(hers.id, hers.pairs[1]!);
    const chats = [hers.id, fork, his.id, NOWHERE];
    const asked = [...hers.pairs, ...his.pairs].flatMap((pair) =>
      chats.flatMap((id) => [ann, bob].map((by) => ({ path: `${id}/messages/${pair}`, by }))),
    );
    const told = ([status, , said]: unknown[]) => [
      status,
      String(said).replace(/"request_id.*/, ''),
    ];
    const alone: unknown[] = [];
    for (const one of asked) alone.push(told(await answerOf(usual, one)));
    const together = await Promise.all(asked.map((one) => answerOf(short, one)));
    expect(together.map(told)).toEqual(alone);
    expect(alone.filter((one) => (one as unknown[])[0] === 200)).toHaveLength(3 + 2 + 3);
  });
});
