import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { PurgeJob } from '../../src/modules/maintenance/purge.job.js';
import { MODES, mongoUriFor, SETTINGS, startTestApp, withClient } from '../support/app.js';
import { AnswerReader } from '../support/answer-reader.js';
import { TestSocket } from './realtime-client.js';
import { runFsck, violationsOf } from '../crash/fsck.js';
import { words } from '../support/fake-provider.js';
import { type AnsweringServers, startAnswering, stopAnswering } from './answering-servers.js';
import { until } from '../support/machine-clock.js';
import { endRestoring, purgeWithoutWait } from '../support/purge.js';

describe.each(MODES)('what surrounds an answer, words in %s', (mode) => {
  let servers: AnsweringServers;
  let { provider, here, ann, annThere } = {} as AnsweringServers;

  beforeAll(async () => {
    servers = await startAnswering(mode);
    ({ provider, here, ann, annThere } = servers);
  });
  afterEach(() => provider.reset());
  afterAll(() => stopAnswering(servers));

  const messageOf = async (chatId: string, responseId: string) =>
    (await ann.get(`/chats/${chatId}/messages/${responseId}`)).body;

  it('a chat is named by a model where the settings name one, without its thoughts (A8), but never over the name of a person', async () => {
    const naming = await startTestApp(
      mode,
      provider.settings({ LLM_TITLE_MODEL: 'fake-titles' }),
      here.databaseUrl,
    );
    try {
      const person = ann.at(naming.url);
      provider.always(({ body }) =>
        body.model === 'fake-titles'
          ? { tokens: ['<think>secret plan</think>\n\n', '"Sun at ', 'midnight".'], delayMs: 100 }
          : {},
      );
      const [one, other] = [await person.aChat(), await person.aChat()];
      for (const { id } of [one, other])
        await person.post(`/chats/${id}/messages`, { question: 'Where does it begin?' });
      await person.patch(`/chats/${other.id}`, { name: 'Mine' });
      const nameOf = async ({ id }: { id: string }) => (await person.get(`/chats/${id}`)).body.name;
      await until(async () => (await nameOf(one)) === 'Sun at midnight', 'the name', 5000);
      expect([await nameOf(one), await nameOf(other)]).toEqual(['Sun at midnight', 'Mine']);
    } finally {
      await naming.close();
    }
  });

  it('an answer is told to sockets at every instance, and with it the name that its chat got', async () => {
    const { id } = await ann.aChat();
    const sockets = [await TestSocket.on(ann, id, 0), await TestSocket.on(annThere, id, 0)];
    const { body } = await ann.post(`/chats/${id}/messages`, { question: 'q' });
    for (const socket of sockets) {
      expect((await socket.next('message.created')).data).toMatchObject({
        response_id: body.response_id,
        seq: 1,
      });
      expect((await socket.next('message.completed')).data).toEqual({ ...body, root_chat_id: id });
      expect((await socket.next('chat.updated')).data.name).toBe('q');
      socket.close();
    }
  });

  it('an answer is stopped when its chat is deleted: what was there of it is kept, and shown when the chat is restored', async () => {
    const { id, pairs } = await ann.aChat(1);
    const branch = await ann.aBranch(id, pairs[0]!);
    for (const [chatId, client] of [
      [branch, ann],
      [branch, annThere],
      [id, ann],
    ] as const) {
      provider.next({ tokens: words(20), gateAfter: 5 });
      const reader = await (await AnswerReader.ask(ann, chatId, 'q')).pieces(5);
      const { response_id: responseId } = reader.accepted;
      await client.delete(`/chats/${chatId}`);
      expect((await ann.get(`/chats/${chatId}/messages/${responseId}/stream`)).status).toBe(404);
      const shown = { status: 'cancelled', response: words(5).join('') };
      expect((await reader.end()).data).toMatchObject(shown);
      await client.post(`/chats/${chatId}/restore`);
      expect(await messageOf(chatId, responseId)).toMatchObject(shown);
    }
  });

  it('an answer leaves nothing behind when its conversation is purged, which waits for its end', async () => {
    const { id } = await ann.aChat();
    provider.next({ tokens: words(100), gateAfter: 50 });
    const reader = await (await AnswerReader.ask(ann, id, 'q')).pieces(20);
    await ann.delete(`/chats/${id}`);
    await endRestoring(here.databaseUrl, id);
    purgeWithoutWait(here.app.get(PurgeJob, { strict: false }));
    const purge = () => here.app.get(PurgeJob, { strict: false }).run(new AbortController().signal);
    if ((await purge()) === 0) {
      await reader.end().catch(() => null);
      expect(await purge()).toBe(2);
    }
    const { rows } = await withClient(here.databaseUrl, (client) =>
      client.query(
        `SELECT (SELECT count(*)::int FROM messages WHERE chat_id = $1) AS pairs, (SELECT count(*)::int FROM generations WHERE chat_id = $1) AS answers,
           (SELECT count(*)::int FROM generation_chunks WHERE generation_id = $2) AS chunks`,
        [id, reader.accepted.generation_id],
      ),
    );
    expect(rows).toEqual([{ pairs: 0, answers: 0, chunks: 0 }]);
  });

  it('leaves both stores of one mind', async () => {
    const mongo: Record<string, string> =
      mode === 'mongo' ? { MONGODB_URI: mongoUriFor(here.databaseUrl) } : {};
    expect(
      violationsOf(
        await runFsck({ ...SETTINGS, DATABASE_URL: here.databaseUrl, ...mongo }, '--json'),
      ),
    ).toEqual({});
  });
});
