import { MODES } from '../support/app.js';
import { TestClient } from '../support/client.js';
import { type SharedServer, sharedServer } from '../support/shared-server.js';

describe.each(MODES)('what is said anew, words in %s', (mode) => {
  let server: SharedServer;
  let ann: TestClient;

  beforeAll(async () => {
    server = await sharedServer(mode);
    ann = await TestClient.register(server.url);
  });
  afterAll(() => server.close());

  it('an edited question is the first pair of a sibling branch, which becomes active; the old one stays', async () => {
    const chat = await ann.aChat(3);
    const { status, body } = await ann.post(`/chats/${chat.id}/messages/${chat.pairs[1]}/edit`, {
      question: 'other second',
    });
    expect([status, body.seq, body.question]).toEqual([201, 2, 'other second']);
    expect(body.response).toContain('saw 1 earlier pair');
    expect(await ann.questionsOf(body.chat_id)).toEqual(['q1', 'other second']);
    expect(await ann.questionsOf(chat.id)).toEqual(['q1', 'q2', 'q3']);
    expect((await ann.get(`/chats/${chat.id}/branches`)).body.active_chat_id).toBe(body.chat_id);
    const siblings = (await ann.get(`/chats/${chat.id}/messages/${chat.pairs[1]}`)).body.siblings;
    expect(siblings.map((sibling: any) => [sibling.response_id, sibling.active])).toEqual([
      [chat.pairs[1], false],
      [body.response_id, true],
    ]);
  });

  it('the first question is edited on a branch before the first pair', async () => {
    const chat = await ann.aChat(1);
    const { body } = await ann.post(`/chats/${chat.id}/messages/${chat.pairs[0]}/edit`, {
      question: 'other first',
      response: null,
    });
    expect(body).toMatchObject({ seq: 1, response: null });
    expect((await ann.get(`/chats/${body.chat_id}`)).body).toMatchObject({
      fork_seq: 0,
      fork_response_id: null,
      active: true,
    });
  });

  it('a regenerated response has the same question, type and metadata', async () => {
    const chat = await ann.aChat(1);
    const code = {
      question: 'x = 1',
      response: 'fine',
      message_type: 'code',
      metadata: { language: 'python' },
      author: 'Ann',
    };
    const { body: pair } = await ann.post(`/chats/${chat.id}/messages`, code);
    const { status, body } = await ann.post(
      `/chats/${chat.id}/messages/${pair.response_id}/regenerate`,
    );
    expect(status).toBe(201);
    expect(body).toMatchObject({
      question: 'x = 1',
      message_type: 'code',
      metadata: { language: 'python' },
      author: 'Ann',
      model: 'offline',
      seq: 2,
    });
    expect(body.chat_id).not.toBe(chat.id);
    const own = await ann.post(`/chats/${chat.id}/messages/${pair.response_id}/regenerate`, {
      response: 'better',
    });
    expect(own.body).toMatchObject({ response: 'better', model: null });
    expect(
      (await ann.get(`/chats/${chat.id}/messages/${pair.response_id}`)).body.siblings,
    ).toHaveLength(3);
  });

  it('of an inherited pair hangs under the chat that owns the pair before it', async () => {
    const chat = await ann.aChat(3);
    const branch = await ann.aBranch(chat.id, chat.pairs[2]!);
    const { body } = await ann.post(`/chats/${branch}/messages/${chat.pairs[1]}/edit`, {
      question: 'x',
      response: 'y',
    });
    expect((await ann.get(`/chats/${body.chat_id}`)).body).toMatchObject({
      parent_chat_id: chat.id,
      fork_seq: 1,
      depth: 1,
    });
  });

  it('is made once for one Idempotency-Key', async () => {
    const chat = await ann.aChat(1);
    const post = () =>
      ann.post(
        `/chats/${chat.id}/messages/${chat.pairs[0]}/regenerate`,
        {},
        { 'idempotency-key': 'again' },
      );
    const answers = await Promise.all([post(), post(), post()]);
    const settled = answers.filter(({ status }) => status === 201);
    expect(new Set(settled.map(({ text }) => text)).size).toBe(1);
    expect((await post()).headers.get('idempotent-replayed')).toBe('true');
    expect((await ann.get(`/chats/${chat.id}/branches`)).body.total).toBe(2);
  });

  it('of a pair that is not on the path is a 404, of nothing a 422', async () => {
    const [chat, other] = [await ann.aChat(1), await ann.aChat(1)];
    expect(
      (await ann.post(`/chats/${chat.id}/messages/${other.pairs[0]}/edit`, { question: 'x' }))
        .status,
    ).toBe(404);
    expect((await ann.post(`/chats/${chat.id}/messages/${other.pairs[0]}/regenerate`)).status).toBe(
      404,
    );
    expect(
      (await ann.post(`/chats/${chat.id}/messages/${chat.pairs[0]}/edit`, { question: ' ' }))
        .status,
    ).toBe(422);
    expect(
      (await ann.post(`/chats/${chat.id}/messages/${chat.pairs[0]}/regenerate`, { question: 'x' }))
        .status,
    ).toBe(422);
  });
});
