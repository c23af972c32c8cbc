import { randomUUID } from 'node:crypto';
import { MODES, startTestApp, type TestApp, withClient } from '../support/app.js';
import { type Answer, TestClient } from '../support/client.js';
import { deadlocksIn } from '../support/deadlocks.js';

const BURST = 50;
const times = <T>(n: number, work: (i: number) => Promise<T>): Promise<T[]> =>
  Promise.all(Array.from({ length: n }, (_, i) => work(i)));
const statuses = (answers: Answer[]): Record<number, number> => {
  const counts: Record<number, number> = {};
  for (const { status } of answers) counts[status] = (counts[status] ?? 0) + 1;
  return counts;
};

describe.each(MODES)('many at once on two instances, words in %s', (mode) => {
  let here: TestApp;
  let there: TestApp;
  let ann: TestClient;
  let annThere: TestClient;
  const either = (i: number) => (i % 2 === 0 ? ann : annThere);

  beforeAll(async () => {
    here = await startTestApp(mode);
    there = await startTestApp(mode, {}, here.databaseUrl);
    ann = await TestClient.register(here.url);
    annThere = ann.at(there.url);
  });
  afterAll(() => Promise.all([here.close(), there.close()]));

  describe('posts', () => {
    it('to one chat all get in, each once, in one order without gaps', async () => {
      const { id } = await ann.aChat();
      const answers = await times(BURST, (i) =>
        either(i).post(`/chats/${id}/messages`, { question: `q${i}`, response: `a${i}` }),
      );
      expect(statuses(answers)).toEqual({ 201: BURST });
      const { body } = await ann.get(`/chats/${id}/messages?limit=100`);
      expect(body.qa_pairs.map((pair: any) => pair.seq)).toEqual(
        Array.from({ length: BURST }, (_, i) => i + 1),
      );
      const given = new Map(
        answers.map(({ body: pair }) => [
          pair.response_id,
          [pair.seq, pair.question, pair.response],
        ]),
      );
      expect(
        new Map(
          body.qa_pairs.map((pair: any) => [
            pair.response_id,
            [pair.seq, pair.question, pair.response],
          ]),
        ),
      ).toEqual(given);
    });

    it('to many chats of few conversations share statements without harm', async () => {
      const roots = await times(3, () => ann.aChat(1));
      const branches = await times(30, async (i) =>
        ann.aBranch(roots[i % 3]!.id, roots[i % 3]!.pairs[0]!),
      );
      const answers = await times(300, (i) =>
        either(i).post(`/chats/${branches[i % 30]}/messages`, {
          question: `q${i}`,
          response: `a${i}`,
        }),
      );
      expect(statuses(answers)).toEqual({ 201: 300 });
      for (const branch of branches) {
        const { body } = await ann.get(`/chats/${branch}/messages`);
        expect(body.qa_pairs.map((pair: any) => pair.seq)).toEqual(
          Array.from({ length: 11 }, (_, i) => i + 1),
        );
      }
      const gaps = await withClient(here.databaseUrl, (client) =>
        client.query(
          `SELECT v.chat_id FROM conversations v JOIN events e ON e.root_chat_id = v.chat_id GROUP BY v.account_id, v.chat_id HAVING count(*) <> v.event_seq OR max(e.seq) <> v.event_seq`,
        ),
      );
      expect(gaps.rows).toEqual([]);
    });

    it('of questions to the model are answered one after the other, each with all earlier pairs of its branch', async () => {
      const { id } = await ann.aChat();
      const answers = await times(12, (i) =>
        either(i).post(`/chats/${id}/messages`, { question: `question ${i}` }),
      );
      expect(statuses(answers)).toEqual({ 201: 12 });
      const { body } = await ann.get(`/chats/${id}/messages`);
      for (const pair of body.qa_pairs) {
        expect(pair).toMatchObject({
          status: 'complete',
          model: 'offline',
          usage: { input_tokens: expect.any(Number), output_tokens: expect.any(Number) },
        });
        expect(pair.response).toContain(pair.question);
        expect(pair.response).toMatch(new RegExp(`saw ${pair.seq - 1} earlier pairs?`));
      }
    });
  });

  it('a stranger is told nothing by the queue of a chat: a post to it is a 404 however busy it is', async () => {
    const { id } = await ann.aChat();
    const bob = await TestClient.register(here.url);
    const foreign = times(10, () =>
      bob.post(`/chats/${id}/messages`, { question: 'q', on_busy: 'reject' }),
    );
    const own = times(5, () => ann.post(`/chats/${id}/messages`, { question: 'q' }));
    expect(statuses(await own)).toEqual({ 201: 5 });
    expect(statuses(await foreign)).toEqual({ 404: 10 });
  });

  describe('a parent that is named', () => {
    it('gives the model its path and no later pair, where the answer goes to a branch of its own', async () => {
      const chat = await ann.aChat(5);
      const question = {
        question: 'from the second',
        parent_response_id: chat.pairs[1],
        on_conflict: 'fork',
      };
      const { body } = await ann.post(`/chats/${chat.id}/messages`, question);
      expect([body.seq, body.chat_id === chat.id]).toEqual([3, false]);
      expect(body.response).toContain('saw 2 earlier pairs');
    });

    it('lets exactly one of many in', async () => {
      const chat = await ann.aChat(1);
      const body = (i: number) => ({
        question: `q${i}`,
        response: 'a',
        parent_response_id: chat.pairs[0],
      });
      const answers = await times(10, (i) => either(i).post(`/chats/${chat.id}/messages`, body(i)));
      expect(statuses(answers)).toEqual({ 201: 1, 409: 9 });
      const winner = answers.find(({ status }) => status === 201)!;
      for (const { status, body: problem } of answers) {
        if (status === 409)
          expect(problem).toMatchObject({
            code: 'branch_head_moved',
            head: { response_id: winner.body.response_id, seq: 2 },
          });
      }
    });

    it('with on_conflict=fork gives each of the others a branch, named in the answer', async () => {
      const chat = await ann.aChat(1);
      const body = (i: number) => ({
        question: `q${i}`,
        response: 'a',
        parent_response_id: chat.pairs[0],
        on_conflict: 'fork',
      });
      const answers = await times(8, (i) => either(i).post(`/chats/${chat.id}/messages`, body(i)));
      expect(statuses(answers)).toEqual({ 201: 8 });
      expect(new Set(answers.map(({ body: pair }) => pair.chat_id)).size).toBe(8);
      expect(answers.filter(({ body: pair }) => pair.chat_id === chat.id)).toHaveLength(1);
      for (const { body: pair } of answers) {
        expect(pair.seq).toBe(2);
        expect(await ann.questionsOf(pair.chat_id)).toEqual(['q1', pair.question]);
      }
    });

    it('null means a chat that is still empty', async () => {
      const { id } = await ann.aChat();
      const post = () =>
        ann.post(`/chats/${id}/messages`, {
          question: 'q',
          response: 'a',
          parent_response_id: null,
        });
      expect((await post()).status).toBe(201);
      expect((await post()).status).toBe(409);
    });
  });

  describe('an Idempotency-Key', () => {
    const routes: [
      string,
      (chat: { id: string; pairs: string[] }) => [string, object | undefined],
      number,
    ][] = [
      [
        'a message',
        ({ id }) => [`/chats/${id}/messages`, { question: 'once', response: 'a' }],
        201,
      ],
      ['a question to the model', ({ id }) => [`/chats/${id}/messages`, { question: 'once' }], 201],
      [
        'a message by the verb route',
        ({ id }) => ['/messages/add-message', { chat_id: id, question: 'once', response: 'a' }],
        201,
      ],
      [
        'a message that forks',
        ({ id, pairs }) => [
          `/chats/${id}/messages`,
          { question: 'q', response: 'a', parent_response_id: pairs[0], on_conflict: 'fork' },
        ],
        201,
      ],
      ['a chat', () => ['/chats', { name: 'once' }], 201],
      ['a chat by the verb route', () => ['/chats/create-chat', { name: 'once' }], 201],
      ['a branch', ({ id, pairs }) => [`/chats/${id}/branches`, { response_id: pairs[0] }], 201],
      [
        'a branch by the verb route',
        ({ id, pairs }) => ['/branches/create-branch', { chat_id: id, response_id: pairs[0] }],
        201,
      ],
      ['a restoration', ({ id }) => [`/chats/${id}/restore`, undefined], 200],
    ];

    it.each(routes)(
      'makes %s once, however often it is sent, and answers byte for byte the same',
      async (_what, call, status) => {
        const [path, body] = call(await ann.aChat(2));
        const key = { 'idempotency-key': randomUUID() };
        const answers = await times(6, (i) => either(i).post(path, body, key));
        const again = await ann.post(path, body, {
          'idempotency-key': `"${key['idempotency-key']}"`,
        });
        const settled = answers.filter((answer) => answer.status !== 409);
        for (const answer of answers)
          if (answer.status === 409) expect(answer.body.code).toBe('idempotency_key_in_use');
        expect(
          new Set([...settled, again].map((answer) => `${answer.status} ${answer.text}`)).size,
        ).toBe(1);
        expect(again.status).toBe(status);
        expect(again.headers.get('idempotent-replayed')).toBe('true');
        expect(
          settled.filter((answer) => answer.headers.get('idempotent-replayed') === null),
        ).toHaveLength(1);
      },
    );

    it('stays the answer of that moment when the pair changes later', async () => {
      const { id } = await ann.aChat();
      const post = () =>
        ann.post(
          `/chats/${id}/messages`,
          { question: 'q', response: 'a' },
          { 'idempotency-key': 'moment' },
        );
      const first = await post();
      await ann.aBranch(id, first.body.response_id);
      expect((await post()).text).toBe(first.text);
    });

    it('with another body is a 422, and on another route or account a key of its own', async () => {
      const { id } = await ann.aChat(1);
      const key = { 'idempotency-key': 'shared' };
      await ann.post(`/chats/${id}/messages`, { question: 'q', response: 'a' }, key);
      const other = await ann.post(`/chats/${id}/messages`, { question: 'q', response: 'b' }, key);
      expect(other).toMatchObject({ status: 422, body: { code: 'idempotency_key_reused' } });
      expect(
        (
          await ann.post(
            `/chats/${(await ann.aChat()).id}/messages`,
            { question: 'q', response: 'a' },
            key,
          )
        ).status,
      ).toBe(422);
      expect((await ann.post('/chats', {}, key)).status).toBe(201);
      const bob = await TestClient.register(here.url);
      expect(
        (await bob.post('/chats', { name: 'x' }, key)).headers.get('idempotent-replayed'),
      ).toBeNull();
      expect(await ann.questionsOf(id)).toEqual(['q1', 'q']);
    });

    it('of a refused request is free again', async () => {
      const { id, pairs } = await ann.aChat(1);
      const key = { 'idempotency-key': 'refused' };
      expect(
        (await ann.post(`/chats/${id}/messages`, { question: '', response: 'a' }, key)).status,
      ).toBe(422);
      expect(
        (
          await ann.post(
            `/chats/${id}/messages`,
            { question: 'q', response: 'a', parent_response_id: null },
            key,
          )
        ).status,
      ).toBe(409);
      expect(
        (
          await ann.post(
            `/chats/${id}/messages`,
            { question: 'q', response: 'a', parent_response_id: pairs[0] },
            key,
          )
        ).status,
      ).toBe(201);
    });
  });

  describe('changes of the tree', () => {
    it('leave exactly one active chat however many are switched on, and one winner by If-Match', async () => {
      const chat = await ann.aChat(1);
      const branches = await times(8, () => ann.aBranch(chat.id, chat.pairs[0]!));
      const answers = await times(24, (i) =>
        either(i).put(`/chats/${chat.id}/active-branch`, { branch_chat_id: branches[i % 8] }),
      );
      expect(statuses(answers)).toEqual({ 200: 24 });
      const { rows } = await withClient(here.databaseUrl, (client) =>
        client.query('SELECT count(*)::int AS n FROM chats WHERE root_chat_id = $1 AND active', [
          chat.id,
        ]),
      );
      expect(rows).toEqual([{ n: 1 }]);
      const etag = (await ann.get(`/chats/${chat.id}`)).headers.get('etag')!;
      const patches = await times(6, (i) =>
        either(i).patch(`/chats/${chat.id}`, { name: `n${i}` }, { 'if-match': etag }),
      );
      expect(statuses(patches)).toEqual({ 200: 1, 412: 5 });
    });

    it('a fork that races a deletion is either deleted with the rest or refused: nothing outlives its conversation', async () => {
      for (let round = 0; round < 6; round++) {
        const chat = await ann.aChat(1);
        const answers = await times(9, (i) =>
          i === 4
            ? either(round).delete(`/chats/${chat.id}`)
            : either(i).post(`/chats/${chat.id}/branches`, { response_id: chat.pairs[0] }),
        );
        expect(answers[4]!.status).toBe(204);
        for (const { status, body } of answers) {
          expect([201, 204, 404]).toContain(status);
          if (status === 201) expect((await ann.get(`/chats/${body.chat_id}`)).status).toBe(404);
        }
      }
    });

    it('mixed with posts, forks and deletions end in no deadlock, no 5xx and no gap', async () => {
      const chat = await ann.aChat(3);
      const branches = await times(6, (i) => ann.aBranch(chat.id, chat.pairs[i % 3]!));
      const any = (i: number) => branches[i % 6]!;
      const oneOf = (i: number): Promise<Answer> => {
        const one = either(i);
        const calls = [
          () => one.post(`/chats/${any(i)}/messages`, { question: `q${i}`, response: 'a' }),
          () => one.post(`/chats/${chat.id}/messages`, { question: `q${i}`, response: 'a' }),
          () =>
            one.post(`/chats/${chat.id}/branches`, {
              response_id: chat.pairs[i % 3],
              activate: i % 2 === 0,
            }),
          () => one.put(`/chats/${chat.id}/active-branch`, { branch_chat_id: any(i) }),
          () => one.delete(`/chats/${any(i + 1)}?children=cascade`),
          () => one.post(`/chats/${any(i + 1)}/restore`),
          () =>
            one.post(`/chats/${chat.id}/messages?branch=active`, {
              question: `q${i}`,
              response: 'a',
            }),
          () => one.patch(`/chats/${any(i)}`, { name: `n${i}` }),
        ];
        return calls[(i * 7) % calls.length]!();
      };
      const answers = await times(180, oneOf);
      expect(answers.filter(({ status }) => status >= 500).map(({ text }) => text)).toEqual([]);
      const { body } = await ann.get(`/chats/${chat.id}/branches`);
      const seqs = (await ann.get(`/chats/${chat.id}/messages?limit=100`)).body.qa_pairs.map(
        (pair: any) => pair.seq,
      );
      expect(seqs).toEqual(Array.from({ length: body.tree.message_count }, (_, i) => i + 1));
      expect(await deadlocksIn(here.databaseUrl)).toBe(0);
    });
  });

  it('what is written on one instance is read on the other at once', async () => {
    const chat = await ann.aChat();
    for (let n = 1; n <= 20; n++) {
      await either(n).post(`/chats/${chat.id}/messages`, { question: `q${n}`, response: 'a' });
      const reader = either(n + 1);
      expect((await reader.get(`/chats/${chat.id}`)).body.message_count).toBe(n);
      expect((await reader.get(`/chats/${chat.id}/messages?limit=1`)).body.qa_pairs[0].seq).toBe(n);
      expect((await reader.get(`/chats/${chat.id}/branches`)).body.tree.message_count).toBe(n);
      expect((await reader.get(`/chats?limit=1`)).body.items[0].message_count).toBe(n);
    }
  });
});
