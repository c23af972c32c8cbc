import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { promisify } from 'node:util';
import { transform } from '@swc/core';
import { MODES, startTestApp, type TestApp } from '../support/app.js';
import { TestClient } from '../support/client.js';
import { FakeProvider } from '../support/fake-provider.js';
import { obliging } from '../support/provider-turns.js';

const README = readFileSync(new URL('../../README.md', import.meta.url), 'utf8');

/** The code block that follows a comment. */
function blockAfter(comment: string): string {
  const [, block] = README.slice(README.indexOf(`<!-- ${comment}`)).match(/```\w+\n([\s\S]*?)```/)!;
  return block!;
}

const withoutIdsAndTimes = (text: string): string =>
  text
    .replaceAll(/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/g, '<id>')
    .replaceAll(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, '<time>')
    .trim();

describe('the example of the README', () => {
  it.each(MODES)('runs as printed and prints what it says, words in %s', async (mode) => {
    const server = await startTestApp(mode);
    try {
      const script = blockAfter('example').replace('http://127.0.0.1:3000', server.url);
      const { stdout, stderr } = await promisify(execFile)('bash', ['-c', script]);
      expect(stderr).toBe('');
      expect(withoutIdsAndTimes(stdout)).toBe(withoutIdsAndTimes(blockAfter('output')));
    } finally {
      await server.close();
    }
  });

  it('shows how to start, to see and to test it as commands of their own, and each is a script that there is', () => {
    const commands = [...README.matchAll(/```sh\n([\s\S]*?)```/g)].flatMap(([, block]) =>
      block!.trim().split('\n'),
    );
    expect(commands).toEqual(
      expect.arrayContaining(['npm ci && npm start', 'npm run demo', 'npm test']),
    );
    const { scripts } = JSON.parse(
      readFileSync(new URL('../../package.json', import.meta.url), 'utf8'),
    ) as { scripts: object };
    const named = commands.flatMap((command) =>
      [...command.matchAll(/npm (?:run )?([a-z:]+)/g)].map(([, name]) => name!),
    );
    expect(named.filter((name) => name !== 'ci' && !(name in scripts))).toEqual([]);
  });

  it('names only files that exist', () => {
    for (const [, file] of README.matchAll(/\]\(([^)#]+)\)/g)) {
      if (!/^https?:/.test(file!))
        expect(() => readFileSync(new URL(`../../${file}`, import.meta.url))).not.toThrow(/ENOENT/);
    }
  });
});

/**
 * Runs a module as Node would run it in the project, so that it finds packages by the names that it
 * imports.
 */
async function runModule(code: string, env: Record<string, string>): Promise<string> {
  const child = promisify(execFile)(process.execPath, ['--input-type=module', '--eval', code], {
    ...{
      cwd: new URL('../..', import.meta.url),
      env: { ...process.env, NODE_OPTIONS: '', ...env },
      timeout: 25_000,
    },
  });
  return (await child).stdout;
}

describe('the snippets of the README', () => {
  let server: TestApp;
  let ann: TestClient;

  beforeAll(async () => {
    server = await startTestApp();
    ann = await TestClient.register(server.url);
  });
  afterAll(() => server.close());

  it('curl: the stream tells the ids first, then the words, then the stored pair', async () => {
    const { id } = await ann.aChat(1);
    const env = { ...process.env, B: `${server.url}/api/v1`, TOKEN: ann.token!, CHAT: id };
    const { stdout } = await promisify(execFile)('bash', ['-c', blockAfter('curl')], { env });
    const events = stdout.trim().split('\n\n');
    const names = events.map((event) => event.match(/^event: (.*)$/m)?.[1]);
    expect([names[0], names.at(-1), new Set(names.slice(1, -1))]).toEqual([
      'message.accepted',
      'message.completed',
      new Set(['message.delta']),
    ]);
    const dataOf = (event: string) => JSON.parse(event.match(/^data: (.*)$/m)![1]!);
    const pair = dataOf(events.at(-1)!);
    expect(pair).toMatchObject({
      status: 'complete',
      response: events
        .slice(1, -1)
        .map((event) => dataOf(event).delta)
        .join(''),
    });
    expect((await ann.get(`/chats/${id}/messages/${pair.response_id}`)).body.response).toBe(
      pair.response,
    );
  });

  it('search: finds the pair of the first example, and prints it as it is printed there', async () => {
    const { id } = await ann.aChat(0, { name: 'Norway' });
    await ann.append(id, 'Where is the midnight sun?', 'North of the Arctic Circle.');
    const env = { ...process.env, B: `${server.url}/api/v1`, TOKEN: ann.token!, CHAT: id };
    const { stdout } = await promisify(execFile)('bash', ['-c', blockAfter('search')], { env });
    expect(withoutIdsAndTimes(stdout)).toBe(withoutIdsAndTimes(blockAfter('found')));
  });

  it('openai: two that follow one response are answered with its path, and are siblings', async () => {
    const stdout = await runModule(
      blockAfter('openai').replace('http://127.0.0.1:3000', server.url),
      { TOKEN: ann.token! },
    );
    expect(stdout.match(/You asked: “.*?”|saw \d earlier pairs?/g)).toEqual([
      ...['You asked: “When?”', 'saw 1 earlier pair'],
      ...['You asked: “How do I get there?”', 'saw 1 earlier pair'],
    ]);
    const { body } = await ann.get('/chats?limit=1');
    expect((await ann.get(`/chats/${body.items[0].chat_id}/branches`)).body.total).toBe(2);
  });

  it('tool: the model calls it, hears what it gave, and the chat keeps both', async () => {
    const provider = (await FakeProvider.start()).always(obliging);
    const live = await startTestApp('postgres', provider.settings());
    try {
      const person = await TestClient.register(live.url);
      const code = blockAfter('tool').replace('http://127.0.0.1:3000', live.url);
      const stdout = await runModule(code, { TOKEN: person.token!, MODEL: 'fake-1' });
      expect(stdout).toBe('The tool says: 05:12 in Paris\n');
      const [{ chat_id: id }] = (await person.get('/chats')).body.items;
      const { qa_pairs: pairs } = (await person.get(`/chats/${id}`)).body.content;
      expect([pairs[0].response_parts, pairs[1].question_parts]).toMatchObject([
        [{ type: 'tool_call', name: 'sunrise', input: { place: 'Paris' } }],
        [{ type: 'tool_result', output: '05:12 in Paris' }],
      ]);
    } finally {
      await live.close();
      await provider.close();
    }
  });

  it('useChat: the page shows question and answer, and another answer when it is asked for one: a sibling', async () => {
    const provider = await FakeProvider.start();
    const answers = ['North of the Arctic Circle.', 'In Norway, for example.'];
    const question = 'Where is the midnight sun?';
    // The model is also asked for a title.
    provider.always(({ body }) =>
      body.messages.at(-1).content === question ? { tokens: [answers[asked++ % 2]!] } : {},
    );
    let asked = 0;
    const live = await startTestApp('postgres', provider.settings());
    try {
      const person = await TestClient.register(live.url);
      const { code } = await transform(
        blockAfter('usechat').replaceAll('http://127.0.0.1:3000', live.url),
        {
          jsc: {
            target: 'es2022',
            parser: { syntax: 'typescript', tsx: true },
            transform: { react: { runtime: 'automatic' } },
          },
          module: { type: 'es6' },
        },
      );
      const shown = JSON.parse(
        await runModule(`${PAGE}\n${code}\n${CLICKS}`, {
          TOKEN: person.token!,
          ANSWERS: answers.join('|'),
        }),
      );
      expect(shown).toEqual([
        [],
        ...answers.map((answer) => [`user: ${question}`, `assistant: ${answer}`]),
      ]);
      const { body } = await person.get('/chats');
      expect((await person.get(`/chats/${body.items[0].chat_id}/branches`)).body.total).toBe(2);
    } finally {
      await live.close();
      await provider.close();
    }
  });
});

/** A page without a browser, for React to draw on. */
const PAGE = `
  import { Window } from 'happy-dom';
  const page = new Window({ url: 'http://127.0.0.1/' });
  const { HTMLElement, Node, navigator } = page;
  for (const [name, value] of Object.entries({ window: page, document: page.document, HTMLElement, Node, navigator }))
    Object.defineProperty(globalThis, name, { value, configurable: true });`;

/** Draws the component, presses its buttons, and prints what was to be read each time. */
const CLICKS = `
  const { createRoot } = await import('react-dom/client');
  const { createElement } = await import('react');
  createRoot(page.document.body.appendChild(page.document.createElement('div'))).render(createElement(Chat, { token: process.env.TOKEN }));
  const until = async (condition) => { while (!condition()) await new Promise((resolve) => setTimeout(resolve, 20)); };
  const lines = () => [...page.document.querySelectorAll('p')].map((line) => line.textContent);
  const press = (name) => [...page.document.querySelectorAll('button')].find((button) => button.textContent === name).click();
  await until(() => page.document.querySelector('button'));
  const shown = [lines()];
  const answers = process.env.ANSWERS.split('|');
  for (const [n, name] of ['Ask', 'Ask again'].entries()) {
    press(name);
    await until(() => lines().at(-1) === 'assistant: ' + answers[n] && !page.document.querySelector('button').disabled);
    shown.push(lines());
  }
  console.log(JSON.stringify(shown));
  process.exit(0);`;
