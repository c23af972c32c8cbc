import { randomUUID } from 'node:crypto';
import { Client } from 'pg';
import { MODES } from '../support/app.js';
import { TestClient } from '../support/client.js';
import { type SharedServer, sharedServer } from '../support/shared-server.js';

describe.each(MODES)('the summary of a chat, words in %s', (mode) => {
  let server: SharedServer;
  let ann: TestClient;
  let database: Client;

  beforeAll(async () => {
    server = await sharedServer(mode);
    database = new Client({ connectionString: server.databaseUrl });
    await database.connect();
  });
  beforeEach(async () => {
    ann = await TestClient.register(server.url);
  });
  afterAll(async () => {
    await database.end();
    await server.close();
  });
  const summaryOf = async (chatId: string) => (await ann.get(`/chats/${chatId}/summary`)).body;
  const marks = async (chatId: string): Promise<any[]> =>
    (
      await database.query(
        `SELECT seq, words::int, responses FROM summary_marks WHERE chat_id = $1 ORDER BY seq`,
        [chatId],
      )
    ).rows;
  /** Many pairs `n. question` and `n. response here`, quickly: 2 + 3 words each. */
  async function aLongChat(pairs: number): Promise<{ id: string; pairs: string[] }> {
    const { id } = await ann.aChat();
    const ids: string[] = [];
    for (let n = 1; n <= pairs; n++)
      ids.push(await ann.append(id, `${n}. question`, `${n}. response here`));
    return { id, pairs: ids };
  }

  it('that is empty has zeroes, nulls and no highlights', async () => {
    const { id } = await ann.aChat();
    expect(await summaryOf(id)).toEqual({
      chat_id: id,
      message_count: 0,
      counts: { pairs: { own: 0, inherited: 0, total: 0 }, questions: 0, responses: 0, words: 0 },
      first_at: null,
      last_at: null,
      highlights: [],
      generated_by: 'extractive',
    });
  });

  it('counts pairs, responses and words, and quotes what was said', async () => {
    const { id } = await ann.aChat();
    const first = await ann.append(
      id,
      'Where does the midnight sun begin?',
      'The midnight sun begins at the Arctic Circle. Bring a coat.',
    );
    await ann.append(id, 'Remember the train.', null);
    const last = await ann.append(
      id,
      'And the Arctic Circle, how do I get there?',
      'The night train crosses the Arctic Circle.',
    );
    const { body: page } = await ann.get(`/chats/${id}/messages`);

    const summary = await summaryOf(id);

    expect(summary).toMatchObject({
      message_count: 3,
      counts: {
        pairs: { own: 3, inherited: 0, total: 3 },
        questions: 3,
        responses: 2,
        words: 6 + 11 + 3 + 9 + 7,
      },
      first_at: page.qa_pairs[0].timestamp,
      last_at: page.qa_pairs[2].timestamp,
    });
    expect(summary.highlights.map(({ response_id }: any) => response_id)).toEqual(
      expect.arrayContaining([first, last]),
    );
    for (const { response_id, quote } of summary.highlights) {
      const pair = page.qa_pairs.find((one: any) => one.response_id === response_id);
      expect([pair.question, pair.response ?? ''].some((text) => text.includes(quote))).toBe(true);
    }
  });

  it('counts as questions what was asked: an assistant that speaks first, and a result of a tool, ask nothing', async () => {
    const { id } = await ann.aChat();
    await ann.append(id, null as never, 'Welcome.');
    await ann.post(`/chats/${id}/messages`, {
      question: 'How warm is it?',
      response_parts: [{ type: 'tool_call', call_id: 'c1', name: 'weather', input: {} }],
    });
    await ann.post(`/chats/${id}/messages`, {
      question_parts: [{ type: 'tool_result', call_id: 'c1', output: '4 degrees' }],
      response: 'Four degrees.',
    });
    const { counts } = await summaryOf(id);
    expect([counts.pairs.total, counts.questions]).toEqual([3, 1]);
    await ann.delete(
      `/chats/${id}/messages/${(await ann.get(`/chats/${id}/messages`)).body.qa_pairs[1].response_id}`,
    );
    expect((await summaryOf(id)).counts.questions).toBe(0);
  });

  it('that is a branch tells what is its own and what is inherited, and nothing of its siblings', async () => {
    const root = await ann.aChat(3);
    const branch = await ann.aBranch(root.id, root.pairs[1]!);
    await ann.append(branch, 'only here', 'three words more');
    const nested = await ann.aBranch(branch, root.pairs[0]!);
    expect(await summaryOf(branch)).toMatchObject({
      chat_id: branch,
      message_count: 3,
      counts: {
        pairs: { own: 1, inherited: 2, total: 3 },
        questions: 3,
        responses: 3,
        words: 4 + 5,
      },
    });
    expect((await summaryOf(nested)).counts).toEqual({
      pairs: { own: 0, inherited: 1, total: 1 },
      questions: 1,
      responses: 1,
      words: 2,
    });
    expect(JSON.stringify(await summaryOf(nested))).not.toContain('only here');
    await ann.delete(`/chats/${branch}`);
    expect((await summaryOf(root.id)).counts.words).toBe(6);
  });

  it('is answered from its ETag until something is said', async () => {
    const { id } = await ann.aChat(2);
    const first = await ann.get(`/chats/${id}/summary`);
    const etag = first.headers.get('etag')!;
    expect((await ann.get(`/chats/${id}/summary`, { 'if-none-match': etag })).status).toBe(304);
    expect((await ann.get(`/chats/${id}/summary`)).text).toBe(first.text);
    await ann.append(id, 'one more', 'indeed it is');
    const second = await ann.get(`/chats/${id}/summary`, { 'if-none-match': etag });
    expect([second.status, second.body.counts.words]).toEqual([200, 4 + 5]);
  });

  it('that is long reads each of its words once: later summaries begin at a mark, also those of branches', async () => {
    const chat = await aLongChat(230);
    expect((await summaryOf(chat.id)).counts).toMatchObject({
      questions: 230,
      responses: 230,
      words: 230 * 5,
    });
    expect(await marks(chat.id)).toEqual([
      { seq: 100, words: 500, responses: 100 },
      { seq: 200, words: 1000, responses: 200 },
    ]);
    // A false mark shows who uses it.
    await database.query(`UPDATE summary_marks SET words = 7000 WHERE chat_id = $1 AND seq = 200`, [
      chat.id,
    ]);
    await ann.append(chat.id, 'more', 'again');
    expect((await summaryOf(chat.id)).counts.words).toBe(7000 + 30 * 5 + 2);
    const late = await ann.aBranch(chat.id, chat.pairs[219]!);
    expect((await summaryOf(late)).counts).toMatchObject({
      pairs: { own: 0, inherited: 220, total: 220 },
      words: 7000 + 20 * 5,
    });
    const early = await ann.aBranch(chat.id, chat.pairs[149]!);
    expect((await summaryOf(early)).counts).toMatchObject({
      pairs: { own: 0, inherited: 150, total: 150 },
      words: 150 * 5,
    });
    await ann.append(early, 'elsewhere', 'now');
    expect((await summaryOf(early)).counts.words).toBe(150 * 5 + 2);
  });

  it('counts an answer anew that was written anew', async () => {
    const chat = await aLongChat(120);
    const failed = chat.pairs[49]!;
    await database.query(`UPDATE messages SET status = 'failed' WHERE response_id = $1`, [failed]);
    expect((await summaryOf(chat.id)).counts.words).toBe(600);
    await database.query(`UPDATE summary_marks SET words = words + 1000 WHERE chat_id = $1`, [
      chat.id,
    ]);
    await ann.append(chat.id, 'more', 'again');
    expect((await summaryOf(chat.id)).counts.words).toBe(1602);
    // As a retry does: another version of the pair, here with the same words.
    const table = mode === 'mongo' ? 'content_journal' : 'chat_contents';
    await database.query(
      `UPDATE messages SET version = 2, status = 'complete' WHERE response_id = $1`,
      [failed],
    );
    await database.query(`UPDATE ${table} SET version = 2 WHERE chat_id = $1 AND seq = 50`, [
      chat.id,
    ]);
    await ann.append(chat.id, 'and more', 'again');
    expect((await summaryOf(chat.id)).counts.words).toBe(605);
  });

  it('does not exist for strangers and of chats that are gone', async () => {
    const { id } = await ann.aChat(1);
    const bob = await TestClient.register(server.url);
    const [foreign, unknown] = [
      await bob.get(`/chats/${id}/summary`),
      await bob.get(`/chats/${randomUUID()}/summary`),
    ];
    expect([foreign.status, { ...foreign.body, request_id: '' }]).toEqual([
      404,
      { ...unknown.body, request_id: '' },
    ]);
    await ann.delete(`/chats/${id}`);
    expect((await ann.get(`/chats/${id}/summary`)).body.code).toBe('chat_not_found');
    expect((await ann.get(`/chats/seven/summary`)).status).toBe(422);
  });
});
