import { randomUUID } from 'node:crypto';
import { request as httpRequest } from 'node:http';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type TestApp } from '../support/app.js';
import { TestClient } from '../support/client.js';
import {
  at,
  clear,
  closeAll,
  contentsOf,
  errorsOf,
  inMemory,
  inRedis,
  type Instances,
  path,
  read,
  type Refusal,
  refusalOf,
  say,
  SessionSocket,
  tryUpgrade,
} from './session-tester.js';

const REDIS_URL = process.env.TEST_REDIS_URL;

const guarantees = (start: () => Promise<Instances>) => {
  let instances: Instances;
  let here: TestApp;
  let there: TestApp;
  let ann: TestClient;
  let bob: TestClient;

  beforeAll(async () => {
    instances = await start();
    ({ here, there } = instances);
    [ann, bob] = [await TestClient.register(here.url), await TestClient.register(here.url)];
  });
  afterAll(() => closeAll(instances));

  it('begins with the whole session, then tells every message once, whoever stores it and wherever', async () => {
    const id = randomUUID();
    await say(ann, id, 'before');
    const [one, two] = [
      await SessionSocket.open(ann, id),
      await SessionSocket.open(ann.at(there.url), id),
    ];
    const { body: before } = await read(ann, id);
    expect(await one.heard(1)).toEqual([{ event: 'session.sync', data: before }]);
    await say(ann.at(there.url), id, 'by HTTP');
    two.send({ role: 'assistant', content: 'by socket' });
    await one.heard(3);
    await two.heard(3);
    const { body: after } = await read(ann, id);
    expect(contentsOf(after).slice(1).sort()).toEqual(['by HTTP', 'by socket']);
    for (const socket of [one, two]) {
      expect(socket.frames.slice(1)).toEqual(
        after.messages.slice(1).map((data: unknown) => ({ event: 'message.created', data })),
      );
      await socket.close();
    }
  });

  it('an empty session is synced as empty', async () => {
    const socket = await SessionSocket.open(ann, 'never written to');
    expect(await socket.heard(1)).toEqual([
      { event: 'session.sync', data: { session_id: 'never written to', messages: [] } },
    ]);
    await socket.close();
  });

  it('tells of a delete, also of an empty session, and goes on behind it', async () => {
    const id = randomUUID();
    const socket = await SessionSocket.open(ann, id);
    await socket.heard(1);
    await clear(ann.at(there.url), id);
    expect(await socket.heard(1, 1)).toEqual([
      { event: 'session.cleared', data: { session_id: id } },
    ]);
    await say(ann, id, 'one');
    await say(ann, id, 'two');
    await socket.heard(2, 2);
    await clear(ann, id);
    await socket.heard(1, 4);
    await say(ann.at(there.url), id, 'three');
    await socket.heard(1, 5);
    expect(socket.frames.slice(2).map(({ event, data }) => data.content ?? event)).toEqual([
      'one',
      'two',
      'session.cleared',
      'three',
    ]);
    await socket.close();
  });

  it('tells of every message, also when the session is cleared at once', async () => {
    const id = randomUUID();
    const socket = await SessionSocket.open(ann.at(there.url), id);
    const contents = Array.from({ length: 100 }, (_, n) => `m${n}`);
    for (const content of contents) {
      await say(ann, id, content);
      await clear(ann, id);
    }
    await socket.heard(201);
    expect(socket.frames.slice(1).map(({ event, data }) => data.content ?? event)).toEqual(
      contents.flatMap((one) => [one, 'session.cleared']),
    );
    await socket.close();
  });

  it('hundreds of messages from many sides reach every socket once, in the one order', async () => {
    const id = randomUUID();
    const sockets = await Promise.all(
      [ann, ann.at(there.url), ann].map((client) => SessionSocket.open(client, id)),
    );
    const contents = Array.from({ length: 100 }, (_, n) => `m${n}`);
    for (const content of contents)
      sockets[0]!.send({ role: 'user', content: `socket ${content}` });
    await Promise.all(
      contents.map((content, n) => say(n % 2 ? ann : ann.at(there.url), id, content)),
    );
    for (const socket of sockets) await socket.heard(201);
    const { body } = await read(ann, id);
    expect(contentsOf(body).filter((content) => content.startsWith('socket'))).toEqual(
      contents.map((content) => `socket ${content}`),
    );
    for (const socket of sockets) {
      expect(socket.events('message.created')).toEqual(body.messages);
      await socket.close();
    }
  });

  it('hears nothing of other sessions, nor of the same name of another account', async () => {
    const id = randomUUID();
    const socket = await SessionSocket.open(ann, id);
    await socket.heard(1);
    await say(bob, id, 'of Bob');
    await say(ann, `${id}x`, 'elsewhere');
    await clear(bob, id);
    await say(ann, id, 'mine');
    expect((await socket.heard(1, 1)).map(({ data }) => data.content)).toEqual(['mine']);
    await socket.close();
  });

  it('a frame that is not good is told to its sender, and the socket stays', async () => {
    const id = randomUUID();
    const socket = await SessionSocket.open(ann, id);
    const bad = [
      '{',
      '""',
      '[]',
      'null',
      '{}',
      '{"role":"tool","content":"x"}',
      '{"role":"user","content":" "}',
      Buffer.from('{}'),
    ];
    for (const frame of bad) socket.send(frame);
    const invalid = 'validation_failed';
    expect(await errorsOf(socket, bad.length)).toEqual(
      ['invalid_json', ...Array(6).fill(invalid), 'invalid_json'].map((code, n) =>
        n === 3 ? invalid : code,
      ),
    );
    for (const { code, message } of socket.events('error'))
      expect([typeof code, message.length > 0]).toEqual(['string', true]);
    socket.send({ role: 'user', content: 'good', unknown: 'ignored' });
    await socket.until(() => socket.events('message.created').length === 1);
    expect(contentsOf((await read(ann, id)).body)).toEqual(['good']);
    await socket.close();
  });

  it('a frame that nests deeper than anybody needs is refused as by HTTP', async () => {
    const socket = await SessionSocket.open(ann, randomUUID());
    for (const levels of [40, 30_000]) {
      const nested = '['.repeat(levels) + ']'.repeat(levels);
      for (const frame of [nested, `{"role":"user","content":"x","more":${nested}}`])
        socket.send(frame);
    }
    expect(await errorsOf(socket, 4)).toEqual(Array(4).fill('validation_failed'));
    await socket.close();
  });

  it('a frame over 64 KiB closes with 1009', async () => {
    const socket = await SessionSocket.open(ann, randomUUID());
    socket.send({ role: 'user', content: 'x'.repeat(64 * 1024) });
    expect((await socket.closing()).code).toBe(1009);
  });

  it('takes the token from the header, or from the subprotocols, and answers with the subprotocol', async () => {
    const byProtocol = (await tryUpgrade(here.url, path('s'), {
      protocols: ['bearer', ann.token!],
    })) as SessionSocket;
    expect(byProtocol.socket.protocol).toBe('bearer');
    expect((await byProtocol.heard(1))[0]!.event).toBe('session.sync');
    await byProtocol.close();
  });

  it('refuses with a real HTTP answer before the upgrade: 401, 404, 422', async () => {
    const auth = { authorization: `Bearer ${ann.token}` };
    for (const options of [
      {},
      { headers: { authorization: 'Bearer nonsense' } },
      { protocols: ['bearer', 'nonsense'] },
      { protocols: ['bearer'] },
      { protocols: [ann.token!] },
      { protocols: ['other', ann.token!] },
    ]) {
      const answer = await refusalOf(here.url, path('s'), options);
      expect([answer.status, answer.body.code]).toEqual([401, 'unauthorized']);
      expect(answer.headers['www-authenticate']).toMatch(/^Bearer/);
      expect(answer.headers['content-type']).toBe('application/problem+json');
    }
    for (const unknown of [
      '/',
      '/v1/chat/sessions/s',
      '/v1/chat/sessions/s/ws/x',
      '/v1/chat/sessions//ws',
    ]) {
      expect([unknown, (await refusalOf(here.url, unknown, { headers: auth })).status]).toEqual([
        unknown,
        404,
      ]);
    }
    expect(
      (await refusalOf(here.url, path('x'.repeat(201)), { headers: auth })).body.errors[0].path,
    ).toBe('session_id');
    expect((await refusalOf(here.url, '/v1/chat/sessions/%zz/ws', { headers: auth })).status).toBe(
      400,
    );
    // The token is never taken from the URL, where logs would keep it.
    expect(
      (await refusalOf(here.url, `${path('s')}?token=${ann.token}&access_token=${ann.token}`))
        .status,
    ).toBe(401);
  });

  it('pages of a foreign origin are refused, ours and those of CORS_ORIGINS are not', async () => {
    const open = (origin: string) =>
      tryUpgrade(here.url, path('s'), {
        headers: { authorization: `Bearer ${ann.token}`, origin },
      });
    for (const origin of [
      'https://evil.example',
      'null',
      'nonsense',
      here.url.replace(/\d+$/, '1'),
      'https://friend.example.evil.example',
    ]) {
      const answer = (await open(origin)) as Refusal;
      expect([origin, answer.status, answer.body.code]).toEqual([origin, 403, 'origin_forbidden']);
    }
    for (const origin of [here.url, 'https://friend.example']) {
      const socket = (await open(origin)) as SessionSocket;
      expect((await socket.heard(1))[0]!.event).toBe('session.sync');
      await socket.close();
    }
  });

  it('what is no WebSocket handshake is answered as HTTP', async () => {
    const headers = { connection: 'upgrade', authorization: `Bearer ${ann.token}` };
    const noKey = await rawUpgrade(here.url, path('s'), { ...headers, upgrade: 'websocket' });
    expect(noKey.status).toBe(400);
    // An offer of HTTP/2, as Java and curl make it, is just not taken.
    const h2c = await rawUpgrade(
      here.url,
      `${at('h2c')}/messages`,
      { ...headers, upgrade: 'h2c' },
      { role: 'user', content: 'x' },
    );
    expect([h2c.status, contentsOf(JSON.parse(h2c.text))]).toEqual([201, ['x']]);
  });
};

function rawUpgrade(
  url: string,
  at: string,
  headers: Record<string, string>,
  body?: unknown,
): Promise<{ status: number; text: string }> {
  return new Promise((resolve, reject) => {
    const json = body === undefined ? '' : JSON.stringify(body);
    const request = httpRequest(url + at, {
      method: body === undefined ? 'GET' : 'POST',
      headers: {
        ...headers,
        ...(json && {
          'content-type': 'application/json',
          'content-length': Buffer.byteLength(json),
        }),
      },
    });
    request.on('response', (answer) => {
      let text = '';
      answer.on('data', (chunk: Buffer) => (text += String(chunk)));
      answer.on('end', () => resolve({ status: answer.statusCode!, text }));
    });
    request.on('error', reject);
    request.end(json);
  });
}

describe('sockets of chat sessions, in memory', () => guarantees(inMemory));

(REDIS_URL ? describe : describe.skip)('sockets of chat sessions, in Redis', () =>
  guarantees(() => inRedis(REDIS_URL!)),
);
