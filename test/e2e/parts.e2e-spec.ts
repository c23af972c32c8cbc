import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { MODES } from '../support/app.js';
import { TestClient } from '../support/client.js';
import { type SharedServer, sharedServer } from '../support/shared-server.js';

const CALL = { type: 'tool_call', call_id: 'c1', name: 'get_weather', input: { city: 'Tromsø' } };
const RESULT = { type: 'tool_result', call_id: 'c1', output: '4 °C' };
const QUESTION = [
  { type: 'instruction', role: 'developer', text: 'Be brief.' },
  { type: 'text', text: 'Is it cold' },
  { type: 'file', url: 'https://example.org/a.png', media_type: 'image/png', detail: 'low' },
  { type: 'text', text: 'there?' },
  { type: 'data', name: 'place', value: [1, null, { deep: true }] },
];
const RESPONSE = [
  { type: 'reasoning', text: 'Let me look.', summary: 'look', opaque: { sig: 'x' } },
  CALL,
  { type: 'text', text: 'One moment.', phase: 'commentary' },
  { type: 'source', url: 'https://example.org', title: 'Weather', rank: 3 },
  { type: 'other', format: 'openai:mcp_call', value: { a: [1, 2] } },
];

describe.each(MODES)('parts of a pair, words in %s', (mode) => {
  let server: SharedServer;
  let ann: TestClient;
  let chat: string;
  let to: string;

  beforeAll(async () => {
    server = await sharedServer(mode);
    ann = await TestClient.register(server.url);
    chat = (await ann.aChat(1)).id;
    to = `/chats/${chat}/messages`;
  });
  afterAll(() => server.close());

  const aChat = async (): Promise<string> => `/chats/${(await ann.aChat()).id}/messages`;
  const refused = async (body: object, path: string, at = to): Promise<string> => {
    const { status, body: problem } = await ann.post(at, body);
    expect([status, problem.errors?.[0]?.path, JSON.stringify(problem).slice(0, 300)]).toEqual([
      422,
      path,
      expect.any(String),
    ]);
    return problem.errors[0].message;
  };

  describe('are given back as they came', () => {
    it('by the post, by the page, by the chat and alone, with the text that they say', async () => {
      const at = await aChat();
      const { status, body: pair } = await ann.post(at, {
        question_parts: QUESTION,
        response_parts: RESPONSE,
        settings: { temperature: 0.3, tools: [{ type: 'function', name: 'get_weather' }] },
      });
      expect(status).toBe(201);
      expect(pair).toMatchObject({
        question: 'Is it cold\nthere?',
        response: 'One moment.',
        question_parts: QUESTION,
        response_parts: RESPONSE,
        settings: { temperature: 0.3, tools: [{ type: 'function', name: 'get_weather' }] },
        status: 'complete',
      });
      expect((await ann.get(at)).body.qa_pairs).toEqual([pair]);
      const { siblings: _, ...one } = (await ann.get(`${at}/${pair.response_id}`)).body;
      expect(one).toEqual(pair);
      const chatId = at.split('/')[2]!;
      expect((await ann.get(`/chats/${chatId}`)).body.content.qa_pairs).toEqual([pair]);
      const { counts, highlights } = (await ann.get(`/chats/${chatId}/summary`)).body;
      expect(counts).toMatchObject({ questions: 1, responses: 1, words: 6 });
      for (const { quote } of highlights) expect('Is it cold\nthere? One moment.').toContain(quote);
    });

    it('one text and no more is plain: its parts are not kept', async () => {
      const { body } = await ann.post(to, {
        question_parts: [{ type: 'text', text: 'Plain?' }],
        response_parts: [{ type: 'text', text: 'Plain.' }],
      });
      expect(body).toMatchObject({
        question: 'Plain?',
        response: 'Plain.',
        question_parts: null,
        response_parts: null,
        settings: null,
      });
    });

    it('a pair as it was read is taken again, by the verb route too', async () => {
      const { body: pair } = await ann.post(await aChat(), {
        question_parts: QUESTION,
        response_parts: RESPONSE,
      });
      const { question, response, question_parts, response_parts } = pair;
      const { status, body } = await ann.post('/messages/add-message', {
        ...{ chat_id: chat, question, response, question_parts, response_parts },
      });
      expect([status, body.question_parts, body.response_parts]).toEqual([201, QUESTION, RESPONSE]);
    });

    it('numbers in input, output, value and settings keep every digit (R1)', async () => {
      const at = await aChat();
      const n = '{"id":1546130668394913822,"price":1.10,"far":1e400,"cold":-0}';
      const question = `[{"type":"data","name":"d","value":${n}}]`;
      const response = `[{"type":"tool_call","call_id":"c","name":"f","input":${n}}]`;
      const settings = `{"seed":7,"format":{"type":"json_schema","name":"s","schema":{"max":1.10}}}`;
      const fields = `"question_parts":${question},"response_parts":${response},"settings":${settings}`;
      const posts = [
        await ann.request('POST', `/api/v1${at}`, { raw: `{${fields}}` }),
        await ann.request('POST', `/api/v1${at}`, { raw: `{"pairs":[{${fields}}]}` }),
      ];
      const results = `[{"type":"tool_result","call_id":"c","output":${n}}]`;
      const result = `{"question_parts":${results},"response":null}`;
      posts.push(await ann.request('POST', `/api/v1${at}`, { raw: result }));
      expect(posts.map(({ status }) => status)).toEqual([201, 201, 201]);
      const page = (await ann.get(at)).text;
      for (const text of [question, response, settings]) {
        for (const post of posts.slice(0, 2)) expect(post.text).toContain(text);
        expect(page.split(text)).toHaveLength(3);
      }
      for (const { text } of [posts[2]!, { text: page }]) expect(text).toContain(results);
    });

    it('an edit says other parts on a sibling branch, a second answer has the same question', async () => {
      const at = await aChat();
      const { body: pair } = await ann.post(at, { question_parts: QUESTION, response: 'r' });
      const again = await ann.post(`${at}/${pair.response_id}/regenerate`, {
        response_parts: RESPONSE,
      });
      expect(again.body).toMatchObject({ question_parts: QUESTION, response_parts: RESPONSE });
      const picture = [QUESTION[2]];
      const edited = await ann.post(`${at}/${pair.response_id}/edit`, {
        question_parts: picture,
        response: 'A bear.',
      });
      expect([edited.status, edited.body.question, edited.body.question_parts]).toEqual([
        201,
        null,
        picture,
      ]);
    });

    it('base64 in a part is taken out and kept as a file', async () => {
      const png =
        'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==';
      const part = { type: 'file', media_type: 'image/png', name: 'dot.png' };
      const { status, body } = await ann.post(to, {
        question_parts: [{ ...part, url: `data:image/png;base64,${png}` }],
        response: 'A dot.',
      });
      expect([status, body.question_parts?.[0]]).toEqual([
        201,
        {
          ...part,
          file_id: expect.any(String),
          bytes: Buffer.from(png, 'base64').length,
          sha256: expect.stringMatching(/^[0-9a-f]{64}$/),
        },
      ]);
      await refused(
        { question_parts: [{ ...part, url: 'data:image/png;base64,%%%' }], response: null },
        'question_parts.0.url',
      );
    });
  });

  describe('results of tools', () => {
    it('are the question side of the next pair, which has no text', async () => {
      const at = await aChat();
      await ann.post(at, { question: 'q', response_parts: [CALL] });
      const { status, body } = await ann.post(at, { question_parts: [RESULT], response: 'Cold.' });
      expect([status, body.question, body.question_parts]).toEqual([201, null, [RESULT]]);
    });

    it('are found anywhere on the path, also of a branch, and by the tools of the same step', async () => {
      const at = await aChat();
      const { body: called } = await ann.post(at, { question: 'q', response_parts: [CALL] });
      const { body: next } = await ann.post(at, { question: 'more', response: 'yes' });
      const { body: branch } = await ann.post(`/chats/${called.chat_id}/branches`, {
        response_id: next.response_id,
      });
      const inBranch = `/chats/${branch.chat_id}/messages`;
      const result = { question_parts: [RESULT], response: null };
      expect((await ann.post(inBranch, result)).status).toBe(201);
      const { status } = await ann.post(at, {
        pairs: [
          { question: 'q', response_parts: [{ ...CALL, call_id: 'c"2\\{}' }] },
          { question_parts: [{ ...RESULT, call_id: 'c"2\\{}' }], response: 'ok' },
        ],
      });
      expect(status).toBe(201);
      const later = { question_parts: [{ ...RESULT, call_id: 'c"2\\{}' }], response: null };
      expect((await ann.post(at, later)).status).toBe(201);
      // The branch left before that call.
      await refused(later, 'question_parts.0.call_id', inBranch);
      // And so does the place of the call itself.
      await refused(
        { question_parts: [RESULT], response: null },
        'question_parts.0.call_id',
        `${at}/${called.response_id}/edit`,
      );
    });

    it('for no call, for one of another chat or account are refused, and nothing is stored', async () => {
      const [at, other] = [await aChat(), await aChat()];
      await ann.post(other, { question: 'q', response_parts: [CALL] });
      const parts = [{ type: 'text', text: 'x' }, RESULT];
      await refused({ question_parts: parts, response: null }, 'question_parts.1.call_id', at);
      await refused(
        {
          pairs: [
            { question: 'a', response: 'b' },
            { question_parts: [RESULT], response: null },
          ],
        },
        'pairs.1.question_parts.0.call_id',
        at,
      );
      await refused(
        { question: 'q', response_parts: [{ ...RESULT, call_id: 'never' }] },
        'response_parts.0.call_id',
        at,
      );
      expect((await ann.get(at)).body.qa_pairs).toEqual([]);
    });
  });

  describe('that are wrong are refused by their name, and nothing is stored', () => {
    const deep = (levels: number): string => '['.repeat(levels) + ']'.repeat(levels);
    const q = (...question_parts: unknown[]) => ({ question_parts, response: null });
    const r = (...response_parts: unknown[]) => ({ question: 'q', response_parts });
    const text = { type: 'text', text: 'x' };

    it.each<[string, object, string]>([
      ['an unknown type', q(text, { type: 'video' }), 'question_parts.1.type'],
      ['no type', q({ text: 'x' }), 'question_parts.0.type'],
      ['a name that objects inherit', q({ type: 'constructor' }), 'question_parts.0.type'],
      ['no object', q('x'), 'question_parts.0'],
      ['no list', { question_parts: text, response: null }, 'question_parts'],
      ['an empty list', q(), 'question_parts'],
      ['a part of the other side', q(CALL), 'question_parts.0.type'],
      [
        'an instruction in a response',
        r({ type: 'instruction', role: 'system', text: 'x' }),
        'response_parts.0.type',
      ],
      ['a field that is not known', q({ ...text, colour: 'red' }), 'question_parts.0.colour'],
      ['a field that is missing', r({ ...CALL, name: undefined }), 'response_parts.0.name'],
      ['a call id that is none', r({ ...CALL, call_id: 7 }), 'response_parts.0.call_id'],
      ['a call id twice', r(CALL, CALL), 'response_parts.1.call_id'],
      [
        'control characters in the name of a tool',
        r({ ...CALL, name: 'a\u001bb' }),
        'response_parts.0.name',
      ],
      ['blank text and nothing else', q({ type: 'text', text: ' \n' }), 'question_parts'],
      ['U+0000', q({ type: 'text', text: 'a\0b' }), 'question_parts.0.text'],
      ['a lone surrogate', r({ ...CALL, input: { a: ['\ud800'] } }), 'response_parts.0.input.a.0'],
      [
        'a file that is nowhere',
        q({ type: 'file', media_type: 'a/b' }),
        'question_parts.0.file_id',
      ],
      [
        'a file of no address',
        q({ type: 'file', media_type: 'a/b', url: 'file:///etc/passwd' }),
        'question_parts.0.url',
      ],
      ['more than 500 parts', q(...Array.from({ length: 501 }, () => text)), 'question_parts'],
      [
        'more than 512 KiB beside the text',
        r({ ...CALL, input: 'x'.repeat(512 * 1024) }),
        'response_parts',
      ],
      [
        'more than 128 KiB of text',
        q({ type: 'text', text: 'x'.repeat(128 * 1024) }, text),
        'question_parts',
      ],
      [
        'another text than that of the parts',
        { question: 'y', question_parts: [text], response: null },
        'question',
      ],
      ['neither text nor parts', { response: 'r' }, 'question'],
      ['nothing asked and nothing said', { question: null }, 'question'],
      ['a setting that is not known', { ...q(text), settings: { topP: 1 } }, 'settings.topP'],
      [
        'a tool without a name',
        { ...q(text), settings: { tools: [{ type: 'function' }] } },
        'settings.tools.0.name',
      ],
      [
        'pairs beside a question',
        { question: 'q', pairs: [{ question: 'q', response: 'r' }] },
        'question',
      ],
      ['no pairs', { pairs: [] }, 'pairs'],
      ['a pair that a model were to answer', { pairs: [{ question: 'q' }] }, 'pairs.0.response'],
      [
        'a wrong part in one of some pairs',
        { pairs: [{ question: 'a', response: 'b' }, r({ type: 'x' })] },
        'pairs.1.response_parts.0.type',
      ],
    ])('%s', async (_what, body, path) => {
      const before = (await ann.get(`${to}?limit=1`)).body.qa_pairs.at(-1)?.seq;
      await refused(body, path);
      expect((await ann.get(`${to}?limit=1`)).body.qa_pairs.at(-1)?.seq).toBe(before);
    });

    it('JSON that is nested ten thousand deep', async () => {
      const raw = `{"question":"q","response_parts":[{"type":"tool_call","call_id":"c","name":"n","input":${deep(10_000)}}]}`;
      const { status, body } = await ann.request('POST', `/api/v1${to}`, { raw });
      expect([status, body.errors[0].message]).toEqual([422, expect.stringMatching(/nested/)]);
    });

    it('input that is no JSON is kept as a text, and keys are data whatever their name (S10)', async () => {
      const input = '{"city": "Troms';
      const other = JSON.parse('{"__proto__":{"a":1},"$gt":1,"a.b":2,"":3}') as object;
      const { status, body } = await ann.post(
        to,
        r({ ...CALL, input }, { ...CALL, call_id: 'c2', input: other }),
      );
      expect([
        status,
        JSON.stringify(body.response_parts[1].input),
        body.response_parts[0].input,
      ]).toEqual([201, JSON.stringify(other), input]);
    });
  });

  describe('an answer that is posted alone', () => {
    const alone = { question: null, response: 'Late.' };
    const openIn = async (at: string): Promise<string> =>
      (await ann.post(at, { question: 'open?', response: null })).body.response_id;

    it('completes the last question, where that waits for one, once for its key', async () => {
      const at = await aChat();
      const response_id = await openIn(at);
      const asked = { body: alone, headers: { 'idempotency-key': randomUUID() } };
      const first = await ann.request('POST', `/api/v1${at}`, asked);
      expect([first.status, first.headers.get('content-state')]).toEqual([201, 'stored']);
      expect(first.body).toMatchObject({
        ...{ response_id, seq: 1, question: 'open?', response: 'Late.', status: 'complete' },
      });
      const again = await ann.request('POST', `/api/v1${at}`, asked);
      expect([again.text, again.headers.get('idempotent-replayed')]).toEqual([first.text, 'true']);
      expect((await ann.get(at)).body.qa_pairs).toEqual([first.body]);
      const behind = await openIn(at);
      const response_parts = [CALL];
      const called = { question: null, response_parts, parent_response_id: behind };
      expect((await ann.post(at, called)).body).toMatchObject({
        ...{ response_id: behind, seq: 2, question: 'open?', response_parts },
      });
    });

    it('else is a pair of its own', async () => {
      const at = await aChat();
      const id = await openIn(at);
      const seqs: number[] = [];
      const post = async (body: object): Promise<void> => {
        const { status, body: pair } = await ann.post(at, body);
        expect([status, pair.question]).toEqual([201, null]);
        seqs.push(pair.seq);
      };
      await ann.aBranch(at.split('/')[2]!, id);
      await post(alone);
      await post(alone);
      await openIn(at);
      await post({ ...alone, metadata: { a: 1 } });
      const stale = await ann.post(at, { ...alone, parent_response_id: id });
      expect([stale.status, stale.body.code]).toEqual([409, 'branch_head_moved']);
      expect(seqs).toEqual([2, 3, 5]);
    });
  });

  describe('many pairs at once', () => {
    const pairs = [
      { question: null, response: 'Hello, I speak first.' },
      { question: 'q', response_parts: [CALL], metadata: { a: 1 }, author: 'ann' },
      { question_parts: [RESULT], response: 'r' },
      { question: 'open', response: null },
    ];

    it('are stored in their order in one step, and answered together', async () => {
      const at = await aChat();
      const { status, headers, body } = await ann.post(at, { pairs });
      expect([status, headers.get('content-state')]).toEqual([201, 'stored']);
      expect(body.qa_pairs.map(({ seq }: { seq: number }) => seq)).toEqual([1, 2, 3, 4]);
      expect(body.qa_pairs).toMatchObject(pairs);
      expect((await ann.get(at)).body.qa_pairs).toEqual(body.qa_pairs);
    });

    it('a hundred and no more', async () => {
      const at = await aChat();
      const many = Array.from({ length: 101 }, (_, n) => ({ question: `q${n}`, response: 'r' }));
      await refused({ pairs: many }, 'pairs', at);
      expect((await ann.post(at, { pairs: many.slice(1) })).body.qa_pairs).toHaveLength(100);
    });

    it('under a key are stored once, whoever sends them again', async () => {
      const at = await aChat();
      const key = { 'idempotency-key': 'bulk' };
      const first = await ann.post(at, { pairs }, key);
      const again = await ann.post(at, { pairs }, key);
      expect([again.status, again.headers.get('idempotent-replayed'), again.text]).toEqual([
        201,
        'true',
        first.text,
      ]);
      expect((await ann.get(at)).body.qa_pairs).toHaveLength(4);
      expect((await ann.post(at, { pairs: pairs.slice(1) }, key)).status).toBe(422);
    });

    it('behind a pair that is no longer the last are refused, or make a branch', async () => {
      const at = await aChat();
      const { body: first } = await ann.post(at, { question: 'q', response: 'r' });
      await ann.post(at, { question: 'q2', response: 'r2' });
      const body = { pairs, parent_response_id: first.response_id };
      expect((await ann.post(at, body)).body.code).toBe('branch_head_moved');
      const forked = await ann.post(at, { ...body, on_conflict: 'fork' });
      expect(forked.body.qa_pairs.map(({ seq }: { seq: number }) => seq)).toEqual([2, 3, 4, 5]);
      expect(forked.body.qa_pairs[0].chat_id).not.toBe(first.chat_id);
    });
  });
});
