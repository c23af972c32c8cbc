import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { ContentStore } from '../../src/content/content-store.js';
import { Database } from '../../src/database/database.js';
import { PurgeJob } from '../../src/modules/maintenance/purge.job.js';
import { MODES, startTestApp, type TestApp } from '../support/app.js';
import { TestClient } from '../support/client.js';
import { FakeProvider } from '../support/fake-provider.js';
import { endRestoring, purgeWithoutWait } from '../support/purge.js';

describe.each(MODES)('words that a model was told lately, words in %s', (mode) => {
  let provider: FakeProvider;
  let server: TestApp;
  let ann: TestClient;

  beforeAll(async () => {
    provider = await FakeProvider.start();
    server = await startTestApp(mode, provider.settings());
    ann = await TestClient.register(server.url);
  });
  afterEach(() => {
    provider.reset();
    jest.restoreAllMocks();
  });
  afterAll(async () => {
    await server.close();
    await provider.close();
  });

  const found = <Type>(type: abstract new (...all: never[]) => Type): Type =>
    server.app.get<Type>(type as never, { strict: false });

  /** What the model is told of the path before a question; the answers of the model are "w0 …". */
  async function toldIn(chatId: string): Promise<string[]> {
    const { body } = await ann.post(`/chats/${chatId}/messages`, { question: 'And now?' });
    expect(body.status).toBe('complete');
    const { messages } = provider.asked.at(-1)!.body;
    return messages.slice(0, -1).map(({ content }: { content: string }) => content);
  }

  /** The words that are read for it, in pairs. */
  async function readFor(work: () => Promise<unknown>): Promise<number> {
    const [database, content] = [found(Database), found(ContentStore)];
    const [query, findMany] = [database.query.bind(database), content.findMany.bind(content)];
    let read = 0;
    jest.spyOn(database, 'query').mockImplementation(async (statement, values) => {
      const rows = await query<any>(statement, values);
      if (statement.name.startsWith('answer.context'))
        for (const { words } of rows) read += words?.split('\n').length ?? 0;
      return rows as never;
    });
    jest.spyOn(content, 'findMany').mockImplementation((account, root, refs) => {
      read += refs.length;
      return findMany(account, root, refs);
    });
    await work();
    jest.restoreAllMocks();
    return read;
  }

  it('are not read again for the next question: only those of the pair behind them, and of the question', async () => {
    const { id } = await ann.aChat(20);
    expect(await readFor(() => toldIn(id))).toBeGreaterThanOrEqual(21);
    const told = await toldIn(id);
    expect(told.slice(0, 40)).toEqual(
      Array.from({ length: 20 }, (_, n) => [`q${n + 1}`, `a${n + 1}`]).flat(),
    );
    let again: string[] = [];
    expect(await readFor(async () => (again = await toldIn(id)))).toBeLessThanOrEqual(2);
    expect(again.slice(0, told.length)).toEqual(told);
    expect(again).toHaveLength(told.length + 2);
  });

  it('are told to nobody who asks in a branch that does not see them', async () => {
    const { id, pairs } = await ann.aChat(6);
    await toldIn(id);
    const branch = await ann.aBranch(id, pairs[2]!);
    expect(await toldIn(branch)).toEqual(['q1', 'a1', 'q2', 'a2', 'q3', 'a3']);
    expect(await toldIn(id)).toHaveLength(14);
  });

  it('are told no more once they are erased', async () => {
    const { id, pairs } = await ann.aChat(6);
    await toldIn(id);
    expect((await ann.delete(`/chats/${id}/messages/${pairs[2]}`)).status).toBe(204);
    const told = await toldIn(id);
    expect(told.slice(0, 10)).toEqual(['q1', 'a1', 'q2', 'a2', 'q4', 'a4', 'q5', 'a5', 'q6', 'a6']);
    expect(await readFor(() => toldIn(id))).toBeLessThanOrEqual(2);
  });

  it('are told as they are now where they were said anew', async () => {
    const { id } = await ann.aChat(3);
    await toldIn(id);
    const thread = `/aui/v1/threads/${id}/messages`;
    const { body } = await ann.request('GET', `${thread}?format=aui%2Fv0`);
    const { id: message } = body.messages.find(
      ({ content }: any) => content.content[0]?.text === 'a2',
    );
    const content = { role: 'assistant', content: [{ type: 'text', text: 'anew' }] };
    const answer = await ann.request('PUT', `${thread}/${message}`, { body: { content } });
    expect(answer.status).toBe(204);
    expect((await toldIn(id)).slice(0, 6)).toEqual(['q1', 'a1', 'q2', 'anew', 'q3', 'a3']);
  });

  it('are not those of a chat that has got the id of a purged one', async () => {
    const chat_id = randomUUID();
    const said = async (word: string) => {
      await ann.aChat(0, { chat_id });
      await ann.append(chat_id, `${word} one`, 'yes');
      await ann.append(chat_id, `${word} two`, 'no');
      return (await toldIn(chat_id)).slice(0, 4);
    };
    expect(await said('first')).toEqual(['first one', 'yes', 'first two', 'no']);
    await ann.delete(`/chats/${chat_id}`);
    await endRestoring(server.databaseUrl, chat_id);
    const purge = found(PurgeJob);
    purgeWithoutWait(purge);
    expect(await purge.run(new AbortController().signal)).toBeGreaterThan(0);
    expect(await said('second')).toEqual(['second one', 'yes', 'second two', 'no']);
  });
});
