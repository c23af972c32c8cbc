import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import { Client as ClientV1 } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport as TransportV1 } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { MODES, startTestApp, type TestApp } from '../support/app.js';
import { TestClient } from '../support/client.js';

type Json = Record<string, any>;

/** What the tests use of a client, whatever its major. */
interface Agent {
  listTools(): Promise<{ tools: Json[] }>;
  callTool(call: { name: string; arguments?: Json }): Promise<Json>;
  listResources(page?: { cursor: string }): Promise<Json>;
  listResourceTemplates(): Promise<Json>;
  readResource(asked: { uri: string }): Promise<Json>;
  close(): Promise<void>;
}

const README = readFileSync(new URL('../../README.md', import.meta.url), 'utf8');
const blockAfter = (comment: string): string =>
  README.slice(README.indexOf(`<!-- ${comment}`)).match(/```\w+\n([\s\S]*?)```/)![1]!;
const TOOLS = [
  ...['search_chats', 'list_chats', 'get_branch', 'get_tree', 'compare_branches'],
  ...['append_message', 'create_branch', 'merge_branch'],
];
const NAMES = { name: 'tests', version: '1' };

async function v1(url: string, headers: Record<string, string>): Promise<Agent> {
  const client = new ClientV1(NAMES);
  await client.connect(new TransportV1(new URL(url), { requestInit: { headers } }));
  return client as unknown as Agent;
}

const v2 =
  (options: object) =>
  async (url: string, headers: Record<string, string>): Promise<Agent> => {
    const client = new Client(NAMES, options);
    const transport = new StreamableHTTPClientTransport(new URL(url), { requestInit: { headers } });
    await client.connect(transport);
    return client as unknown as Agent;
  };

const CLIENTS: [string, typeof v1][] = [
  ['1.x', v1],
  ['2.x as it comes, of 2025', v2({})],
  ['2.x of 2026-07-28', v2({ versionNegotiation: { mode: { pin: '2026-07-28' } } })],
];

describe.each(MODES)('agents at /mcp, words in %s', (mode) => {
  let server: TestApp;
  let ann: TestClient;
  beforeAll(async () => {
    server = await startTestApp(mode);
    ann = await TestClient.register(server.url);
  });
  afterAll(() => server.close());

  const headersOf = ({ token }: TestClient) => ({ authorization: `Bearer ${token}` });
  const read = ({ content: [{ text }], isError }: Json): Json => {
    expect([isError, text]).toEqual([expect.not.stringMatching('true'), text]);
    return JSON.parse(text);
  };

  it.each(CLIENTS)('the unmodified client %s uses every tool', async (_, connect) => {
    const person = await TestClient.register(server.url);
    const agent = await connect(`${server.url}/mcp`, headersOf(person));
    const use = async (name: string, args: Json): Promise<Json> =>
      read(await agent.callTool({ name, arguments: args }));
    try {
      expect((await agent.listTools()).tools.map(({ name }) => name)).toEqual(TOOLS);
      const { id } = await person.aChat(2, { name: 'Norway' });
      const found = await use('append_message', {
        ...{ chat_id: id, question: 'Where is the midnight sun?' },
        response: 'North of the Arctic Circle.',
      });
      const branch = await use('create_branch', { chat_id: id, response_id: found.response_id });
      const asked = await use('append_message', { chat_id: branch.chat_id, question: 'When?' });
      expect(asked).toMatchObject({ seq: 4, status: 'complete' });
      const { items: hits } = await use('search_chats', { q: '"midnight sun"', side: 'question' });
      expect(hits).toMatchObject([{ response_id: found.response_id, name: 'Norway' }]);
      expect((await use('list_chats', {})).items).toMatchObject([{ chat_id: id }]);
      const page = await use('get_branch', { chat_id: branch.chat_id, limit: 2 });
      expect([page.chat.fork_seq, page.qa_pairs.map((pair: Json) => pair.seq)]).toEqual([
        3,
        [3, 4],
      ]);
      expect((await use('get_tree', { chat_id: id })).tree.children).toHaveLength(1);
      const compared = await use('compare_branches', { chat_id: id, with: branch.chat_id });
      expect([compared.common.seq, compared.right.qa_pairs.length]).toEqual([3, 1]);
      const merged = await use('merge_branch', {
        ...{ chat_id: id, from_chat_id: branch.chat_id, mode: 'summary', text: 'In May.' },
      });
      expect(merged.qa_pairs).toMatchObject([{ chat_id: id, seq: 4 }]);
    } finally {
      await agent.close();
    }
  });

  it.each(CLIENTS)(
    'what %s does wrong is a result of the tool, in the words of the problem',
    async (_, connect) => {
      const agent = await connect(`${server.url}/mcp`, headersOf(ann));
      const { id: foreign } = await (await TestClient.register(server.url)).aChat(1);
      const wrong: [string, Json, object][] = [
        ['get_branch', { chat_id: foreign }, { code: 'chat_not_found', status: 404 }],
        ['get_branch', { chat_id: randomUUID() }, { code: 'chat_not_found', status: 404 }],
        ['append_message', { chat_id: foreign, question: 'q' }, { code: 'chat_not_found' }],
        ['create_branch', { chat_id: foreign, response_id: null }, { code: 'chat_not_found' }],
        ['compare_branches', { chat_id: foreign, with: foreign }, { code: 'chat_not_found' }],
        ['search_chats', { q: 'q1', chat_id: foreign }, { code: 'chat_not_found' }],
        ['get_tree', {}, { errors: [{ path: 'chat_id', message: 'must be a UUID' }] }],
        ['list_chats', { limit: 101 }, { errors: [{ path: 'limit' }] }],
        // What the route would take, and the tool does not list: its digits would be lost.
        [
          'append_message',
          { chat_id: foreign, question: 'q', metadata: { n: 1 } },
          { errors: [{ path: 'metadata' }] },
        ],
      ];
      try {
        for (const [name, args, problem] of wrong) {
          const { isError, content } = await agent.callTool({ name, arguments: args });
          expect(isError).toBe(true);
          expect(JSON.parse(content[0].text)).toMatchObject(problem);
        }
        await expect(agent.callTool({ name: 'sing', arguments: {} })).rejects.toThrow(
          /no tool sing/,
        );
      } finally {
        await agent.close();
      }
    },
  );

  it.each(CLIENTS)('%s reads a branch as a document', async (_, connect) => {
    const person = await TestClient.register(server.url);
    const agent = await connect(`${server.url}/mcp`, headersOf(person));
    try {
      const { id, pairs } = await person.aChat(2, { name: 'Norway' });
      const active = await person.aBranch(id, pairs[0]!, { name: 'Coast', activate: true });
      const stored = Array.from({ length: 100 }, (__, n) => ({ question: `w${n}`, response: 'r' }));
      await person.post(`/chats/${active}/messages`, { pairs: stored });
      const uri = `chat://${id}/branch/${active}`;
      expect((await agent.listResourceTemplates()).resourceTemplates).toMatchObject([
        { uriTemplate: 'chat://{root_chat_id}/branch/{chat_id}', mimeType: 'text/markdown' },
      ]);
      expect((await agent.listResources()).resources).toMatchObject([{ uri, name: 'Norway' }]);
      const read = async (wanted: string): Promise<string> =>
        (await agent.readResource({ uri: wanted })).contents[0].text;
      expect(await read(`chat://${id}/branch/${id}`)).toMatch(
        /^---\nchat_id: ".*"\nname: "Norway"[^]*\n# Norway\n[^]*\nq1\n[^]*\na1\n[^]*\nq2\n[^]*\na2\n$/,
      );
      const newest = await read(uri);
      expect(newest).toContain('*1 earlier pairs are not here');
      expect(newest.match(/\nw\d+\n/g)).toHaveLength(100);
      const { id: foreign } = await ann.aChat(1);
      for (const wrong of [
        ...[`chat://${foreign}/branch/${foreign}`, `chat://${foreign}/branch/${id}`],
        ...[`chat://${randomUUID()}/branch/${randomUUID()}`, 'chat://a/branch/b', 'file:///etc'],
      ])
        await expect(agent.readResource({ uri: wrong })).rejects.toThrow(/not found/);
      await expect(agent.listResources({ cursor: 'nonsense' })).rejects.toThrow(/cursor/);
    } finally {
      await agent.close();
    }
  });

  it('lets in nobody without a good token, and no page of another origin', async () => {
    const message = { jsonrpc: '2.0', id: 1, method: 'tools/list' };
    const send = (
      person: TestClient,
      headers: Record<string, string> = {},
      body: object = message,
    ) => person.request('POST', '/mcp', { body, headers });
    expect((await send(new TestClient(server.url))).status).toBe(401);
    expect(
      (await send(new TestClient(server.url, 'nonsense'))).headers.get('www-authenticate'),
    ).toMatch(/^Bearer/);
    const strange = await send(ann, { origin: 'https://evil.example' });
    expect([strange.status, strange.body.code]).toEqual([403, 'origin_forbidden']);
    expect((await send(ann, { origin: server.url })).status).toBe(200);
    // Many messages in one request would be counted as one.
    expect((await send(ann, {}, [message, message])).status).toBe(422);
    expect((await ann.request('GET', '/mcp')).status).toBe(405);
    const key = { 'idempotency-key': randomUUID() };
    const call = {
      ...{ jsonrpc: '2.0', id: 7, method: 'tools/call' },
      params: {
        name: 'append_message',
        arguments: { chat_id: (await ann.aChat()).id, question: 'once', response: 'r' },
      },
    };
    const [one, two] = [await send(ann, key, call), await send(ann, key, call)];
    expect(two.text).toBe(one.text);
  });

  it('is added to an agent by the command and the file of the README', async () => {
    const words = blockAfter('mcp command')
      .trim()
      .match(/"[^"]*"|\S+/g)!;
    const header = words[words.indexOf('--header') + 1]!.slice(1, -1);
    const url = words.find((word) => word.startsWith('http:'))!;
    const file = JSON.parse(blockAfter('mcp file')).mcpServers.banyan;
    expect([file.url, file.type, words[words.indexOf('--transport') + 1]]).toEqual([
      ...[url, 'http', 'http'],
    ]);
    for (const authorization of [
      header.replace('Authorization: ', ''),
      file.headers.Authorization,
    ]) {
      const agent = await v1(url.replace('http://127.0.0.1:3000', server.url), {
        authorization: authorization.replace(/\$\{?BANYAN_TOKEN\}?/, ann.token!),
      });
      expect((await agent.listTools()).tools).toHaveLength(TOOLS.length);
      await agent.close();
    }
  });
});
