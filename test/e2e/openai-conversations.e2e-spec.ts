import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import OpenAI6 from 'openai6';
import OpenAI7 from 'openai';
import { MODES, startTestApp, type TestApp, withClient } from '../support/app.js';
import { type Answer, TestClient } from '../support/client.js';
import { FakeProvider } from '../support/fake-provider.js';

/** The packages as people install them. Version 7 is the shape that both share here. */
const CLIENTS: [string, typeof OpenAI7][] = [
  ['openai 6', OpenAI6 as unknown as typeof OpenAI7],
  ['openai 7', OpenAI7],
];
const PIXEL =
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==';
const NOBODYS = '00000000-0000-7000-8000-000000000000';
const user = (content: string) => ({ type: 'message' as const, role: 'user' as const, content });
const assistant = (content: string) => ({
  type: 'message' as const,
  role: 'assistant' as const,
  content,
});
const textsOf = (items: any[]): string[] => items.map(({ content }) => content[0].text);
const chatOf = (conversation: { id: string }): string => conversation.id.replace('conv_', '');

describe.each(MODES)('conversations, words in %s', (mode) => {
  let provider: FakeProvider;
  let server: TestApp;
  let ann: TestClient;

  beforeAll(async () => {
    provider = await FakeProvider.start();
    server = await startTestApp(mode, provider.settings());
    ann = await TestClient.register(server.url);
  });
  beforeEach(() => provider.reset());
  afterAll(async () => {
    server.app.getHttpServer().closeAllConnections();
    await server.close();
    await provider.close();
  });

  const call = (
    method: string,
    path: string,
    body?: object,
    client = ann,
    headers?: Record<string, string>,
  ): Promise<Answer> => client.request(method, `/v1/conversations${path}`, { body, headers });
  const counts = () =>
    withClient(server.databaseUrl, async (client) => {
      const { rows } = await client.query(
        'SELECT (SELECT count(*)::int FROM chats) AS chats, (SELECT count(*)::int FROM messages) AS pairs, (SELECT count(*)::int FROM conversation_notes) AS notes',
      );
      return rows[0];
    });

  describe.each(CLIENTS)('the unmodified package %s', (_, OpenAI) => {
    const client = (apiKey = ann.token!) =>
      new OpenAI({ apiKey, baseURL: `${server.url}/v1`, maxRetries: 0 });

    it('makes a conversation out of what was said, and reads, notes and deletes it', async () => {
      const made = await client().conversations.create({
        items: [{ role: 'system', content: 'Be kind.' }, user('q1'), assistant('a1'), user('q2')],
        metadata: { topic: 'norway', 'a.b': '$' },
      });
      const chatId = chatOf(made);
      expect(made).toEqual({
        id: `conv_${chatId}`,
        object: 'conversation',
        created_at: expect.any(Number),
        metadata: { topic: 'norway', 'a.b': '$' },
      });
      const { body } = await ann.get(`/chats/${chatId}`);
      const pairs = body.content.qa_pairs;
      expect([
        pairs[0].question_parts[0],
        pairs.map((pair: any) => [pair.question, pair.response]),
      ]).toEqual([
        { type: 'instruction', role: 'system', text: 'Be kind.' },
        [
          ['q1', 'a1'],
          ['q2', null],
        ],
      ]);
      expect(await client().conversations.retrieve(made.id)).toEqual(made);
      const noted = await client().conversations.update(made.id, {
        metadata: { topic: 'iceland' },
      });
      expect(noted).toEqual({ ...made, metadata: { topic: 'iceland' } });
      expect(await client().conversations.retrieve(made.id)).toEqual(noted);
      expect(await client().conversations.delete(made.id)).toEqual({
        id: made.id,
        object: 'conversation.deleted',
        deleted: true,
      });
      await expect(client().conversations.retrieve(made.id)).rejects.toBeInstanceOf(
        OpenAI.NotFoundError,
      );
      await ann.post(`/chats/${chatId}/restore`);
      expect(await client().conversations.retrieve(made.id)).toEqual(noted);
      expect(provider.asked).toHaveLength(0);
    });

    it('pages through the messages in both orders, each of them once', async () => {
      const { id } = await client().conversations.create({});
      for (let n = 1; n <= 5; n++)
        await client().conversations.items.create(id, {
          items: n === 3 ? [user('q3')] : [user(`q${n}`), assistant(`a${n}`)],
        });
      const all = ['q1', 'a1', 'q2', 'a2', 'q3', 'q4', 'a4', 'q5', 'a5'];
      for (const limit of [1, 2, 3, 8, 9, 100]) {
        for (const order of ['asc', 'desc'] as const) {
          const seen: any[] = [];
          for await (const item of client().conversations.items.list(id, { limit, order }))
            seen.push(item);
          expect([limit, order, textsOf(seen)]).toEqual([
            limit,
            order,
            order === 'asc' ? all : [...all].reverse(),
          ]);
        }
      }
      const newest = await client().conversations.items.list(id);
      expect([newest.data.length, newest.has_more, textsOf(newest.data)[0]]).toEqual([
        9,
        false,
        'a5',
      ]);
      const one: any = newest.data[0]!;
      expect(await client().conversations.items.retrieve(one.id, { conversation_id: id })).toEqual(
        one,
      );
    });

    it('adds messages to a conversation that a model goes on with', async () => {
      const conversation = await client().conversations.create({
        items: [user('q1'), assistant('a1')],
      });
      const added = await client().conversations.items.create(conversation.id, {
        items: [user('q2'), assistant('a2'), user('q3'), assistant('a3')],
      });
      expect([textsOf(added.data), added.data.map(({ role }: any) => role)]).toEqual([
        ['q2', 'a2', 'q3', 'a3'],
        ['user', 'assistant', 'user', 'assistant'],
      ]);
      const response = await client().responses.create({
        model: 'fake-1',
        input: 'q4',
        conversation: conversation.id,
      });
      expect(response.conversation).toEqual({ id: conversation.id });
      expect(provider.asked[0]!.body.messages.map(({ content }: any) => content)).toEqual([
        'q1',
        'a1',
        'q2',
        'a2',
        'q3',
        'a3',
        'q4',
      ]);
      const { data } = await client().conversations.items.list(conversation.id, { limit: 2 });
      expect(textsOf(data)).toEqual(['Hello from the fake provider.', 'q4']);
      expect(data.map(({ id }: any) => id)).toEqual([
        response.id.replace('resp_', 'msg_'),
        response.id.replace('resp_', 'msg_q_'),
      ]);
    });

    it('is told what is wrong by the class of the error', async () => {
      const { id } = await client().conversations.create({ items: [user('q1')] });
      const bob = client((await TestClient.register(server.url)).token!);
      for (const failing of [
        bob.conversations.retrieve(id),
        bob.conversations.update(id, { metadata: {} }),
        bob.conversations.delete(id),
        bob.conversations.items.create(id, { items: [user('x')] }),
        bob.conversations.items.list(id).then(),
        client().conversations.retrieve(`conv_${NOBODYS}`),
        client().conversations.items.retrieve(`msg_${NOBODYS}`, { conversation_id: id }),
      ]) {
        const error = await failing.catch((fault: unknown) => fault);
        expect(error).toBeInstanceOf(OpenAI.NotFoundError);
      }
      await expect(client().conversations.retrieve('conv_x')).rejects.toBeInstanceOf(
        OpenAI.BadRequestError,
      );
      await expect(client('sk-nobody').conversations.retrieve(id)).rejects.toBeInstanceOf(
        OpenAI.AuthenticationError,
      );
    });
  });

  it('shows the active branch of a conversation, or the branch that it names', async () => {
    const chat = await ann.aChat(2);
    const branch = await ann.aBranch(chat.id, chat.pairs[0]!, { activate: true });
    await ann.append(branch, 'own', 'yes');
    const listed = async (id: string) =>
      textsOf((await call('GET', `/${id}/items?order=asc`)).body.data);
    expect(await listed(`conv_${chat.id}`)).toEqual(['q1', 'a1', 'own', 'yes']);
    expect(await listed(`conv_${chat.id}:branch_${chat.id}`)).toEqual(['q1', 'a1', 'q2', 'a2']);
    await call('POST', `/conv_${chat.id}/items`, { items: [user('active')] });
    await call('POST', `/conv_${chat.id}:branch_${chat.id}/items`, { items: [user('named')] });
    expect([await ann.questionsOf(branch), await ann.questionsOf(chat.id)]).toEqual([
      ['q1', 'own', 'active'],
      ['q1', 'q2', 'named'],
    ]);
    const other = await ann.aChat(1);
    expect((await call('GET', `/conv_${chat.id}:branch_${other.id}/items`)).status).toBe(404);
    expect((await call('GET', `/conv_${chat.id}/items/msg_${other.pairs[0]}`)).status).toBe(404);
    expect((await call('GET', `/conv_${chat.id}/items?after=msg_${other.pairs[0]}`)).status).toBe(
      404,
    );
  });

  it('are made, and added to, once for a key', async () => {
    const once = (path: string, body: object) =>
      call('POST', path, body, ann, { 'idempotency-key': `key ${path}` });
    const body = { items: [user('q1'), assistant('a1')], metadata: { a: 'b' } };
    const [one, two] = [await once('', body), await once('', body)];
    expect([two.text, two.headers.get('idempotent-replayed')]).toEqual([one.text, 'true']);
    const more = { items: [user('q2'), assistant('a2'), user('q3')] };
    const path = `/${one.body.id}/items`;
    const [three, four] = [await once(path, more), await once(path, more)];
    expect([four.text, textsOf(three.body.data)]).toEqual([three.text, ['q2', 'a2', 'q3']]);
    expect(await ann.questionsOf(chatOf(one.body))).toEqual(['q1', 'q2', 'q3']);
  });

  describe('of a client that sends its history and saves it again, without ids', () => {
    const CALL = { tool: { id: 'call_1', name: 'weather', input: { city: 'Oslo' } } };
    const picture = {
      ...{ type: 'message', role: 'user' },
      content: [
        { type: 'input_text', text: 'See?' },
        { type: 'input_image', image_url: `data:image/png;base64,${PIXEL}` },
      ],
    };
    let path: string;
    const items = async (): Promise<any[]> => (await call('GET', `${path}?order=asc`)).body.data;
    const save = (body: object[], key?: string) =>
      call('POST', path, { items: body }, ann, key ? { 'idempotency-key': key } : {});
    const respond = async (...input: object[]) => {
      const { body, status } = await ann.request('POST', '/v1/responses', {
        body: { model: 'fake-1', input: [...(await items()), ...input] },
      });
      return { status, output: (body.output ?? []).map(({ id: _, ...item }: any) => item) };
    };

    beforeEach(async () => {
      const { body } = await call('POST', '', { items: [user('q1'), assistant('a1')] });
      path = `/${body.id}/items`;
    });

    it('an answer is there once, as often as it was said', async () => {
      for (const said of ['once', 'again', 'again']) {
        const { output } = await respond(user(said));
        const saved = await save([user(said), ...output]);
        expect(saved.body.data).toEqual((await items()).slice(-2));
      }
      expect(textsOf(await items()).filter((_, at) => at % 2 === 0)).toEqual([
        ...['q1', 'once', 'again', 'again'],
      ]);
      // Whoever says it by himself has said it.
      await save([user('again'), assistant('Hello from the fake provider.')]);
      expect(await items()).toHaveLength(10);
    });

    it('so are calls with what they gave, pictures, and what comes behind', async () => {
      provider.next({ turn: [CALL], finishReason: 'tool_calls' });
      const first = await respond(picture);
      const result = { type: 'function_call_output', call_id: 'call_1', output: 'sunny' };
      await save([picture, ...first.output, result]);
      expect((await items()).slice(2).map(({ type }) => type)).toEqual([
        ...['message', 'function_call', 'function_call_output'],
      ]);
      const { body } = await ann.get('/files');
      expect(body.items).toHaveLength(1);
    });

    it('so is the question of an answer that failed, and each side that comes by itself', async () => {
      provider.next({ status: 500 });
      expect((await respond(user('q2'))).status).toBe(502);
      await save([user('q2')]);
      const { output } = await respond(user('q3'));
      await save([user('q3')]);
      await save(output);
      expect(textsOf(await items())).toEqual([
        ...['q1', 'a1', 'q2', 'q3', 'Hello from the fake provider.'],
      ]);
    });

    it('a save that is sent again with its key is one, and another word is another', async () => {
      const { output } = await respond(user('q2'));
      const [one, two] = [
        await save([user('q2'), ...output], 'saved'),
        await save([user('q2'), ...output], 'saved'),
      ];
      expect([two.text, two.headers.get('idempotent-replayed'), (await items()).length]).toEqual([
        ...[one.text, 'true', 4],
      ]);
      await respond(user('q3'));
      await save([user('q3'), assistant('Another word')]);
      expect(await items()).toHaveLength(8);
    });

    it('what a conversation was named for is added, as everywhere', async () => {
      const conversation = path.slice(1).replace('/items', '');
      await ann.request('POST', '/v1/responses', {
        body: { model: 'fake-1', input: 'q2', conversation },
      });
      await save([user('q2'), assistant('Hello from the fake provider.')]);
      expect(await items()).toHaveLength(6);
    });
  });

  it('refuse what they cannot store, name the field, and store nothing', async () => {
    const { body: chat } = await call('POST', '', {});
    const at = `/${chat.id}`;
    const before = await counts();
    const refused: [string, string, object | undefined, string][] = [
      ['POST', '', { items: 'x' }, 'items'],
      ['POST', '', { items: [{ role: 'user' }] }, 'items'],
      ['POST', '', { items: Array(21).fill(user('q')) }, 'items'],
      ['POST', '', { items: [user('q'), assistant('x'.repeat(262_145))] }, 'items'],
      ['POST', '', { colour: 1 }, 'colour'],
      ['POST', at, { metadata: {}, colour: 1 }, 'colour'],
      ['POST', `${at}/items`, { items: [user('q')], colour: 1 }, 'colour'],
      ['POST', '', { metadata: { a: 1 } }, 'metadata'],
      ['POST', '', { metadata: { ['x'.repeat(65)]: 'a' } }, 'metadata'],
      ['POST', '', { metadata: { a: 'x'.repeat(513) } }, 'metadata'],
      ['POST', at, {}, 'metadata'],
      ['POST', at, { metadata: 'x' }, 'metadata'],
      ['POST', `${at}/items`, {}, 'items'],
      ['POST', `${at}/items`, { items: [] }, 'items'],
      ['POST', `${at}/items`, { items: [{ type: 'web_search_call', id: 'x' }] }, 'items'],
      ['GET', `${at}/items?limit=0`, undefined, 'limit'],
      ['GET', `${at}/items?limit=101`, undefined, 'limit'],
      ['GET', `${at}/items?order=up`, undefined, 'order'],
      ['GET', `${at}/items?after=x`, undefined, 'after'],
      ['GET', `${at}/items/x`, undefined, 'item_id'],
      ['GET', '/x', undefined, 'conversation_id'],
      ['DELETE', `/conv_${NOBODYS}:x`, undefined, 'conversation_id'],
    ];
    for (const [method, path, body, param] of refused) {
      const answer = await call(method, path, body);
      expect([method, path, answer.status, answer.body.error?.param]).toEqual([
        method,
        path,
        400,
        param,
      ]);
    }
    expect(await counts()).toEqual(before);
  });
});
