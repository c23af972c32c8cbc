import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { AccountFeeds } from '../../src/modules/realtime/account-feeds.service.js';
import { AccountEventsJob } from '../../src/modules/maintenance/account-events.job.js';
import { MaintenanceModule } from '../../src/modules/maintenance/maintenance.module.js';
import { startTestApp, type TestApp, withClient } from '../support/app.js';
import { TestClient } from '../support/client.js';
import { claude } from '../support/exports.js';
import { aForm, PNG } from '../support/forms.js';
import { type Frame, TestSocket, TestStream } from './realtime-client.js';
import { until } from '../support/machine-clock.js';

let here: TestApp;
let there: TestApp;
const open: { close(): void }[] = [];
const keep = async <One extends { close(): void }>(making: Promise<One>): Promise<One> => {
  const one = await making;
  open.push(one);
  return one;
};
const follow = (person: TestClient, query = '', headers = {}) =>
  keep(TestStream.open(person, query, headers));
/** What was told, without what it is about. */
const outline = (events: readonly Frame[]): string[] =>
  events.map(({ event, data }) => `${event} ${data.chat_id ?? data.file_id ?? data.import_id}`);

beforeAll(async () => {
  here = await startTestApp();
  there = await startTestApp('postgres', {}, here.databaseUrl);
});
afterEach(() => open.splice(0).forEach((one) => one.close()));
afterAll(() => Promise.all([here.close(), there.close()]));

describe('whoever follows an account', () => {
  it('is told what is made, renamed, pinned, answered and deleted in any conversation, in order', async () => {
    const ann = await TestClient.register(here.url);
    const stream = await follow(ann);
    await until(() => stream.records.length > 0);
    expect(stream.records[0]).toEqual({
      id: '0',
      event: 'subscribed',
      data: { event: 'subscribed', data: { account: true, seq: 0 } },
    });
    const { id: one } = await ann.aChat();
    const { id: two } = await ann.aChat();
    const pair = await ann.append(two, 'q', 'a');
    await ann.patch(`/chats/${one}`, { name: 'Fjords', pinned: true });
    // As it is when it is told: once the chat is deleted, only where it was.
    await stream.upTo(4);
    const branch = await ann.aBranch(two, pair, { activate: true });
    await ann.delete(`/chats/${one}`);
    await ann.post(`/chats/${one}/restore`);
    const events = await stream.upTo(8);
    expect(outline(events)).toEqual([
      `chat.created ${one}`,
      `chat.created ${two}`,
      `message.created ${two}`,
      `chat.updated ${one}`,
      `branch.created ${branch}`,
      `branch.activated ${branch}`,
      `chat.deleted ${one}`,
      `chat.restored ${one}`,
    ]);
    expect(events.map(({ seq }) => seq)).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
    expect(events[3]!.data).toMatchObject({ chat_id: one, name: 'Fjords', pinned: true });
    // Who wants the words follows the conversation.
    expect(events[2]!.data).toEqual({
      response_id: pair,
      chat_id: two,
      root_chat_id: two,
      status: 'complete',
    });
    expect(stream.events.map(({ id }) => id)).toEqual(['1', '2', '3', '4', '5', '6', '7', '8']);
  });

  it('is told of files and imports, as they are then', async () => {
    const ann = await TestClient.register(here.url);
    const socket = await keep(TestSocket.onAccount(ann.at(there.url)));
    const form = aForm({ name: 'a.png', type: 'image/png', bytes: PNG });
    const { body: file } = await ann.request('POST', '/api/v1/files', form);
    const created = await socket.next('file.created');
    expect(created.data).toEqual(file);
    await ann.delete(`/files/${file.file_id}`);
    expect((await socket.next('file.deleted')).data).toEqual({ file_id: file.file_id });
    const { body } = await ann.request('POST', '/api/v1/imports', {
      raw: JSON.stringify(claude()),
      headers: { 'content-type': 'application/json' },
    });
    const ended = (): Frame | undefined =>
      socket.frames.find(({ event, data }) => event === 'import.progress' && data.ended_at);
    await until(() => ended() !== undefined, 'the end of the import');
    expect(ended()!.data).toEqual((await ann.get(`/imports/${body.import_id}`)).body);
    await until(() => socket.frames.some(({ event }) => event === 'chat.created'), 'its chats');
  });

  it('at another instance is told at once, each event once and by the same number', async () => {
    const ann = await TestClient.register(here.url);
    const [near, far] = [await follow(ann), await follow(ann.at(there.url))];
    const chats = await Promise.all(
      Array.from({ length: 12 }, (_, n) => (n % 2 ? ann : ann.at(there.url)).aChat(2)),
    );
    const told = await near.upTo(36);
    expect(outline(await far.upTo(36))).toEqual(outline(told));
    expect(told.map(({ seq }) => seq)).toEqual(Array.from({ length: 36 }, (_, n) => n + 1));
    for (const { id } of chats)
      expect(told.filter(({ data }) => data.chat_id === id).map(({ event }) => event)).toEqual([
        'chat.created',
        'message.created',
        'message.created',
      ]);
  });

  it('comes back by since and by Last-Event-ID, at any instance, also when nobody followed meanwhile', async () => {
    const ann = await TestClient.register(here.url);
    const { id } = await ann.aChat();
    const first = await follow(ann);
    await until(() => first.records.length > 0);
    expect(first.records[0]!.data.data).toEqual({ account: true, seq: 1 });
    await ann.patch(`/chats/${id}`, { name: 'a' });
    await first.upTo(2);
    first.close();
    await ann.append(id, 'q');
    const { id: other } = await ann.aChat();
    const back = await follow(ann.at(there.url), '', { 'last-event-id': '2' });
    const missed = await back.upTo(4);
    expect(outline(missed)).toEqual([`message.created ${id}`, `chat.created ${other}`]);
    const all = await follow(ann, 'since=0');
    expect((await all.upTo(4)).length).toBe(4);
    const beyond = await follow(ann, 'since=2000000000');
    await ann.patch(`/chats/${id}`, { name: 'b' });
    expect(outline(await beyond.upTo(5))).toEqual([`chat.updated ${id}`]);
  });

  it('is told by the look of a second what nobody woke it for', async () => {
    const ann = await TestClient.register(here.url);
    const { id } = await ann.aChat();
    const stream = await follow(ann);
    await until(() => stream.records.length > 0);
    // As an instance does that dies behind its commit.
    await withClient(here.databaseUrl, (client) =>
      client.query(
        `WITH next AS (UPDATE conversations SET event_seq = event_seq + 1 WHERE account_id = $1 AND chat_id = $2 RETURNING event_seq)
         INSERT INTO events SELECT $1, $2, event_seq, 'chat.updated', $2, NULL, now() FROM next`,
        [ann.accountId, id],
      ),
    );
    expect(outline(await stream.upTo(2))).toEqual([`chat.updated ${id}`]);
  });

  it('is told nothing of other accounts, and costs nothing that follows nobody', async () => {
    const [ann, bob] = [await TestClient.register(here.url), await TestClient.register(here.url)];
    const stream = await follow(ann);
    await bob.aChat(2);
    const { id } = await ann.aChat();
    expect(outline(await stream.upTo(1))).toEqual([`chat.created ${id}`]);
    const rows = await withClient(here.databaseUrl, (client) =>
      client.query(`SELECT FROM account_feeds WHERE account_id = $1`, [bob.accountId]),
    );
    expect(rows.rowCount).toBe(0);
    stream.close();
    const { feeds } = here.app.get(AccountFeeds, { strict: false }) as unknown as {
      feeds: Map<string, unknown>;
    };
    await until(() => !feeds.has(ann.accountId), 'the feed to be let go');
  });

  it('who has had more than 10,000 events before is told the newest of them, and all that comes', async () => {
    const ann = await TestClient.register(here.url);
    const [{ id: old }, { id: young }] = [await ann.aChat(), await ann.aChat()];
    await withClient(here.databaseUrl, async (client) => {
      await client.query(
        `INSERT INTO events SELECT $1, $2, n, 'chat.updated', $2, NULL, now() FROM generate_series(2, 10001) n`,
        [ann.accountId, old],
      );
      await client.query(`UPDATE conversations SET event_seq = 10001 WHERE chat_id = $1`, [old]);
    });
    const stream = await follow(ann, 'since=0');
    await ann.patch(`/chats/${old}`, { name: 'seen again' });
    expect(outline(await stream.upTo(2))).toEqual([`chat.created ${young}`, `chat.updated ${old}`]);
  });

  it('who reads nothing holds no memory of the server, and is told the rest when it reads again', async () => {
    const ann = await TestClient.register(here.url);
    const stream = await follow(ann);
    await until(() => stream.records.length > 0);
    stream.answer.pause();
    const { id } = await ann.aChat();
    const prompt = 'x'.repeat(30_000);
    await withClient(here.databaseUrl, async (client) => {
      await client.query(`UPDATE chats SET system_prompt = $2 WHERE chat_id = $1`, [id, prompt]);
      await client.query(
        `WITH v AS (UPDATE conversations SET event_seq = 401 WHERE chat_id = $2)
         INSERT INTO events SELECT $1, $2, n, 'chat.updated', $2, NULL, now() FROM generate_series(2, 401) n`,
        [ann.accountId, id],
      );
    });
    stream.answer.resume();
    const told = await stream.upTo(401);
    expect(told.map(({ seq }) => seq)).toEqual(Array.from({ length: 401 }, (_, n) => n + 1));
  });

  it('and the chats of a conversation are one socket, and each ends by itself', async () => {
    const ann = await TestClient.register(here.url);
    const { id } = await ann.aChat();
    const socket = await keep(TestSocket.onAccount(ann));
    await socket.subscribe(id);
    await ann.append(id, 'q');
    await until(() => socket.events.length === 2, 'both');
    expect(socket.events.filter(({ data }) => data.question === 'q')).toHaveLength(1);
    socket.say('unsubscribe', { account: true });
    socket.say('ping');
    await socket.next('pong');
    await ann.append(id, 'q2');
    await until(() => socket.events.some(({ data }) => data.question === 'q2'), 'the other');
    expect(socket.events).toHaveLength(3);
    for (const data of [{ account: true, chat_id: id }, { account: 'yes' }, {}])
      socket.say('subscribe', data);
    await until(() => socket.frames.filter(({ event }) => event === 'error').length === 3);
  });
});

describe('events of an account that are older than they are kept', () => {
  const thin = (): Promise<number> =>
    here.app.select(MaintenanceModule).get(AccountEventsJob).run(new AbortController().signal);
  const told = async (person: TestClient, since: number): Promise<unknown> => {
    const { frames } = await keep(TestSocket.onAccount(person, since));
    return frames.find(({ event }) => event === 'subscribed')!.data;
  };
  const followed = async (person: TestClient): Promise<void> => {
    const stream = await follow(person);
    await until(() => stream.records.length > 0);
  };

  it('go, also many, and whoever was behind them is told so and gets all that is left', async () => {
    const ann = await TestClient.register(here.url);
    const { id } = await ann.aChat();
    await followed(ann);
    await withClient(here.databaseUrl, async (client) => {
      await client.query(
        `WITH feed AS (UPDATE account_feeds SET seq = 2502 WHERE account_id = $1)
         INSERT INTO account_events SELECT $1::uuid, n, 'chat.updated', $2::uuid, $2::uuid, NULL::uuid, now() - interval '31 days' FROM generate_series(2, 2501) n
         UNION ALL SELECT $1, 2502, 'chat.updated', $2, $2, NULL, now() - interval '29 days'`,
        [ann.accountId, id],
      );
      await client.query(
        `UPDATE account_events SET created_at = now() - interval '31 days' WHERE account_id = $1 AND seq = 1`,
        [ann.accountId],
      );
    });
    expect([await thin(), await thin()]).toEqual([2501, 0]);
    await ann.patch(`/chats/${id}`, { name: 'seen' });
    const behind = await follow(ann.at(there.url), 'since=7');
    expect((await behind.upTo(2503)).map(({ seq }) => seq)).toEqual([2502, 2503]);
    expect(behind.records[0]!.data.data).toEqual({ account: true, seq: 2503, kept_from: 2502 });
    expect(await told(ann, 2500)).toEqual({ account: true, seq: 2503, kept_from: 2502 });
    expect(await told(ann, 2501)).toEqual({ account: true, seq: 2503 });
  });

  it('of other accounts stay, and so do those of conversations', async () => {
    const [ann, bob] = [await TestClient.register(here.url), await TestClient.register(here.url)];
    for (const person of [ann, bob]) {
      await person.aChat(1);
      await followed(person);
    }
    const rows = (sql: string): Promise<unknown[]> =>
      withClient(
        here.databaseUrl,
        async (client) => (await client.query(sql, [ann.accountId])).rows,
      );
    await rows(
      `UPDATE account_events SET created_at = now() - interval '31 days' WHERE account_id = $1`,
    );
    expect(await thin()).toBe(2);
    expect(await rows(`SELECT FROM events WHERE account_id = $1`)).toHaveLength(2);
    const all = await follow(bob, 'since=0');
    expect((await all.upTo(2)).map(({ seq }) => seq)).toEqual([1, 2]);
  });
});

describe('a conversation that is purged', () => {
  it('leaves nothing in the events of its account', async () => {
    const ann = await TestClient.register(here.url);
    const { id } = await ann.aChat(1);
    const stream = await follow(ann);
    await ann.delete(`/chats/${id}`);
    await stream.upTo(3);
    await withClient(here.databaseUrl, async (client) => {
      await client.query(`DELETE FROM conversations WHERE chat_id = $1`, [id]);
      const left = await client.query(
        `SELECT 1 FROM account_events WHERE root_chat_id = $1 UNION ALL SELECT 1 FROM account_positions WHERE root_chat_id = $1`,
        [id],
      );
      expect(left.rowCount).toBe(0);
    });
  });
});

describe('a ticket (U5)', () => {
  const ticketOf = async (person: TestClient): Promise<string> => {
    const { status, body } = await person.post('/events/ticket');
    expect([status, Object.keys(body)]).toEqual([201, ['ticket']]);
    return body.ticket;
  };
  const nobody = (url: string): TestClient => new TestClient(url);

  it('opens a stream without a header, once, at any instance, for its account alone', async () => {
    const ann = await TestClient.register(here.url);
    const { id } = await ann.aChat(1);
    const ticket = await ticketOf(ann);
    const stream = await follow(nobody(there.url), `chat_id=${id}&since=0&ticket=${ticket}`);
    expect(stream.status).toBe(200);
    expect((await stream.upTo(2)).length).toBe(2);
    for (const url of [here.url, there.url])
      expect((await follow(nobody(url), `chat_id=${id}&ticket=${ticket}`)).status).toBe(401);
    const bob = await TestClient.register(here.url);
    const foreign = `chat_id=${id}&ticket=${await ticketOf(bob)}`;
    expect((await follow(nobody(here.url), foreign)).status).toBe(404);
  });

  it('of many who bring it at once lets one in', async () => {
    const ann = await TestClient.register(here.url);
    const ticket = await ticketOf(ann);
    const streams = await Promise.all(
      Array.from({ length: 12 }, (_, n) =>
        follow(nobody(n % 2 ? here.url : there.url), `ticket=${ticket}`),
      ),
    );
    expect(streams.filter(({ status }) => status === 200)).toHaveLength(1);
  });

  it('opens a WebSocket, once', async () => {
    const ann = await TestClient.register(here.url);
    const query = `?ticket=${await ticketOf(ann)}`;
    const socket = await keep(TestSocket.open(here.url, {}, [], query));
    await socket.next('ready');
    const again = await keep(TestSocket.open(there.url, {}, [], query));
    expect((await again.end()).code).toBe(4401);
  });

  it('is good for nothing else, nor when it has ended, nor what is none', async () => {
    const ann = await TestClient.register(here.url);
    const ticket = await ticketOf(ann);
    const get = (path: string, headers = {}) => fetch(`${here.url}${path}`, { headers });
    expect((await get(`/api/v1/chats?ticket=${ticket}`)).status).toBe(401);
    expect((await get('/api/v1/chats', { authorization: `Bearer ${ticket}` })).status).toBe(401);
    const head = await fetch(`${here.url}/api/v1/events?ticket=${ticket}`, { method: 'HEAD' });
    expect(head.status).toBe(401);
    for (const bad of ['', 'x', `btk_${'A'.repeat(22)}_${'A'.repeat(43)}`, randomUUID()])
      expect((await follow(nobody(here.url), `ticket=${bad}`)).status).toBe(401);
    await withClient(here.databaseUrl, (client) =>
      client.query(`UPDATE event_tickets SET expires_at = now() WHERE account_id = $1`, [
        ann.accountId,
      ]),
    );
    expect((await follow(nobody(here.url), `ticket=${ticket}`)).status).toBe(401);
  });

  it('ends with the sign-in that asked for it, and so does what it opened', async () => {
    const { email } = await TestClient.register(here.url);
    const signedIn = await nobody(here.url).post('/auth/login', {
      email,
      password: 'a password of tests',
    });
    const ann = new TestClient(here.url, signedIn.body.access_token);
    const stream = await follow(nobody(here.url), `ticket=${await ticketOf(ann)}`);
    const unused = await ticketOf(ann);
    const { refresh_token } = signedIn.body;
    expect((await ann.post('/auth/logout', { refresh_token })).status).toBe(204);
    await until(() => stream.ended, 'the end of the stream');
    expect((await follow(nobody(here.url), `ticket=${unused}`)).status).toBe(401);
  });

  it('is in no log and no answer, and only its hash is kept', async () => {
    const written: string[] = [];
    const spies = (['stdout', 'stderr'] as const).map((name) =>
      jest.spyOn(process[name], 'write').mockImplementation((text) => {
        written.push(String(text));
        return true;
      }),
    );
    const loud = await startTestApp('postgres', { LOG_LEVEL: 'trace' }, here.databaseUrl);
    try {
      const ann = await TestClient.register(loud.url);
      const ticket = await ticketOf(ann);
      const stream = await follow(nobody(loud.url), `ticket=${ticket}`);
      expect(stream.status).toBe(200);
      const used = await fetch(`${loud.url}/api/v1/events?ticket=${ticket}`);
      expect([used.status, (await used.text()).includes(ticket)]).toEqual([401, false]);
      const wrong = await fetch(`${loud.url}/api/v1/events?ticket=${ticket}&chat_id=x`);
      expect((await wrong.text()).includes(ticket)).toBe(false);
      stream.close();
    } finally {
      await loud.close();
      spies.forEach((spy) => spy.mockRestore());
    }
    expect(written.join('')).toContain('"level"');
    expect(written.join('')).not.toContain('btk_');
  });
});
