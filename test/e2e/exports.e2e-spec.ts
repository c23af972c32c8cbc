import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Part } from '../../src/tree/parts.js';
import { MODES } from '../support/app.js';
import { TestClient } from '../support/client.js';
import { oddChatGpt, openWebUi, PNG } from '../support/exports.js';
import { aForm } from '../support/forms.js';
import { type SharedServer, sharedServer } from '../support/shared-server.js';

type Json = Record<string, any>;

const ID = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g;

const PART_TYPES: readonly Part['type'][] = [
  ...(['text', 'instruction', 'file', 'tool_call', 'tool_result', 'reasoning'] as const),
  ...(['source', 'refusal', 'data', 'other'] as const),
];

/** What the pairs with files have not: the other types of parts, and all fields of parts. */
const OTHER_PARTS = {
  question_parts: [
    { type: 'instruction', role: 'developer', text: 'Be brief.' },
    { type: 'text', text: 'And?' },
    {
      ...{ type: 'file', url: 'https://example.org/a.pdf', media_type: 'application/pdf' },
      ...{ name: 'a.pdf', detail: 'low' },
    },
    { type: 'other', format: 'of nobody', value: { a: [null, 'b'] } },
  ],
  response_parts: [
    {
      ...{ type: 'text', text: 'First.', phase: 'commentary' },
      annotations: [{ type: 'url_citation', url: 'https://example.org' }],
    },
    { type: 'reasoning', text: 'Hm.', summary: 'In short.' },
    { type: 'tool_call', call_id: 'c2', name: 'find', input: 'no JSON', provider_executed: true },
    { type: 'tool_result', call_id: 'c2', output: { n: 1 }, is_error: true },
    { type: 'source', url: 'https://example.org', title: 'E' },
    { type: 'refusal', text: 'No.' },
    { type: 'text', text: 'Second.', phase: 'final_answer' },
  ],
  author: 'Ann',
  settings: { temperature: 0.5 },
};

/** Nodes of an export of ChatGPT's form, each behind its parent: what was said, and the head. */
function saidIn({ mapping, current_node: head }: Json): unknown {
  const below = (id: string): unknown => {
    const { message, children } = mapping[id];
    const said = message && [message.author.role, message.content, message.create_time];
    return [said, id === head, children.map(below)];
  };
  return below('root');
}

/** A text whose ids are numbered as they come: so two are equal that differ in them alone. */
function withoutIds(text: string): string {
  const numbers = new Map<string, number>();
  return text.replace(ID, (id) => {
    if (!numbers.has(id)) numbers.set(id, numbers.size);
    return `#${numbers.get(id)}`;
  });
}

async function bring(person: TestClient, raw: string): Promise<Json> {
  const headers = { 'content-type': 'application/octet-stream' };
  const { body } = await person.request('POST', '/api/v1/imports', { raw, headers });
  for (;;) {
    const { body: now } = await person.get(`/imports/${body.import_id}`);
    if (now.ended_at !== null) return now;
    await sleep(20);
  }
}

describe.each(MODES)('exports, words in %s', (mode) => {
  let server: SharedServer;
  beforeAll(async () => {
    server = await sharedServer(mode);
  });
  afterAll(() => server.close());
  const aPerson = (): Promise<TestClient> => TestClient.register(server.url);
  const fileOf = async (person: TestClient, path = '/export'): Promise<string> =>
    (await person.get(path)).text;

  /** Branches of branches, before the first pair, empty ones, a deleted one that is read. */
  async function aGrownAccount(): Promise<{ person: TestClient; root: string }> {
    const person = await aPerson();
    const { id: root, pairs } = await person.aChat(4, {
      name: 'Roots "and" branches',
      system_prompt: 'Be brief.\n',
      metadata: { topic: 'trees' },
    });
    const gone = await person.aBranch(root, pairs[1]!, { name: 'gone' });
    const deep = await person.append(gone, 'deep');
    await person.append(gone, 'deeper');
    const kept = await person.aBranch(gone, deep, { name: 'kept' });
    await person.append(kept, 'emoji 🦊, and "quotes"\n');
    await person.delete(`/chats/${gone}`);
    await person.aBranch(root, null, { name: 'before' });
    await person.aBranch(root, pairs[3]!, { name: 'empty', activate: true });
    await person.request('POST', `/api/v1/chats/${kept}/messages`, {
      raw: '{"question":"code","response":null,"message_type":"code","metadata":{"language":"ts","n":12345678901234567890}}',
    });
    await person.patch(`/chats/${root}`, { pinned: true });
    await bring(person, JSON.stringify([oddChatGpt(), openWebUi()]));
    return { person, root };
  }

  it('an export comes back into an empty account and out of it with the same bytes but for ids', async () => {
    const { person } = await aGrownAccount();
    const first = await fileOf(person);
    expect(first).toContain('"n":12345678901234567890');
    const other = await aPerson();
    const done = await bring(other, first);
    expect(done).toMatchObject({
      status: 'done',
      source: 'banyan',
      report: { conversations: { added: 3, refused: 0 } },
    });
    expect(withoutIds(await fileOf(other))).toBe(withoutIds(first));
    const again = await bring(other, first);
    expect(again.report).toMatchObject({
      conversations: { unchanged: 3 },
      added: { pairs: 0, chats: 0 },
    });
  });

  /** A picture that a question shows and a tool gives back, in the main line and in a branch. */
  async function anAccountWithFiles(): Promise<TestClient> {
    const person = await aPerson();
    const sent = aForm({ name: 'map.png', bytes: PNG });
    const { file_id } = (await person.request('POST', '/api/v1/files', sent)).body;
    const picture = { type: 'file', file_id, media_type: 'image/png' };
    const { id } = await person.aChat();
    const asked = await person.post(`/chats/${id}/messages`, {
      question_parts: [{ type: 'text', text: 'Where is this?' }, picture],
      response_parts: [
        { type: 'reasoning', text: 'I look.', opaque: { k: 1 } },
        { type: 'tool_call', call_id: 'c1', name: 'look', input: { zoom: 2 } },
      ],
    });
    expect(asked.status).toBe(201);
    const branch = await person.aBranch(id, asked.body.response_id);
    const told = await person.request('POST', `/api/v1/chats/${branch}/messages`, {
      raw: JSON.stringify({
        question_parts: [{ type: 'tool_result', call_id: 'c1', output: [picture] }],
        response_parts: [
          { type: 'text', text: 'Norway.' },
          { type: 'data', name: 'n', value: 12345678 },
        ],
      }).replace('12345678', '12345678901234567890.50'),
    });
    expect(told.status).toBe(201);
    const rest = await person.post(`/chats/${branch}/messages`, OTHER_PARTS);
    expect(rest.status).toBe(201);
    return person;
  }

  it('with parts of all types too, and the files are the same bytes', async () => {
    const person = await anAccountWithFiles();
    const first = await fileOf(person);
    expect(first).toContain('12345678901234567890.50');
    for (const type of PART_TYPES) expect(first).toContain(`{"type":"${type}",`);
    const other = await aPerson();
    const { report } = await bring(other, first);
    expect(report).toMatchObject({ added: { chats: 2, pairs: 3, files: 1 }, changed: {} });
    expect(withoutIds(await fileOf(other))).toBe(withoutIds(first));
    const [{ file_id: id, sha256 }] = (await other.get('/files')).body.items;
    expect(sha256).toBe((await person.get('/files')).body.items[0].sha256);
    expect((await bring(other, first)).report).toMatchObject({
      conversations: { unchanged: 1 },
      added: { pairs: 0, chats: 0, files: 0 },
    });
    expect((await other.get('/files')).body.items).toMatchObject([{ file_id: id }]);
  });

  it.each<[string, RegExp, string, RegExp]>([
    [
      'a kind that no side has',
      /"type":"reasoning"/,
      '"type":"thought"',
      /response_parts\.0\.type must be one of/,
    ],
    ['a call without a name', /"name":"look",/, '', /response_parts\.1\.name must be given/],
    [
      'a field of nobody',
      /"zoom":2\}/,
      '"zoom":2},"colour":1',
      /response_parts\.1\.colour there is no such field/,
    ],
  ])(
    'parts are held to the rules of posts: %s breaks the file',
    async (_, what, instead, message) => {
      const spoiled = (await fileOf(await anAccountWithFiles())).replace(what, instead);
      const other = await aPerson();
      const { error } = await bring(other, spoiled);
      expect(error).toEqual({ code: 'banyan_broken', message: expect.stringMatching(message) });
      expect((await other.get('/chats')).body.items).toEqual([]);
    },
  );

  it('a file part is what its bytes are, and none holds bytes in an address', async () => {
    const person = await anAccountWithFiles();
    const [{ file_id: id }] = (await person.get('/files')).body.items;
    const file = await fileOf(person);
    const other = await aPerson();
    await bring(other, file.replaceAll('"media_type":"image/png"', '"media_type":"audio/mpeg"'));
    expect(await fileOf(other)).toContain('"media_type":"image/png"');
    const third = await aPerson();
    const address = `"file_id":"${id}"`;
    const at = file.indexOf(address, file.indexOf('"type":"pair"'));
    const spoiled = `${file.slice(0, at)}"url":"data:text/plain,x"${file.slice(at + address.length)}`;
    expect(await bring(third, spoiled)).toMatchObject({ status: 'done' });
    // It is kept word for word, as what has no name here, within the bounds of that.
    expect(await fileOf(third)).toContain(
      '{"type":"other","format":"banyan.file","value":{"type":"file","url":"data:text/plain,x"',
    );
  });

  it('of a newer export of the same conversation comes what is new', async () => {
    const person = await aPerson();
    const { id, pairs } = await person.aChat(2);
    const other = await aPerson();
    await bring(other, await fileOf(person));
    await person.append(id, 'q3');
    await person.append(await person.aBranch(id, pairs[0]!), 'aside');
    const done = await bring(other, await fileOf(person));
    expect(done.report).toMatchObject({
      conversations: { updated: 1 },
      added: { chats: 1, pairs: 2 },
    });
    expect(withoutIds(await fileOf(other)).split('\n').length).toBe(
      withoutIds(await fileOf(person)).split('\n').length,
    );
  });

  it('as ChatGPT would write it, it has the same messages, edges and head when it comes back', async () => {
    const { person } = await aGrownAccount();
    const conversations = JSON.parse(await fileOf(person, '/export?format=chatgpt')) as Json[];
    expect(conversations).toHaveLength(3);
    for (const { mapping, current_node } of conversations) {
      expect(mapping[current_node]).toBeDefined();
      for (const [id, node] of Object.entries<Json>(mapping)) {
        for (const child of node.children) expect(mapping[child].parent).toBe(id);
        if (node.parent !== null) expect(mapping[node.parent].children).toContain(id);
      }
    }
    const other = await aPerson();
    const done = await bring(other, JSON.stringify(conversations));
    expect(done.report).toMatchObject({ conversations: { added: 3, refused: 0 } });
    const again = JSON.parse(await fileOf(other, '/export?format=chatgpt')) as Json[];
    expect(again.map(saidIn)).toEqual(conversations.map(saidIn));
  });

  it('as messages of OpenAI it has a line for each path', async () => {
    const person = await aPerson();
    const { id, pairs } = await person.aChat(2, { system_prompt: 'Be brief.' });
    await person.append(await person.aBranch(id, pairs[0]!), 'other');
    const lines = (await fileOf(person, `/chats/${id}/export?format=openai`)).trim().split('\n');
    const messages = lines.map((line) => (JSON.parse(line) as Json).messages);
    expect(messages.map((one) => one.map(({ content }: Json) => content))).toEqual([
      ['Be brief.', 'q1', 'a1', 'q2', 'a2'],
      ['Be brief.', 'q1', 'a1', 'other', 're: other'],
    ]);
  });

  it('as messages of OpenAI it tells calls and results, and files by their names', async () => {
    const lines = (await fileOf(await anAccountWithFiles(), '/export?format=openai')).trim();
    const { messages } = JSON.parse(lines.split('\n').at(-1)!) as Json;
    expect(messages.map(({ role }: Json) => role)).toEqual([
      ...['user', 'assistant', 'tool', 'assistant', 'developer', 'user', 'assistant', 'tool'],
      'assistant',
    ]);
    expect(messages[0].content).toBe('Where is this?\n[File map.png, image/png]');
    expect(messages.at(-1)).toEqual({
      ...{ role: 'assistant', content: 'First.\nSecond.', refusal: 'No.' },
    });
  });

  it('as Markdown it is the branch that was asked for, with front matter', async () => {
    const person = await aPerson();
    const { id, pairs } = await person.aChat(2, { name: 'Norway' });
    const branch = await person.aBranch(id, pairs[0]!, { name: 'In: winter' });
    await person.append(branch, 'Snow?');
    const { text, headers } = await person.get(`/chats/${branch}/export?format=markdown`);
    expect(headers.get('content-type')).toBe('text/markdown; charset=utf-8');
    expect(headers.get('content-disposition')).toContain(`banyan-chat-${branch}.md`);
    expect(text).toMatch(/^---\nchat_id: ".+"\nname: "In: winter"\n/);
    expect([...text.matchAll(/^(q1|q2|Snow\?)$/gm)].map(([said]) => said)).toEqual(['q1', 'Snow?']);
    const all = await person.get(`/chats/${branch}/export?format=markdown&scope=conversation`);
    expect(all.text.match(/^---\nchat_id/gm)).toHaveLength(2);
    const alone = await fileOf(person, `/chats/${branch}/export?scope=chat`);
    expect(alone.match(/"type":"chat"/g)).toHaveLength(1);
    expect(alone.match(/"type":"pair"/g)).toHaveLength(2);
  });

  it.each([
    ['has no end', (file: string) => file.slice(0, file.lastIndexOf('{"type":"end"'))],
    ['lost a pair', (file: string) => file.replace(/\{"type":"pair".*\n/, '')],
    ['lost a chat', (file: string) => file.replace(/\{"type":"chat".*\n/, '')],
  ])('a file of ours that %s brings nothing', async (_, spoil) => {
    const person = await aPerson();
    await person.aChat(3);
    const other = await aPerson();
    const done = await bring(other, spoil(await fileOf(person)));
    expect(done).toMatchObject({ status: 'failed', error: { code: 'banyan_broken' } });
    expect((await other.get('/chats')).body.items).toEqual([]);
  });

  it('of a foreign, an unknown and a deleted chat is a 404', async () => {
    const [person, other] = [await aPerson(), await aPerson()];
    const { id } = await person.aChat(1);
    for (const [who, chat] of [
      [other, id],
      [person, randomUUID()],
    ] as const)
      expect((await who.get(`/chats/${chat}/export`)).body.code).toBe('chat_not_found');
    await person.delete(`/chats/${id}`);
    expect((await person.get(`/chats/${id}/export`)).status).toBe(404);
    expect((await person.get('/export?format=pdf')).status).toBe(422);
  });
});
