import { randomUUID } from 'node:crypto';
import { AssistantCloud, CloudMessagePersistence, generateThreadTitle } from 'assistant-cloud';
import { MODES, startTestApp, type TestApp } from '../support/app.js';
import { TestClient } from '../support/client.js';

const said = (role: 'user' | 'assistant', text: string, more: object = {}): any => ({
  role,
  content: [{ type: 'text', text }],
  ...more,
});

describe.each(MODES)('the unmodified client of the Assistant Cloud (words in %s)', (mode) => {
  let server: TestApp;
  let ann: TestClient;
  let cloud: AssistantCloud;

  beforeAll(async () => {
    server = await startTestApp(mode);
    ann = await TestClient.register(server.url);
    cloud = cloudOf(ann);
  });
  afterAll(() => server.close());

  const cloudOf = ({ token }: TestClient): AssistantCloud =>
    new AssistantCloud({
      baseUrl: `${server.url}/aui`,
      authToken: async () => token!,
      telemetry: false,
    });
  const begin = async (fields: object = {}): Promise<string> =>
    (await cloud.threads.create({ last_message_at: new Date(), ...fields })).thread_id;
  const keep = async (thread: string, parent_id: string | null, content: any) =>
    (await cloud.threads.messages.create(thread, { parent_id, format: 'aui/v0', content }))
      .message_id;
  /** Parents before their children, as the components of assistant-ui read them. */
  const treeOf = async (thread: string) => {
    const { messages } = await cloud.threads.messages.list(thread, { format: 'aui/v0' });
    return messages.reverse().map(({ id, parent_id, content }) => ({ id, parent_id, content }));
  };

  it('makes, lists, renames, puts away and deletes threads', async () => {
    const bob = cloudOf(await TestClient.register(server.url));
    const { thread_id: id } = await bob.threads.create({
      ...{ last_message_at: new Date(), title: 'North', external_id: 'mine' },
      metadata: { mood: 'gay' },
    });
    expect(await bob.threads.get('mine')).toMatchObject({
      ...{ id, title: 'North', external_id: 'mine', metadata: { mood: 'gay' } },
      is_archived: false,
    });
    await bob.threads.update(id, { title: 'Far north', is_archived: true });
    const { threads } = await bob.threads.list({ is_archived: true });
    expect(threads).toMatchObject([{ id, title: 'Far north', is_archived: true }]);
    expect((await bob.threads.list({ is_archived: false })).threads).toEqual([]);
    const { thread_id: newer } = await bob.threads.create({ last_message_at: new Date() });
    const { threads: older } = await bob.threads.list({ limit: 1, after: newer });
    expect(older.map((thread) => thread.id)).toEqual([id]);
    await bob.threads.delete(id);
    await expect(bob.threads.get(id)).rejects.toMatchObject({ status: 404 });
  });

  it('keeps messages word for word, in the tree that their parents make', async () => {
    const thread = await begin();
    const odd = { status: { type: 'complete', reason: 'stop' }, metadata: { custom: { n: 1 } } };
    const u1 = await keep(thread, null, said('user', 'Which tree?'));
    const a1 = await keep(thread, u1, said('assistant', 'An oak.', odd));
    const a2 = await keep(thread, u1, said('assistant', 'A fig.'));
    const u2 = await keep(thread, a1, said('user', 'Is it old?'));
    const u3 = await keep(thread, a1, said('user', 'Is it young?'));
    const a3 = await keep(thread, u3, said('assistant', 'It is.'));
    const tree = await treeOf(thread);
    expect(new Map(tree.map(({ id, parent_id }) => [id, parent_id]))).toEqual(
      new Map<string, string | null>([
        [u1, null],
        [a1, u1],
        [a2, u1],
        [u2, a1],
        [u3, a1],
        [a3, u3],
      ]),
    );
    const at = (id: string) => tree.findIndex((one) => one.id === id);
    for (const { id, parent_id } of tree) if (parent_id) expect(at(parent_id)).toBeLessThan(at(id));
    expect(tree.at(-1)!.id).toBe(a3);
    expect(tree.find(({ id }) => id === a1)!.content).toEqual(said('assistant', 'An oak.', odd));
  });

  it('asks once more where the branch that asked first is deleted', async () => {
    const thread = await begin();
    const a0 = await keep(thread, null, said('assistant', 'Ask me.'));
    await keep(thread, a0, said('user', 'Something else?'));
    const u1 = await keep(thread, a0, said('user', 'Which tree?'));
    const a1 = await keep(thread, u1, said('assistant', 'An oak.'));
    const a2 = await keep(thread, u1, said('assistant', 'A fig.'));
    const u2 = await keep(thread, a2, said('user', 'Is it old?'));
    const parents = async () =>
      new Map((await treeOf(thread)).map(({ id, parent_id }) => [id, parent_id]));
    const { body } = await ann.get(`/chats/${thread}/branches?format=flat`);
    const first = body.items[1].chat_id;
    await ann.delete(`/chats/${first}`);
    const without = await parents();
    expect([without.has(u1), without.has(a1)]).toEqual([false, false]);
    const asked = without.get(a2)!;
    expect([without.get(asked), without.get(u2)]).toEqual([a0, a2]);
    await ann.post(`/chats/${first}/restore`);
    expect((await parents()).get(a2)).toBe(u1);
  });

  it('shows what it kept as ordinary pairs, whose branches the API knows', async () => {
    const thread = await begin();
    const u1 = await keep(thread, null, said('user', 'Which tree?'));
    await keep(thread, u1, said('assistant', 'An oak.'));
    await keep(thread, u1, said('assistant', 'A fig.'));
    const { body } = await ann.get(`/chats/${thread}/messages`);
    expect(body.qa_pairs.map((pair: any) => [pair.question, pair.response])).toEqual([
      ['Which tree?', 'An oak.'],
    ]);
    const { body: tree } = await ann.get(`/chats/${thread}/branches?format=flat`);
    expect(tree.total).toBe(2);
    const other = tree.items.find(({ chat_id }: any) => chat_id !== thread).chat_id;
    const { body: branch } = await ann.get(`/chats/${other}/messages`);
    expect(branch.qa_pairs.map((pair: any) => [pair.question, pair.response])).toEqual([
      ['Which tree?', 'A fig.'],
    ]);
  });

  it('tells what was said elsewhere, in the format that is asked for', async () => {
    const { id } = await ann.aChat(2);
    const told = await cloud.threads.messages.list(id, { format: 'aui/v0' });
    const messages = told.messages.reverse();
    expect(messages.map(({ content }: any) => [content.role, content.content[0].text])).toEqual([
      ['user', 'q1'],
      ['assistant', 'a1'],
      ['user', 'q2'],
      ['assistant', 'a2'],
    ]);
    expect(messages.map(({ parent_id }) => parent_id)).toEqual([
      null,
      ...messages.slice(0, 3).map((message) => message.id),
    ]);
    const asUi = await cloud.threads.messages.list(id, { format: 'ai-sdk/v6' });
    expect(asUi.messages.at(-1)!.content).toEqual({
      role: 'user',
      parts: [{ type: 'text', text: 'q1' }],
    });
  });

  it('is read in pages of which none repeats or skips a message', async () => {
    const { id, pairs } = await ann.aChat(5);
    await ann.append(await ann.aBranch(id, pairs[1]!), 'aside');
    const seen: string[] = [];
    for (let after: string | undefined; ;) {
      const { messages } = await cloud.threads.messages.list(id, {
        limit: 3,
        ...(after && { after }),
      });
      seen.push(...messages.map((message) => message.id));
      if (messages.length < 3) break;
      after = messages.at(-1)!.id;
    }
    expect(seen.reverse()).toEqual((await treeOf(id)).map((message) => message.id));
    expect(new Set(seen).size).toBe(12);
  });

  it('lists what a person sees last first, whichever branch is the newest', async () => {
    const { id, pairs } = await ann.aChat(2);
    const branch = await ann.aBranch(id, pairs[0]!);
    const other = await ann.append(branch, 'aside');
    const lastSeen = async () => (await treeOf(id)).at(-1)!.id;
    expect(await lastSeen()).toBe(pairs[1]);
    await ann.request('PUT', `/api/v1/chats/${id}/active-branch`, {
      body: { branch_chat_id: branch },
    });
    expect(await lastSeen()).toBe(other);
    // An empty branch ends where it begins; but others follow there.
    await ann.post(`/chats/${id}/branches`, { response_id: pairs[0], activate: true });
    const tree = await treeOf(id);
    expect(new Set(tree.map((message) => message.id)).size).toBe(6);
    expect(tree.findIndex((message) => message.id === pairs[0])).toBeLessThan(4);
  });

  it('tells that something was erased, and what follows it', async () => {
    const { id, pairs } = await ann.aChat(2);
    await ann.request('DELETE', `/api/v1/chats/${id}/messages/${pairs[0]}`);
    const tree = await treeOf(id);
    expect(tree.map(({ content }: any) => content.content[0].text)).toEqual([
      'This message was erased.',
      'q2',
      'a2',
    ]);
    expect(tree.map(({ parent_id }) => parent_id)).toEqual([null, tree[0]!.id, tree[1]!.id]);
  });

  it('lets its persistence append, write again what grows, and load all of it', async () => {
    const thread = await begin();
    const persistence = new CloudMessagePersistence(cloud);
    await persistence.append(thread, 'local-1', null, 'aui/v0', said('user', 'Grow.'));
    const begun = said('assistant', 'A');
    await persistence.append(thread, 'local-2', 'local-1', 'aui/v0', begun, 'running');
    expect(persistence.hasOpenRun('local-2')).toBe(true);
    await persistence.update(thread, 'local-2', 'aui/v0', said('assistant', 'A tree.'), 'done');
    const loaded = await new CloudMessagePersistence(cloud).load(thread, 'aui/v0');
    expect(loaded.reverse().map(({ content, external_id }) => [content, external_id])).toEqual([
      [said('user', 'Grow.'), 'local-1'],
      [said('assistant', 'A tree.'), 'local-2'],
    ]);
  });

  it('keeps an answer that ends while its first form is on its way', async () => {
    const thread = await begin();
    const persistence = new CloudMessagePersistence(cloud);
    await persistence.append(thread, 'q', null, 'aui/v0', said('user', 'Quick?'));
    await Promise.all([
      persistence.append(thread, 'a', 'q', 'aui/v0', said('assistant', ''), 'running'),
      persistence.append(thread, 'a', 'q', 'aui/v0', said('assistant', 'Very.'), 'done'),
    ]);
    expect((await treeOf(thread)).map(({ content }: any) => content.content[0].text)).toEqual([
      'Quick?',
      'Very.',
    ]);
  });

  it('holds a lease for a message, and knows none of elsewhere', async () => {
    const thread = await begin();
    const { run, message_id: id } = await cloud.threads.messages.create(thread, {
      ...{ parent_id: null, format: 'aui/v0', content: said('assistant', 'Wait.') },
      open_run: true,
    });
    const lease = run!.lease_id;
    expect(await cloud.threads.runs.heartbeat(thread, lease)).toEqual({
      heartbeat_interval_ms: run!.heartbeat_interval_ms,
    });
    await cloud.threads.messages.update(thread, id, {
      ...{ content: said('assistant', 'There.'), lease_id: lease },
    });
    await cloud.threads.runs.end(thread, lease, { reason: 'done' });
    await expect(cloud.threads.runs.heartbeat(await begin(), lease)).rejects.toMatchObject({
      ...{ status: 404, code: 'message_not_found', message: expect.stringMatching(/message/) },
    });
  });

  it('erases messages: a pair, or a side of the newest one', async () => {
    const { id, pairs } = await ann.aChat(2);
    const [first, second] = pairs as [string, string];
    await ann.aBranch(id, first);
    await expect(cloud.threads.messages.delete(id, [first])).rejects.toMatchObject({
      status: 409,
    });
    await cloud.threads.messages.delete(id, [first, `${first}-question`, second]);
    const { body } = await ann.get(`/chats/${id}/messages`);
    expect(
      body.qa_pairs.map(({ question, response, status }: any) => [question, response, status]),
    ).toEqual([
      [null, null, 'redacted'],
      ['q2', null, 'complete'],
    ]);
    await expect(cloud.threads.messages.delete(id, [randomUUID()])).rejects.toMatchObject({
      status: 404,
    });
  });

  it('erases a question in all pairs that have it, and keeps their answers', async () => {
    const thread = await begin();
    const u1 = await keep(thread, null, said('user', 'My secret?'));
    const a1 = await keep(thread, u1, said('assistant', 'An oak.'));
    const a2 = await keep(thread, u1, said('assistant', 'A fig.'));
    await cloud.threads.messages.delete(thread, [u1]);
    const tree = await treeOf(thread);
    expect(new Map(tree.map(({ id, parent_id }) => [id, parent_id]))).toEqual(
      new Map<string, string | null>([
        [a1, null],
        [a2, null],
      ]),
    );
    const { body } = await ann.get(`/chats/${thread}/branches?format=flat`);
    for (const { chat_id } of body.items)
      expect((await ann.get(`/chats/${chat_id}/messages`)).text).not.toContain('secret');
  });

  it('writes what another message follows, and does not rewrite what a branch has', async () => {
    const thread = await begin();
    const u1 = await keep(thread, null, said('user', 'First.'));
    const a1 = await keep(thread, u1, said('assistant', 'Settl'));
    await keep(thread, a1, said('user', 'Second.'));
    await cloud.threads.messages.update(thread, a1, { content: said('assistant', 'Settled.') });
    await keep(thread, a1, said('user', 'Aside.'));
    await expect(
      cloud.threads.messages.update(thread, a1, { content: said('assistant', 'Other.') }),
    ).rejects.toMatchObject({ status: 409 });
    expect((await treeOf(thread))[1]!.content).toEqual(said('assistant', 'Settled.'));
  });

  it('gives a thread the title that it is asked for: the first words where no model is set for that', async () => {
    const thread = await begin();
    const messages = [said('user', 'Where does the midnight sun begin?')];
    // As the components of assistant-ui do, which keep nothing of it.
    const assistant_id = 'system/thread_title';
    for await (const _ of await cloud.runs.stream({ thread_id: thread, assistant_id, messages }));
    expect((await cloud.threads.get(thread)).title).toBe('Where does the midnight sun begin?');
    const title = await generateThreadTitle(cloud, { threadId: thread, messages });
    expect(title).toBe('Where does the midnight sun begin?');
    expect((await cloud.threads.get(thread)).title).toBe(title);
  });

  it('knows nobody’s thread and message but one’s own', async () => {
    const thread = await begin();
    const u1 = await keep(thread, null, said('user', 'Mine.'));
    const bob = cloudOf(await TestClient.register(server.url));
    for (const id of [thread, randomUUID()]) {
      await expect(bob.threads.get(id)).rejects.toMatchObject({ status: 404 });
      await expect(bob.threads.messages.list(id)).rejects.toMatchObject({ status: 404 });
    }
    const { thread_id: his } = await bob.threads.create({ last_message_at: new Date() });
    const content = said('user', 'His.');
    await expect(
      bob.threads.messages.create(his, { parent_id: u1, format: 'aui/v0', content }),
    ).rejects.toMatchObject({ status: 404 });
  });

  it.each([
    ['a role that is none', { content: { role: 'bard', content: [] } }, 'content.role'],
    ['a lease', { content: said('user', 'x'), lease_id: 'l' }, 'lease_id'],
    ['an id that is none', { content: said('user', 'x'), parent_id: 'x' }, 'parent_id'],
  ])('refuses %s by name', async (_what, fields, path) => {
    const body = { parent_id: null, format: 'aui/v0', ...fields };
    const thread = await begin();
    const answer = await ann.request('POST', `/aui/v1/threads/${thread}/messages`, { body });
    expect([answer.status, answer.body.errors?.[0]?.path]).toEqual([422, path]);
  });
});
