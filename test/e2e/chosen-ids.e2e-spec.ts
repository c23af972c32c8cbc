import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import mongoose from 'mongoose';
import { v7 } from 'uuid';
import { Relay } from '../../src/content/relay.js';
import { renameOld } from '../../src/content/mongo/old-names.js';
import { MODES, mongoUriFor, startTestApp, type TestApp, withClient } from '../support/app.js';
import { TestClient } from '../support/client.js';
import { TestSocket } from './realtime-client.js';

describe.each(MODES)('a chat whose id its client chose, words in %s', (mode) => {
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

  it('has this id, of any version, and is the same chat when it is asked for again', async () => {
    for (const chat_id of [randomUUID(), v7(), randomUUID().toUpperCase()]) {
      const body = { chat_id, name: 'Fjords', metadata: { n: 1, topic: 'norway' } };
      const made = await ann.post('/chats', body);
      expect([made.status, made.body.chat_id]).toEqual([201, chat_id.toLowerCase()]);
      expect(made.body).toMatchObject({ root_chat_id: chat_id.toLowerCase(), name: 'Fjords' });
      await ann.append(made.body.chat_id, 'q', 'a');
      const again = await ann.post('/chats/create-chat', {
        ...body,
        metadata: { topic: 'norway', n: 1 },
        system_prompt: null,
      });
      expect([again.status, again.body.chat_id, again.body.message_count]).toEqual([
        201,
        made.body.chat_id,
        1,
      ]);
      for (const other of [{ name: 'Else' }, { metadata: { n: 2, topic: 'norway' } }]) {
        const refused = await ann.post('/chats', { ...body, ...other });
        expect([refused.status, refused.body.code]).toEqual([409, 'chat_id_taken']);
      }
      expect((await ann.get(`/chats/${chat_id}`)).body.name).toBe('Fjords');
    }
    expect((await ann.post('/chats', { chat_id: 'x' })).status).toBe(422);
    expect((await ann.post('/chats', { chat_id: null })).status).toBe(422);
  });

  it('is made once by many who ask at once, at two instances', async () => {
    const chat_id = randomUUID();
    const answers = await Promise.all(
      Array.from({ length: 12 }, (_, n) =>
        (n % 2 ? ann : ann.at(there.url)).post('/chats', { chat_id, name: `n${n % 3}` }),
      ),
    );
    const names = answers.filter(({ status }) => status === 201).map(({ body }) => body.name);
    expect(names.length).toBe(4);
    expect(new Set(names).size).toBe(1);
    expect(answers.filter(({ status }) => status === 409)).toHaveLength(8);
  });

  it('may have the id of a chat of somebody else, which nobody learns, and never meets it', async () => {
    const { id: chat_id } = await ann.aChat(2);
    const socket = await TestSocket.on(ann, chat_id);
    const made = await bob.post('/chats', { chat_id, name: "Bob's" });
    expect(made.status).toBe(201);
    const unknown = await bob.post('/chats', { chat_id: randomUUID(), name: "Bob's" });
    expect(Object.keys(made.body)).toEqual(Object.keys(unknown.body));
    const inBob = await TestSocket.on(bob.at(there.url), chat_id);
    for (let n = 0; n < 3; n++) {
      await Promise.all([
        ann.append(chat_id, `ann ${n}`, 'a'),
        bob.at(there.url).append(chat_id, `bob ${n}`, 'b'),
      ]);
    }
    const branch = await bob.aBranch(
      chat_id,
      (await bob.get(`/chats/${chat_id}/messages`)).body.qa_pairs[0].response_id,
    );
    await here.app.get(Relay, { strict: false }).drain();
    expect(await ann.questionsOf(chat_id)).toEqual(['q1', 'q2', 'ann 0', 'ann 1', 'ann 2']);
    expect(await bob.questionsOf(chat_id)).toEqual(['bob 0', 'bob 1', 'bob 2']);
    expect(await bob.questionsOf(branch)).toEqual(['bob 0']);
    await socket.upTo(6);
    await inBob.upTo(5);
    expect(JSON.stringify(socket.frames)).not.toContain('bob');
    expect(JSON.stringify(inBob.frames)).not.toContain('ann ');
    expect((await ann.get(`/chats/${branch}`)).status).toBe(404);
    await bob.delete(`/chats/${chat_id}`);
    expect((await ann.get(`/chats/${chat_id}`)).body).toMatchObject({ message_count: 5 });
    expect((await bob.post('/chats', { chat_id, name: "Bob's" })).status).toBe(409);
    socket.close();
    inBob.close();
  });

  it('cannot have the id of a branch, nor of a chat that was made otherwise', async () => {
    const { id, pairs } = await ann.aChat(1);
    const branch = await ann.aBranch(id, pairs[0]!);
    for (const chat_id of [id, branch])
      expect((await ann.post('/chats', { chat_id })).body.code).toBe('chat_id_taken');
  });

  it('stands in the list by its age, whatever its id is', async () => {
    const fresh = await TestClient.register(here.url);
    const ids: string[] = [];
    for (const chosen of ['ffffffff-ffff-4fff-bfff-fffffffffff0', null, randomUUID(), null]) {
      const { body } = await fresh.post('/chats', chosen ? { chat_id: chosen } : {});
      ids.unshift(body.chat_id);
    }
    ids.unshift('00000000-0000-4000-8000-000000000001');
    await fresh.post('/chats', { chat_id: ids[0] });
    const listed: string[] = [];
    for (let cursor = ''; ;) {
      const { body } = await fresh.get(`/chats?limit=2${cursor && `&cursor=${cursor}`}`);
      listed.push(...body.items.map(({ chat_id }: any) => chat_id));
      if (!body.next_cursor) break;
      cursor = body.next_cursor;
    }
    expect(listed).toEqual(ids);
  });
});

it('a conversation always has its root: PostgreSQL holds it, and the purge takes both', async () => {
  const server = await startTestApp();
  const ann = await TestClient.register(server.url);
  const { id } = await ann.aChat();
  await withClient(server.databaseUrl, async (client) => {
    for (const text of [
      `INSERT INTO conversations (account_id, chat_id) SELECT account_id, gen_random_uuid() FROM chats WHERE chat_id = '${id}'`,
      `DELETE FROM chats WHERE chat_id = '${id}'`,
    ])
      await expect(client.query(text)).rejects.toMatchObject({ code: '23503' });
    await client.query('BEGIN');
    await client.query(`DELETE FROM chats WHERE chat_id = '${id}'`);
    await client.query(`DELETE FROM conversations WHERE chat_id = '${id}'`);
    await client.query('COMMIT');
  });
  expect((await ann.get(`/chats/${id}`)).status).toBe(404);
  await server.close();
});

(MODES.includes('mongo') ? describe : describe.skip)('the documents of MongoDB', () => {
  it('of the version before get the names of today, once, also after a death in the middle', async () => {
    const connection = await mongoose
      .createConnection(mongoUriFor('postgres://127.0.0.1/old_names'))
      .asPromise();
    try {
      const of = (name: string) => connection.collection(name) as any;
      const [chats, parts] = [of('chat_contents'), of('chat_parts')];
      const chat_id = randomUUID();
      const account_id = randomUUID();
      const old = (n: number) => ({ _id: `${chat_id}:${n}`, account_id, chat_id, bucket: n });
      await chats.insertMany(Array.from({ length: 120 }, (_, n) => old(n)));
      await chats.insertOne({ ...old(7), _id: `${account_id}:${chat_id}:7` });
      await parts.insertOne({ ...old(3), seq: 3 });
      const rename = () => renameOld(chats, parts, of('write_tries'), (work) => work);
      await rename();
      const names = (await chats.find({}).toArray()).map(({ _id }: any) => _id);
      expect(names.sort()).toEqual(
        Array.from({ length: 120 }, (_, n) => `${account_id}:${chat_id}:${n}`).sort(),
      );
      expect((await parts.findOne({})).seq).toBe(3);
      await chats.insertOne({ ...old(500) });
      await rename();
      expect(await chats.findOne({ _id: `${chat_id}:500` })).not.toBeNull();
    } finally {
      await connection.dropDatabase();
      await connection.destroy();
    }
  });
});
