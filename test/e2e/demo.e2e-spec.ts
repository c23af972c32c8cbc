import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import {
  createServer,
  type IncomingMessage,
  type RequestListener,
  type Server,
  type ServerResponse,
} from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { MODES } from '../support/app.js';
import { TestClient } from '../support/client.js';
import { processesOn } from '../support/server-process.js';
import { type SharedServer, sharedServer } from '../support/shared-server.js';

interface Pair {
  question: string;
  response: string;
  message_type?: string;
  metadata?: object;
}
interface Chat {
  name: string;
  at?: number;
  pairs: Pair[];
  branches?: Chat[];
}

const DEMO = fileURLToPath(new URL('../../scripts/demo.mjs', import.meta.url));
const EXAMPLE: Chat = JSON.parse(
  readFileSync(new URL('../../examples/weather-station.json', import.meta.url), 'utf8'),
);

const SMALL: Chat = {
  name: 'Norway',
  pairs: [
    { question: 'Where?', response: 'North.' },
    { question: 'When?', response: 'In June.' },
  ],
  branches: [
    { name: 'elsewhere', at: 0, pairs: [{ question: 'Why go at all?', response: 'To see it.' }] },
    {
      name: 'in winter',
      at: 1,
      pairs: [{ question: 'When?', response: 'In January.' }],
      branches: [{ name: 'by train', at: 2, pairs: [], branches: [] }],
    },
  ],
};

/** Runs the demo as `npm run demo` does, without a terminal. */
function demo(
  args: string[],
  env: Record<string, string> = {},
): Promise<{ code: number; stdout: string; stderr: string }> {
  const { PATH = '', HOME = '/' } = process.env;
  return new Promise((resolve) => {
    execFile(
      process.execPath,
      [DEMO, ...args],
      { env: { PATH, HOME, ...env } },
      (error, stdout, stderr) => resolve({ code: error ? Number(error.code) : 0, stdout, stderr }),
    );
  });
}

/** The person whose account the demo made, from what it printed. */
async function whoMadeIt(url: string, stdout: string): Promise<TestClient> {
  const [email, password] = ['e-mail', 'password'].map(
    (word) => new RegExp(`${word} +(\\S+)`).exec(stdout)![1],
  );
  const { body } = await new TestClient(url).post('/auth/login', { email, password });
  return new TestClient(url, body.access_token);
}

/** Each chat of the file beside the node of the server's tree that has its name at its place. */
function* matched(
  chat: Chat,
  node: any,
  inherited: Pair[] = [],
): Generator<{ node: any; path: Pair[] }> {
  const path = [...inherited.slice(0, chat.at ?? 0), ...chat.pairs];
  yield { node, path };
  for (const branch of chat.branches ?? []) {
    yield* matched(
      branch,
      node.children.find(({ name }: Chat) => name === branch.name),
      path,
    );
  }
}

const said = ({ question, response, message_type = 'text', metadata }: Pair) => ({
  question,
  response,
  message_type,
  metadata: metadata ?? null,
});

/** Everything that the account has is what stands in the file, pair by pair on every branch. */
async function expectHeld(person: TestClient, file: Chat): Promise<void> {
  const { body: list } = await person.get('/chats');
  expect(list.items.map(({ name }: Chat) => name)).toEqual([file.name]);
  const { body } = await person.get(`/chats/${list.items[0].chat_id}/branches`);
  const all = [...matched(file, body.tree)];
  expect(body.total).toBe(all.length);
  for (const { node, path } of all) {
    const page = await person.get(`/chats/${node.chat_id}/messages?limit=100`);
    expect(page.body.qa_pairs.map(said)).toEqual(path.map(said));
    expect(page.body.qa_pairs.map(({ seq }: any) => seq)).toEqual(path.map((_, i) => i + 1));
  }
}

async function listening(handler: RequestListener): Promise<{ url: string; server: Server }> {
  const server = createServer(handler).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { server, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
}

/**
 * Hands requests on to `url`, and hangs up in place of every third answer to a POST: the work is
 * done, and nobody hears of it.
 */
function forgetful(url: string): RequestListener {
  let posts = 0;
  const handle = async (request: IncomingMessage, response: ServerResponse) => {
    const body = Buffer.concat(await request.toArray());
    const {
      host: _host,
      connection: _connection,
      'content-length': _length,
      ...headers
    } = request.headers as Record<string, string>;
    const isPost = request.method === 'POST';
    const answer = await fetch(url + request.url, {
      method: request.method!,
      headers,
      ...(isPost || body.length ? { body } : {}),
    });
    const text = await answer.text();
    if (isPost && posts++ % 3 === 0) request.socket.destroy();
    else
      response
        .writeHead(answer.status, {
          'content-type': answer.headers.get('content-type') ?? 'text/plain',
        })
        .end(text);
  };
  return (request, response) =>
    void handle(request, response).catch(() => request.socket.destroy());
}

let folder: string;
const aFile = (text: string): string => {
  const path = join(folder, 'conversation.json');
  writeFileSync(path, text);
  return path;
};

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'banyan-demo-test-'));
  // PostgreSQL of the demo's own server runs as another user when the tests run as root
  chmodSync(folder, 0o755);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe.each(MODES)('the demo, words in %s', (mode) => {
  let server: SharedServer;

  beforeAll(async () => {
    server = await sharedServer(mode);
  });
  afterAll(() => server.close());

  it('loads the example as it stands and prints every branch', async () => {
    const { code, stdout, stderr } = await demo(['--url', `${server.url}/`]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const person = await whoMadeIt(server.url, stdout);
    await expectHeld(person, EXAMPLE);
    const root = (await person.get('/chats')).body.items[0];
    const { body } = await person.get(`/chats/${root.chat_id}/branches`);
    for (const { node, path } of matched(EXAMPLE, body.tree))
      expect(stdout).toContain(`${node.name} · ${path.length} pairs`);
    expect(stdout).toContain('─ The decoder on the server · 9 pairs, 2 of its own ◀ active\n');
    expect(stdout).not.toContain('\x1b');
  });

  it('loads nothing twice when answers get lost on the way', async () => {
    const proxy = await listening(forgetful(server.url));
    const { code, stdout } = await demo([aFile(JSON.stringify(SMALL))], { BANYAN_URL: proxy.url });
    proxy.server.close();
    expect(code).toBe(0);
    await expectHeld(await whoMadeIt(server.url, stdout), SMALL);
  });

  it('prints the tree with its fork points, two branches from where they part, and lines for a shell that work', async () => {
    const { stdout } = await demo([aFile(JSON.stringify(SMALL)), '--url', server.url]);
    expect(stdout).toContain(
      [
        '  Norway · 2 pairs ◀ active',
        '  ├─ before the first question',
        '  │  └─ elsewhere · 1 pair',
        '  └─ 1 “Where?”',
        '     └─ in winter · 2 pairs, 1 of its own',
        '        └─ 2 “When?”',
        '           └─ by train · 2 pairs, 0 of its own',
        '',
      ].join('\n'),
    );
    expect(stdout).toMatch(
      /One question, two answers[^]*“Where\?”[^]*2 When\? +│ 2 When\?\n +In June\. +│ In January\.\n/,
    );
    const lines = stdout.slice(stdout.indexOf('  B=http')).trim();
    const shell = await new Promise<string>((resolve) =>
      execFile('bash', ['-ec', lines], (_error, out) => resolve(out)),
    );
    const [page, branch] = shell
      .replace('}{', '}\n{')
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(page.qa_pairs).toMatchObject([{ question: 'Where?' }, { question: 'When?' }]);
    expect(branch).toMatchObject({ name: 'My own', fork_seq: 2, message_count: 2 });
  });

  it('names the place in the file that the server refuses', async () => {
    const bad = {
      ...SMALL,
      pairs: [
        ...SMALL.pairs,
        { question: 'q', response: 'a', message_type: 'link', metadata: { url: 'ftp://x' } },
      ],
    };
    const { code, stderr } = await demo([aFile(JSON.stringify(bad)), '--url', server.url]);
    expect(code).toBe(1);
    expect(stderr).toMatch(
      /^pairs\[2\] in the file: .*422[^]*metadata url must be an absolute http or https URL/,
    );
  });
});

describe('the demo', () => {
  it.each([
    ['{"name": "x",\n "pairs": [}', 'line 2, column 12: this is not JSON'],
    ['{"name": "x", "pairs": [1, 2,]}', 'line 1, column 30: this is not JSON'],
    ['{"name": "a\\n\n"}', 'line 1, column 10: this is not JSON'],
    ['{"name": "x"', 'line 1, column 13: this is not JSON'],
    ['{"name": "x"} -', 'line 1, column 15: this is not JSON'],
    ['[]', 'the whole file: must be an object'],
    ['{"name": "x", "pairs": [{"question": "q"}]}', 'pairs[0].response: must be text'],
    [
      '{"name": "x", "pairs": [{"question": "q", "response": "r", "anwser": ""}]}',
      'pairs[0]: has no field "anwser"',
    ],
    [
      '{"name": "x", "branches": [{"name": "y", "at": 1}]}',
      'branches[0].at: must be a pair of its parent, 0 to 0',
    ],
    [
      '{"name": "x", "branches": [{"name": "y", "at": 0, "branches": [{"name": " ", "at": 0}]}]}',
      'branches[0].branches[0].name: must be text',
    ],
    ['{"name": "x", "branches": {}, "pairs": 3}', 'pairs: must be a list'],
  ])('refuses the file %s and says where it is wrong', async (text, fault) => {
    const { code, stdout, stderr } = await demo([aFile(text)]);
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toContain(fault);
  });

  it.each([
    ['--help', 0, 'Usage: npm run demo'],
    ['--colour', 2, "Unknown option '--colour'"],
    ['--url=localhost:3000', 2, 'localhost:3000 is no address'],
    ['--own --url=http://x', 2, 'contradict'],
    ['one.json two.json', 2, 'One file at a time'],
    ['no-such-file.json', 1, 'There is no file no-such-file.json'],
  ])('%s: exit code %d and a sentence', async (args, expected, sentence) => {
    const { code, stdout, stderr } = await demo(args.split(' '));
    expect(code).toBe(expected);
    expect(stdout + stderr).toContain(sentence);
  });

  it('says when the named server is away, is another program, is not ready, or refuses the token', async () => {
    let ready: object | string = '<html>';
    const { server, url } = await listening(({ url: path }, response) => {
      if (path === '/readyz')
        return void response.end(typeof ready === 'string' ? ready : JSON.stringify(ready));
      const isRegister = path!.endsWith('/register');
      response.writeHead(isRegister ? 201 : 401, { 'content-type': 'application/json' });
      response.end(
        isRegister ? '{"access_token":"x"}' : '{"code":"unauthorized","detail":"No token."}',
      );
    });
    const told = async () => (await demo(['--url', url])).stderr;
    expect(await told()).toContain(`What answers at ${url} is not Banyan.`);
    ready = { status: 'unavailable' };
    expect(await told()).toContain(`The server at ${url} is there but says “unavailable”.`);
    ready = { status: 'ready' };
    expect(await told()).toContain(
      `${url} refused the demo's token (401): 401 unauthorized: No token.`,
    );
    server.close();
    expect(await told()).toContain(`No server answers at ${url} (ECONNREFUSED).`);
  });

  it('starts a server of its own, and leaves neither a process nor a file of it behind', async () => {
    const { code, stdout, stderr } = await demo(['--own', aFile(JSON.stringify(SMALL))], {
      TMPDIR: folder,
    });
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toContain("This server was the demo's own and stops now.");
    expect(readdirSync(folder)).toEqual(['conversation.json']);
    expect(processesOn(folder)).toEqual([]);
  });
});
