import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { MODES, startTestApp, type TestApp } from '../support/app.js';
import { TestClient } from '../support/client.js';
import { first, post, read, last, textsOf, nextOf } from './first-message-calls.js';

const INSTANT = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/** The address that a `Link` of the answer from `url` leads to. */
const after = (url: string, link: string | null): string | null => {
  if (link === null) return null;
  const { pathname, search } = new URL(link, new URL(url, 'http://here'));
  return pathname + search;
};

describe.each(MODES)('first message, words in %s', (mode) => {
  let here: TestApp;
  let there: TestApp;
  let ann: TestClient;
  let bob: TestClient;

  beforeAll(async () => {
    here = await startTestApp(mode);
    there = await startTestApp(mode, {}, here.databaseUrl);
    [ann, bob] = [await TestClient.register(here.url), await TestClient.register(here.url)];
  });
  afterAll(() => Promise.all([here.close(), there.close()]));

  it('starts a chat with its first message', async () => {
    const fresh = await TestClient.register(here.url);
    const { status, body, headers } = await first(fresh, { text: ' hello 🦣\n', sender: 'Ada' });
    expect(status).toBe(201);
    expect(body).toEqual({
      chat_id: 1,
      chat_uuid: expect.stringMatching(UUID),
      message: {
        id: expect.stringMatching(UUID),
        chat_id: 1,
        chat_uuid: body.chat_uuid,
        text: ' hello 🦣\n',
        sender: 'Ada',
        created_at: expect.stringMatching(INSTANT),
        system: false,
      },
    });
    expect(headers.get('content-state')).toBe('stored');
    expect((await read(fresh, 'chat_uuid=1')).body).toEqual([body.message]);
  });

  it('numbers count up for each account without gaps or doubles, at once and at two instances', async () => {
    const fresh = await TestClient.register(here.url);
    const answers = await Promise.all(
      Array.from({ length: 40 }, (_, n) => first(n % 2 ? fresh : fresh.at(there.url))),
    );
    expect(answers.map(({ body }) => body.chat_id).sort((a, b) => a - b)).toEqual(
      Array.from({ length: 40 }, (_, n) => n + 1),
    );
    expect((await first(fresh, { text: '', sender: 'Ada' })).status).toBe(422);
    expect((await first(fresh)).body.chat_id).toBe(41);
    expect((await first(await TestClient.register(there.url))).body.chat_id).toBe(1);
  });

  it('every route takes the number and the UUID; a body takes the number also as a string', async () => {
    const { body: started } = await first(ann, { text: 'm0', sender: 'Ada', system: true });
    const names = [
      started.chat_id,
      String(started.chat_id),
      started.chat_uuid,
      started.chat_uuid.toUpperCase(),
    ];
    for (const [n, chat_uuid] of names.entries()) {
      const { status, body } = await post(ann, { chat_uuid, text: `m${n + 1}`, sender: 'Bo' });
      const { chat_id, chat_uuid: uuid } = started;
      expect([status, body]).toEqual([
        201,
        {
          id: expect.stringMatching(UUID),
          ...{ chat_id, chat_uuid: uuid },
          ...{ text: `m${n + 1}`, sender: 'Bo', system: false },
          created_at: expect.stringMatching(INSTANT),
        },
      ]);
    }
    const { body: all } = await read(ann, `chat_uuid=${started.chat_id}`);
    expect(textsOf(all)).toEqual(['m0', 'm1', 'm2', 'm3', 'm4']);
    expect([all[0].system, all[1].system]).toEqual([true, false]);
    for (const name of names) {
      expect((await read(ann.at(there.url), `chat_uuid=${name}`)).body).toEqual(all);
      const { status, body } = await last(ann, name);
      const { text, sender, created_at, system } = all[4];
      expect([status, body]).toEqual([200, { text, sender, created_at, system }]);
    }
  });

  it('pages are in order and linked; none repeats or skips while others write', async () => {
    const { body: started } = await first(ann, { text: 'm0', sender: 'Ada' });
    for (let n = 1; n < 7; n++)
      await post(ann, { chat_uuid: started.chat_id, text: `m${n}`, sender: 'Ada' });
    const texts: string[] = [];
    let url: string | null = `/messages?chat_uuid=${started.chat_id}&limit=3`;
    let pages = 0;
    while (url) {
      const answer = await ann.request('GET', url);
      texts.push(...textsOf(answer.body));
      if (pages++ === 0) await post(ann, { chat_uuid: started.chat_id, text: 'm7', sender: 'Bo' });
      url = after(url, nextOf(answer.headers.get('link')));
    }
    expect([texts, pages]).toEqual([['m0', 'm1', 'm2', 'm3', 'm4', 'm5', 'm6', 'm7'], 3]);
  });

  it('without a chat they are all of the account, oldest first, in pages that neither repeat nor skip', async () => {
    const fresh = await TestClient.register(here.url);
    const { body: one } = await first(fresh, { text: 'm0', sender: 'Ada', system: true });
    const { body: two } = await first(fresh, { text: 'm1', sender: 'Bo' });
    await post(fresh, { chat_uuid: one.chat_id, text: 'm2', sender: 'Ada' });
    const { id: elsewhere, pairs } = await fresh.aChat(1);
    await post(fresh, { chat_uuid: two.chat_id, text: 'm3', sender: 'Bo' });
    const { body: gone } = await first(fresh, { text: 'of a deleted chat', sender: 'Ada' });
    await fresh.delete(`/chats/${gone.chat_uuid}`);
    const { body: erased } = await post(fresh, { chat_uuid: 1, text: 'erased', sender: 'Ada' });
    await fresh.delete(`/chats/${one.chat_uuid}/messages/${erased.id}`);
    const all: any[] = [];
    let url: string | null = '/messages?limit=1';
    for (let page = 0; url; page++) {
      const answer: any = await fresh.at(there.url).request('GET', url);
      expect(answer.status).toBe(200);
      all.push(...answer.body);
      if (page === 1) await post(fresh, { chat_uuid: one.chat_id, text: 'm4', sender: 'Ada' });
      url = after(url, nextOf(answer.headers.get('link')));
    }
    expect(textsOf(all)).toEqual(['m0', 'm1', 'm2', 'q1', 'a1', 'm3', 'm4']);
    expect(all[0]).toEqual(one.message);
    expect(all[3]).toMatchObject({ id: pairs[0], chat_uuid: elsewhere, chat_id: 4 });
    expect(all[4].id).toBe(`${pairs[0]}.response`);
    expect((await fresh.request('GET', '/messages')).body).toEqual(all);
    expect((await bob.request('GET', '/messages?limit=100')).body).not.toContainEqual(all[0]);
    const foreign = Buffer.from(`${one.chat_uuid}|4`).toString('base64url');
    expect((await fresh.request('GET', `/messages?cursor=${foreign}`)).status).toBe(422);
  });

  it('the pair of a deleted branch is shown as long as a living one has it', async () => {
    const fresh = await TestClient.register(here.url);
    const { id } = await fresh.aChat(1);
    const middle = await fresh.aBranch(
      id,
      (await fresh.get(`/chats/${id}/messages`)).body.qa_pairs[0].response_id,
    );
    const inherited = await fresh.append(middle, 'inherited');
    const leaf = await fresh.aBranch(middle, inherited);
    await fresh.append(middle, 'hers alone');
    await fresh.delete(`/chats/${middle}`);
    const { body } = await fresh.request('GET', '/messages');
    expect(textsOf(body)).toContain('inherited');
    expect(body.find(({ text }: any) => text === 'inherited').chat_uuid).toBe(leaf);
    expect(textsOf(body)).not.toContain('hers alone');
  });

  it('50 messages are a page when nothing is said', async () => {
    const { body: started } = await first(ann);
    await Promise.all(
      Array.from({ length: 50 }, (_, n) =>
        post(ann, { chat_uuid: started.chat_uuid, text: `m${n}`, sender: 'Ada' }),
      ),
    );
    const { body, headers } = await read(ann, `chat_uuid=${started.chat_uuid}`);
    expect([body.length, nextOf(headers.get('link'))]).toEqual([50, expect.any(String)]);
    expect(
      (await read(ann, `chat_uuid=${started.chat_uuid}&limit=100`)).headers.get('link'),
    ).toBeNull();
  });

  it('100 posts at once to one chat, at two instances, lose nothing and have one order', async () => {
    const { body: started } = await first(ann);
    const texts = Array.from({ length: 99 }, (_, n) => `m${n}`);
    const say = (text: string, n: number) =>
      post(n % 2 ? ann : ann.at(there.url), { chat_uuid: started.chat_id, text, sender: 'Ada' });
    const answers = await Promise.all(texts.map(say));
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([201]));
    const { body } = await read(ann, `chat_uuid=${started.chat_id}&limit=100`);
    expect(textsOf(body).sort()).toEqual(['hello', ...texts].sort());
    expect(new Set(body.map(({ id }: { id: string }) => id)).size).toBe(100);
    expect(
      (await read(ann.at(there.url), `chat_uuid=${started.chat_uuid}&limit=100`)).body,
    ).toEqual(body);
  });

  it('its chats are ordinary chats: the other routes show them, and answers given there are messages here', async () => {
    const { body: started } = await first(ann, { text: 'in June?', sender: 'Ada', system: true });
    const { body: chat } = await ann.get(`/chats/${started.chat_uuid}`);
    expect([chat.message_count, chat.active, chat.parent_chat_id]).toEqual([1, true, null]);
    expect(chat.content.qa_pairs[0]).toMatchObject({
      ...{
        response_id: started.message.id,
        question: 'in June?',
        response: null,
        author: 'Ada',
        metadata: { system: true },
      },
      ...{ status: 'complete', message_type: 'text', timestamp: started.message.created_at },
    });
    expect((await ann.get('/chats')).body.items[0].chat_id).toBe(started.chat_uuid);
    const answered = await ann.append(started.chat_uuid, 'or in May?', 'In June.');
    await post(ann, { chat_uuid: started.chat_id, text: 'thanks', sender: 'Ada' });
    const { body } = await read(ann, `chat_uuid=${started.chat_id}`);
    expect(
      body.map(({ text, sender }: { text: string; sender: string }) => [text, sender]),
    ).toEqual([
      ['in June?', 'Ada'],
      ['or in May?', 'user'],
      ['In June.', 'assistant'],
      ['thanks', 'Ada'],
    ]);
    expect([body[1].id, body[2].id]).toEqual([answered, `${answered}.response`]);
    const paged: string[] = [];
    for (let url: string | null = `/messages?chat_uuid=${started.chat_id}&limit=1`; url;) {
      const answer = await ann.request('GET', url);
      paged.push(...textsOf(answer.body));
      url = after(url, nextOf(answer.headers.get('link')));
    }
    expect(paged).toEqual(textsOf(body));
  });

  it('a chat that was made elsewhere gets the next number when its UUID is first named, and keeps it', async () => {
    const fresh = await TestClient.register(here.url);
    const chat = await fresh.aChat(1);
    const branch = await fresh.aBranch(chat.id, chat.pairs[0]!);
    expect((await first(fresh)).body.chat_id).toBe(1);
    const { body } = await post(fresh, { chat_uuid: chat.id, text: 'here too', sender: 'Ada' });
    expect([body.chat_id, body.chat_uuid]).toEqual([2, chat.id]);
    expect((await read(fresh, `chat_uuid=${branch}`)).body).toMatchObject([
      { chat_id: 3, chat_uuid: branch, text: 'q1' },
      { chat_id: 3, chat_uuid: branch, text: 'a1' },
    ]);
    expect(textsOf((await read(fresh.at(there.url), 'chat_uuid=2')).body)).toEqual([
      'q1',
      'a1',
      'here too',
    ]);
    expect((await last(fresh, 3)).body).toMatchObject({
      text: 'a1',
      sender: 'assistant',
      system: false,
    });
    expect((await first(fresh)).body.chat_id).toBe(4);
  });

  it('a chat that many name at once for the first time gets one number, and a stranger gives it none', async () => {
    const fresh = await TestClient.register(here.url);
    const { id } = await fresh.aChat(1);
    expect((await read(bob, `chat_uuid=${id}`)).status).toBe(404);
    const key = { 'idempotency-key': randomUUID() };
    const said = { chat_uuid: id, text: 'once', sender: 'Ada' };
    const posts = Array.from({ length: 6 }, (_, n) =>
      post(n % 2 ? fresh : fresh.at(there.url), said, key),
    );
    const reads = Array.from({ length: 10 }, (_, n) =>
      read(n % 2 ? fresh : fresh.at(there.url), `chat_uuid=${id}`),
    );
    expect(
      new Set((await Promise.all(posts)).map(({ status, text }) => `${status} ${text}`)).size,
    ).toBe(1);
    expect(
      new Set(
        (await Promise.all(reads)).flatMap(({ body }) => body.map(({ chat_id }: any) => chat_id)),
      ),
    ).toEqual(new Set([1]));
    expect((await first(fresh)).body.chat_id).toBe(2);
  });

  it('chat_id is another name of chat_uuid where that is absent', async () => {
    const { body: started } = await first(ann);
    for (const name of [started.chat_id, String(started.chat_id), started.chat_uuid]) {
      const { status, body } = await post(ann, { chat_id: name, text: 'more', sender: 'Ada' });
      expect([status, body.chat_uuid]).toEqual([201, started.chat_uuid]);
      expect(textsOf((await read(ann, `chat_id=${name}`)).body)).toContain('more');
    }
    const { body: other } = await first(ann);
    const { body } = await post(ann, {
      chat_uuid: other.chat_uuid,
      chat_id: started.chat_id,
      text: 'there',
      sender: 'Ada',
    });
    expect(body.chat_id).toBe(other.chat_id);
    for (const chat_uuid of [undefined, other.chat_uuid]) {
      const bad = await post(ann, { chat_uuid, chat_id: 'x', text: 'x', sender: 'x' });
      expect([bad.status, bad.body.errors[0].path]).toEqual([422, 'chat_id']);
    }
    const { status, body: problem } = await read(ann, `chat_uuid=${other.chat_uuid}&chat_id=x`);
    expect([status, problem.errors[0].path]).toEqual([422, 'chat_id']);
  });

  it('pairs without a text, and redacted ones, end no list and hide no last message', async () => {
    const { id } = await ann.aChat();
    const silent = { question_parts: [{ type: 'data', name: 'd', value: 1 }], response: null };
    const asked = (question: string) => ({ question, response: null });
    await ann.post(`/chats/${id}/messages`, { pairs: [asked('one'), asked('two')] });
    await ann.post(`/chats/${id}/messages`, { pairs: Array.from({ length: 60 }, () => silent) });
    expect((await last(ann, id)).body.text).toBe('two');
    await ann.post(`/chats/${id}/messages`, { pairs: [asked('three'), silent] });
    const { body } = await ann.get(`/chats/${id}/messages?limit=100`);
    const idOf = (text: string) =>
      body.qa_pairs.find((pair: { question: string }) => pair.question === text).response_id;
    await ann.delete(`/chats/${id}/messages/${idOf('two')}`);
    for (const limit of [1, 2, 50]) {
      const seen: string[] = [];
      let url: string | null = `/messages?chat_uuid=${id}&limit=${limit}`;
      while (url !== null) {
        const page = await ann.request('GET', url);
        seen.push(...textsOf(page.body));
        url = after(url, nextOf(page.headers.get('link')));
      }
      expect(seen).toEqual(['one', 'three']);
    }
    await ann.delete(`/chats/${id}/messages/${idOf('three')}`);
    expect((await last(ann, id)).body.text).toBe('one');
    await ann.delete(`/chats/${id}/messages/${idOf('one')}`);
    expect((await last(ann, id)).status).toBe(404);
  });

  it('an empty chat has no messages, and no last one', async () => {
    const { id } = await ann.aChat();
    const { status, body } = await read(ann, `chat_uuid=${id}`);
    expect([status, body]).toEqual([200, []]);
    const none = await last(ann, id);
    expect([none.status, none.body.code]).toEqual([404, 'message_not_found']);
  });
});
