import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { request } from 'node:http';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { strToU8, zipSync } from 'fflate';
import { runFsck, violationsOf } from '../crash/fsck.js';
import { MODES, mongoUriFor, startTestApp, type TestApp, withClient } from '../support/app.js';
import { TestClient } from '../support/client.js';
import {
  brokenChatGpt,
  chatGpt,
  claude,
  flatClaude,
  libreChat,
  oddChatGpt,
  openWebUi,
  PNG,
  type Said,
} from '../support/exports.js';

type Json = Record<string, any>;

const JSON_TYPE = { 'content-type': 'application/json' };

/** Sends a file and waits until it is dealt with. */
async function importOf(
  person: TestClient,
  file: Buffer | string | object,
  headers: Record<string, string> = JSON_TYPE,
): Promise<Json> {
  const raw = Buffer.isBuffer(file) || typeof file === 'string' ? file : JSON.stringify(file);
  const answer = await person.request('POST', '/api/v1/imports', { raw, headers });
  if (answer.status !== 201) throw new Error(`import answered ${answer.status}: ${answer.text}`);
  return ended(person, answer.body.import_id);
}

async function ended(person: TestClient, importId: string): Promise<Json> {
  for (;;) {
    const { body } = await person.get(`/imports/${importId}`);
    if (body.ended_at !== null) return body;
    await sleep(20);
  }
}

const zipOf = (files: Record<string, Buffer | object>): Buffer =>
  Buffer.from(
    zipSync(
      Object.fromEntries(
        Object.entries(files).map(([name, file]) => [
          name,
          Buffer.isBuffer(file) ? new Uint8Array(file) : strToU8(JSON.stringify(file)),
        ]),
      ),
    ),
  );

/** All there is of an account, as people see it: each chat with its pairs. */
async function all(person: TestClient): Promise<Json[]> {
  const { body: list } = await person.get('/chats?limit=100');
  const chats: Json[] = [];
  for (const root of list.items as Json[]) {
    const { body: tree } = await person.get(`/chats/${root.chat_id}/branches?format=flat`);
    for (const node of tree.items as Json[]) {
      const { body: chat } = await person.get(`/chats/${node.chat_id}`);
      const { body: page } = await person.get(`/chats/${node.chat_id}/messages?limit=100`);
      chats.push({ ...chat, path: page.qa_pairs });
    }
  }
  return chats;
}

const paths = (chats: Json[]): string[] =>
  chats
    .map(
      ({ active, path }) =>
        (active ? '* ' : '  ') +
        path.map((pair: Json) => `${pair.question}→${pair.response}`).join(' / '),
    )
    .sort();

describe.each(MODES)('imports, words in %s', (mode) => {
  let server: TestApp;
  beforeAll(async () => {
    server = await startTestApp(mode);
  });
  afterAll(() => server.close());
  const aPerson = (): Promise<TestClient> => TestClient.register(server.url);

  it('a conversation of ChatGPT comes with branches, times, models, parts, files and its head', async () => {
    const person = await aPerson();
    const done = await importOf(
      person,
      zipOf({ 'conversations.json': [oddChatGpt()], 'user.json': {}, 'file-Map1-map.png': PNG }),
      { 'content-type': 'application/zip' },
    );
    expect(done).toMatchObject({
      status: 'done',
      source: 'chatgpt',
      error: null,
      report: {
        conversations: { read: 1, added: 1, refused: 0 },
        added: { chats: 3, pairs: 4, messages: 11, files: 1 },
        changed: { files_missing: 1, empty_messages: 3 },
      },
    });
    const chats = await all(person);
    expect(paths(chats)).toEqual([
      '  Which way?→North. / And by train?→null',
      '  Which way?→South.',
      '* Which way?→North. / What is on this map?→Norway.',
    ]);
    const root = chats.find(({ parent_chat_id: parent }) => parent === null)!;
    expect(root).toMatchObject({
      name: 'Chat 11111111-1111-4111-8111-111111111111',
      pinned: true,
      model: 'gpt-4o',
      created_at: '2023-11-14T22:13:20.250Z',
      metadata: { imported_from: 'chatgpt' },
    });
    const [, pair] = root.path;
    expect(pair).toMatchObject({ timestamp: '2023-11-14T22:14:20.000Z', model: 'o3' });
    expect(pair.question_parts[0]).toMatchObject({ type: 'file', media_type: 'image/png' });
    expect(pair.response_parts.map(({ type }: Json) => type)).toEqual([
      ...['reasoning', 'tool_call', 'tool_result', 'text', 'source'],
    ]);
    const { text } = await person.get(`/chats/${root.chat_id}/messages/${pair.response_id}`);
    expect(text).toContain('{"n":12345678901234567890,"x":1.50}');
    expect((await person.get('/files')).body.items).toHaveLength(1);
    const results = { question_parts: [{ type: 'tool_result', call_id: 'call', output: '43' }] };
    const again = { ...results, response: 'Sweden.' };
    expect((await person.post(`/chats/${root.chat_id}/messages`, again)).status).toBe(201);
  });

  it('every other source is known by what is in it', async () => {
    const person = await aPerson();
    const sources: [string, object, string[]][] = [
      [
        'claude',
        [claude(), flatClaude()],
        [
          '  Draw a boat→No.',
          '* Draw a boat→Here it is. / Plan of it→A good plan.',
          '* Hello→Hi / Bye→See you',
        ],
      ],
      ['librechat', libreChat(false), ['  Tea?→Black.', '* Tea?→Green. / How hot?→80 degrees.']],
      [
        'open_webui',
        [openWebUi()],
        ['  A rhyme?→Bee. / More→null', '* A rhyme?→The sea, the bee.'],
      ],
      ['chatgpt', brokenChatGpt(), ['  Lost→null', '  One→Two', '  Self→null']],
    ];
    for (const [source, file, expected] of sources) {
      const person = await aPerson();
      const done = await importOf(person, file);
      expect(done).toMatchObject({ status: 'done', source });
      expect(paths(await all(person))).toEqual(expect.arrayContaining(expected));
    }
    expect((await importOf(person, libreChat(true))).report.conversations.added).toBe(1);
  });

  it('the same file again adds nothing; a newer one adds what is new', async () => {
    const person = await aPerson();
    const older: Said[] = [
      { id: 'q1', parent: null, role: 'user', text: '1' },
      { id: 'a1', parent: 'q1', role: 'assistant', text: 'one' },
    ];
    await importOf(person, [chatGpt('x', older)]);
    const before = await all(person);
    const again = await importOf(person, [chatGpt('x', older)]);
    expect(again.report).toMatchObject({
      conversations: { unchanged: 1, added: 0, updated: 0 },
      added: { chats: 0, pairs: 0 },
    });
    expect(await all(person)).toEqual(before);

    const newer: Said[] = [
      ...older,
      { id: 'q2', parent: 'a1', role: 'user', text: '2' },
      { id: 'a2', parent: 'q2', role: 'assistant', text: 'two' },
      { id: 'a1b', parent: 'q1', role: 'assistant', text: 'uno' },
    ];
    const done = await importOf(person, [chatGpt('x', newer, { current_node: 'a1b' })]);
    expect(done.report).toMatchObject({
      conversations: { updated: 1, added: 0 },
      added: { chats: 1, pairs: 2 },
    });
    expect(paths(await all(person))).toEqual(['  1→one / 2→two', '* 1→uno']);
  });

  it('who has gone on here stays where they are', async () => {
    const person = await aPerson();
    const said: Said[] = [{ id: 'q1', parent: null, role: 'user', text: '1' }];
    await importOf(person, [chatGpt('y', said)]);
    const [chat] = await all(person);
    await person.append(chat!.chat_id, 'mine');
    const more: Said = { id: 'q2', parent: 'q1', role: 'user', text: '2' };
    await importOf(person, [chatGpt('y', [...said, more])]);
    expect(paths(await all(person))).toEqual(['  1→null / 2→null', '* 1→null / mine→re: mine']);
  });

  it('what was deleted here comes back when it is brought again', async () => {
    const person = await aPerson();
    await importOf(person, flatClaude());
    const [chat] = await all(person);
    await person.delete(`/chats/${chat!.chat_id}`);
    const done = await importOf(person, flatClaude());
    expect(done.report.conversations).toMatchObject({ added: 1 });
    expect(await all(person)).toHaveLength(1);
  });

  it('exports in pieces, and files in multipart bodies', async () => {
    const person = await aPerson();
    const one = (id: string): object =>
      chatGpt(id, [{ id: 'q', parent: null, role: 'user', text: id }]);
    const zip = zipOf({
      'export/conversations-001.json': [one('b')],
      'export/conversations-000.json': [one('a')],
    });
    const form = new FormData();
    form.append('file', new Blob([new Uint8Array(zip)]), 'export.zip');
    const answer = await fetch(`${server.url}/api/v1/imports`, {
      method: 'POST',
      headers: { authorization: `Bearer ${person.token}` },
      body: form,
    });
    expect(answer.status).toBe(201);
    const { import_id: id } = (await answer.json()) as Json;
    expect(await ended(person, id)).toMatchObject({
      name: 'export.zip',
      status: 'done',
      report: { conversations: { added: 2 } },
    });
  });

  it.each<[string, Buffer | string, string]>([
    ['is cut off', JSON.stringify([oddChatGpt()]).slice(0, -9), 'not_json'],
    ['is no JSON', '<html></html>', 'not_json'],
    ['is white space', ' \n', 'no_conversations'],
    ['is an empty list', '[]', 'no_conversations'],
    ['is a picture', PNG, 'not_json'],
    ['calls itself a zip', `PK\u0003\u0004${'x'.repeat(100)}`, 'zip_damaged'],
    ['has other things', JSON.stringify([{ a: 1 }, 2]), 'no_conversations'],
    [
      'is a zip that is cut off',
      zipOf({ 'conversations.json': [] }).subarray(0, 60),
      'zip_damaged',
    ],
    ['is a zip of nothing', zipOf({ 'a.txt': PNG }), 'no_conversations'],
    [
      'is a zip with a path outside of it',
      zipOf({ '../../etc/conversations.json': [] }),
      'zip_unsafe_name',
    ],
    ['is a bomb', zipOf({ 'conversations.json': Buffer.alloc(64 * 1024 * 1024, 32) }), 'zip_bomb'],
    ['is nested 10,000 deep', '['.repeat(10_000), 'nested_too_deep'],
  ])('a file that %s fails, and says why', async (_, file, code) => {
    const person = await aPerson();
    const done = await importOf(person, file, { 'content-type': 'application/octet-stream' });
    expect(done).toMatchObject({ status: 'failed', error: { code } });
    expect(await all(person)).toEqual([]);
  });

  it('conversations before the fault of a file stay, and each is whole', async () => {
    const person = await aPerson();
    const file = `${JSON.stringify([oddChatGpt(), flatClaude()]).slice(0, -200)}`;
    const done = await importOf(person, file);
    expect(done).toMatchObject({
      status: 'failed',
      report: { conversations: { added: 1 } },
    });
    expect(await all(person)).toHaveLength(3);
  });

  it('an upload that is empty, too large, or no multipart body is refused at once', async () => {
    const person = await aPerson();
    const send = (headers: Record<string, string>, raw = '') =>
      person.request('POST', '/api/v1/imports', { raw, headers });
    expect((await send(JSON_TYPE)).body.code).toBe('import_empty');
    expect((await send({ 'content-type': 'multipart/form-data' }, 'x')).status).toBe(400);
    const broken = { 'content-type': 'multipart/form-data; boundary=b' };
    expect((await send(broken, '--b\r\ncontent-dis')).status).toBe(400);
    expect((await person.get('/imports')).body.items).toEqual([]);
  });

  it('a key brings one import, whose body is another one is refused', async () => {
    const person = await aPerson();
    const key = { ...JSON_TYPE, 'idempotency-key': randomUUID() };
    const send = (file: object) =>
      person.request('POST', '/api/v1/imports', { body: file, headers: key });
    const first = await send(flatClaude());
    const second = await send(flatClaude());
    expect(second.headers.get('idempotent-replayed')).toBe('true');
    expect(second.body.import_id).toBe(first.body.import_id);
    expect((await send(claude())).status).toBe(422);
    expect((await person.get('/imports')).body.items).toHaveLength(1);
  });

  // What comes in is in PostgreSQL first, wherever the words are.
  if (mode === 'postgres')
    it('a file of 512 MiB and one byte is refused, is never in memory, and leaves nothing', async () => {
      const person = await aPerson();
      const piece = Buffer.alloc(1024 * 1024);
      let most = 0;
      function* body(): Generator<Buffer> {
        for (let n = 0; n < 512; n++) {
          most = Math.max(most, process.memoryUsage().arrayBuffers);
          yield piece;
        }
        yield Buffer.alloc(1);
      }
      const headers = {
        ...{ authorization: `Bearer ${person.token}`, 'content-type': 'application/octet-stream' },
      };
      const asking = request(`${server.url}/api/v1/imports`, { method: 'POST', headers });
      const before = process.memoryUsage().arrayBuffers;
      // The server hangs up on what it does not read.
      const sent = pipeline(Readable.from(body()), asking).catch(() => undefined);
      const [answer] = (await once(asking, 'response')) as [Readable & { statusCode: number }];
      const problem = JSON.parse((await answer.toArray()).join('')) as Json;
      await sent;
      expect([answer.statusCode, problem.code]).toEqual([413, 'body_too_large']);
      expect(problem.detail).toContain('512 MiB');
      expect(most - before).toBeLessThan(128 * 1024 * 1024);
      expect((await person.get('/imports')).body.items).toEqual([]);
      const said = { ...headers, 'content-length': String(513 * 1024 * 1024) };
      const announced = request(`${server.url}/api/v1/imports`, { method: 'POST', headers: said });
      announced.on('error', () => undefined).flushHeaders();
      const [refused] = (await once(announced, 'response')) as [{ statusCode: number }];
      announced.destroy();
      expect(refused.statusCode).toBe(413);
    });

  /** So many conversations that somebody can come between. */
  const MANY = 250;
  const many = (): object[] =>
    Array.from({ length: MANY }, (_, n) =>
      chatGpt(`many${n}`, [
        { id: 'q', parent: null, role: 'user', text: `${n}` },
        { id: 'a', parent: 'q', role: 'assistant', text: 'yes' },
      ]),
    );
  const rowsOf = (person: TestClient, table: string): Promise<number> =>
    withClient(server.databaseUrl, async (client) => {
      const counted = `SELECT count(*)::int AS n FROM ${table} WHERE account_id = $1`;
      return (await client.query<{ n: number }>(counted, [person.accountId])).rows[0]!.n;
    });
  /** Sends them, and answers when some are in. */
  async function begun(person: TestClient): Promise<string> {
    const raw = JSON.stringify(many());
    const sent = await person.request('POST', '/api/v1/imports', { raw, headers: JSON_TYPE });
    while ((await rowsOf(person, 'conversations')) === 0);
    return sent.body.import_id;
  }

  it('one that is cancelled while it runs ends between two conversations; the rest comes with the next', async () => {
    const person = await aPerson();
    const id = await begun(person);
    expect((await person.post(`/imports/${id}/cancel`)).status).toBe(200);
    const { status, report } = await ended(person, id);
    const { added } = report.conversations;
    expect([status, added, added]).toEqual([
      'cancelled',
      await rowsOf(person, 'conversations'),
      await rowsOf(person, 'messages'),
    ]);
    expect(added).toBeLessThan(MANY);
    const next = await importOf(person, many());
    expect(next.report.conversations).toMatchObject({ unchanged: added, added: MANY - added });
  });

  it('another account sees nothing of it', async () => {
    const [person, other] = [await aPerson(), await aPerson()];
    const { import_id: id } = await importOf(person, flatClaude());
    for (const path of [`/imports/${id}`, `/imports/${randomUUID()}`])
      expect((await other.get(path)).body.code).toBe('import_not_found');
    expect((await other.post(`/imports/${id}/cancel`)).status).toBe(404);
    expect((await person.post(`/imports/${id}/cancel`)).body.status).toBe('done');
  });

  it('leaves both stores as fsck wants them', async () => {
    const run = await runFsck(
      {
        DATABASE_URL: server.databaseUrl,
        ...(mode === 'mongo' && { MONGODB_URI: mongoUriFor(server.databaseUrl) }),
      },
      '--json',
    );
    expect(violationsOf(run)).toEqual({});
  });

  it('one whose account is erased meanwhile brings nothing more', async () => {
    const person = await aPerson();
    await begun(person);
    await withClient(server.databaseUrl, (client) =>
      client.query('DELETE FROM accounts WHERE account_id = $1', [person.accountId]),
    );
    const there = await rowsOf(person, 'chats');
    expect(there).toBeLessThan(MANY);
    // The one behind it is brought in when it has ended.
    expect(await importOf(await aPerson(), flatClaude())).toMatchObject({ status: 'done' });
    expect(await rowsOf(person, 'chats')).toBe(there);
    for (const table of ['imports', 'import_chunks', 'import_sources'])
      expect([table, await rowsOf(person, table)]).toEqual([table, 0]);
  });
});
