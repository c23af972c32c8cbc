// What bad input must not do.
import { Client } from 'pg';
import { type Mode, startTestApp, type TestApp } from '../support/app.js';
import { TestClient } from '../support/client.js';

/** Values of a wrong type, for any field that wants text. */
/** A server with a few chats, to be refused by; to be called within a `describe`. */
export function badInputTester(mode: Mode) {
  let server: TestApp;
  let ann: TestClient;
  let chat: { id: string; pairs: string[] };
  let branch: string;
  let other: { id: string; pairs: string[] };
  let database: Client;

  beforeAll(async () => {
    server = await startTestApp(mode);
    ann = await TestClient.register(server.url);
    chat = await ann.aChat(3);
    branch = await ann.aBranch(chat.id, chat.pairs[0]!);
    other = await ann.aChat(1);
    database = new Client({ connectionString: server.databaseUrl });
    await database.connect();
  });
  afterAll(async () => {
    await database.end();
    await server.close();
  });

  /** What a refused request must not change: every row but the accounts'. */
  const everything = async () => {
    const tables = [
      'chats',
      'conversations',
      'messages',
      'events',
      'idempotency_keys',
      'chat_contents',
      'content_journal',
    ];
    // The relay works on its rows of the journal all the time: there only which rows there are must
    // stay.
    const rowOf = (table: string) =>
      table === 'content_journal' ? `t.chat_id || ' ' || t.seq` : 't::text';
    const digests = tables.map(
      (table) =>
        `(SELECT count(*) || md5(string_agg(${rowOf(table)}, '|' ORDER BY ${rowOf(table)})) FROM ${table} t) AS ${table}`,
    );
    return (await database.query(`SELECT ${digests.join(', ')}`)).rows[0];
  };

  const refused = async (
    method: string,
    path: string,
    body: unknown,
    status: number,
    field?: string,
  ) => {
    const before = await everything();
    const answer = await ann.request(method, `/api/v1${path}`, { body });
    const line = `${method} ${path} ${JSON.stringify(body)?.slice(0, 100)}`;
    expect([line, answer.status, answer.text.slice(0, 200)]).toEqual([
      line,
      status,
      answer.text.slice(0, 200),
    ]);
    expect(answer.headers.get('content-type')).toBe('application/problem+json');
    expect(answer.body).toMatchObject({
      type: expect.any(String),
      title: expect.any(String),
      status,
      code: expect.any(String),
      detail: expect.any(String),
      request_id: expect.any(String),
    });
    if (field !== undefined)
      expect([line, answer.body.errors?.map(({ path: at }: { path: string }) => at)]).toEqual([
        line,
        [field],
      ]);
    expect(answer.text).not.toMatch(/at \/|node_modules|\.ts:/);
    expect(await everything()).toEqual(before);
  };

  /** Each field that wants text: where it stands, and a body with a value for it. */
  const textFields = (): [string, string, (value: unknown) => unknown, string][] => [
    ['POST', '/chats', (name) => ({ name }), 'name'],
    ['POST', '/chats', (system_prompt) => ({ system_prompt }), 'system_prompt'],
    ['POST', '/chats', (model) => ({ model }), 'model'],
    ['POST', '/chats', (chat_type) => ({ chat_type }), 'chat_type'],
    ['PATCH', `/chats/${chat.id}`, (name) => ({ name }), 'name'],
    ['PATCH', `/chats/${chat.id}`, (system_prompt) => ({ system_prompt }), 'system_prompt'],
    ['PUT', '/chats/update-chat', (chat_id) => ({ chat_id }), 'chat_id'],
    ['POST', `/chats/${chat.id}/messages`, (question) => ({ question, response: 'r' }), 'question'],
    ['POST', `/chats/${chat.id}/messages`, (response) => ({ question: 'q', response }), 'response'],
    [
      'POST',
      `/chats/${chat.id}/messages`,
      (message_type) => ({ question: 'q', response: 'r', message_type }),
      'message_type',
    ],
    [
      'POST',
      `/chats/${chat.id}/messages`,
      (author) => ({ question: 'q', response: 'r', author }),
      'author',
    ],
    [
      'POST',
      `/chats/${chat.id}/messages`,
      (id) => ({ question: 'q', response: 'r', parent_response_id: id }),
      'parent_response_id',
    ],
    [
      'POST',
      `/chats/${chat.id}/messages`,
      (on_conflict) => ({ question: 'q', response: 'r', on_conflict }),
      'on_conflict',
    ],
    [
      'POST',
      `/chats/${chat.id}/messages`,
      (on_busy) => ({ question: 'q', response: 'r', on_busy }),
      'on_busy',
    ],
    [
      'POST',
      '/messages/add-message',
      (chat_id) => ({ chat_id, question: 'q', response: 'r' }),
      'chat_id',
    ],
    ['POST', `/chats/${chat.id}/branches`, (response_id) => ({ response_id }), 'response_id'],
    [
      'POST',
      `/chats/${chat.id}/branches`,
      (name) => ({ response_id: chat.pairs[0], name }),
      'name',
    ],
    [
      'POST',
      '/branches/create-branch',
      (chat_id) => ({ chat_id, response_id: chat.pairs[0] }),
      'chat_id',
    ],
    [
      'PUT',
      `/chats/${chat.id}/active-branch`,
      (branch_chat_id) => ({ branch_chat_id }),
      'branch_chat_id',
    ],
    [
      'PUT',
      '/branches/set-active-branch',
      (chat_id) => ({ chat_id, branch_chat_id: chat.id }),
      'chat_id',
    ],
  ];

  return { refused, textFields, stage: () => ({ server, ann, chat, branch, other }) };
}
