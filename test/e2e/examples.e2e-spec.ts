import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { extname, join } from 'node:path';
import { promisify } from 'node:util';
import type { Browser, Page } from 'playwright-core';
import { startTestApp, type TestApp } from '../support/app.js';
import { hasBrowser, openBrowser, openWindow, type Window } from '../support/browser.js';
import { TestClient } from '../support/client.js';

const run = promisify(execFile);
const PICTURES = process.env.PICTURES;
const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html',
  '.js': 'text/javascript',
  '.css': 'text/css',
};

/** Pages, and where the packages are that they alone need: a run without those leaves them out. */
const PACKAGES: Readonly<Record<string, string>> = {
  'use-chat': 'node_modules/@ai-sdk/react',
  'assistant-ui': 'examples/node_modules/@assistant-ui/react',
  copilotkit: 'examples/copilotkit/node_modules/@copilotkit/react-core',
};
const withPage = (name: string) =>
  hasBrowser && existsSync(PACKAGES[name]!) ? describe : describe.skip;

describe('an example', () => {
  let server: TestApp;

  beforeAll(async () => {
    server = await startTestApp();
  });
  afterAll(() => server.close());

  const told = async (file: string): Promise<string[]> => {
    const env = { ...process.env, BANYAN_URL: server.url, NODE_OPTIONS: '' };
    const { stdout } = await run(process.execPath, [join('examples', file)], { env });
    return stdout.trim().split('\n');
  };

  it('of AG-UI tells two answers to one question', async () => {
    const lines = await told('ag-ui/chat.mjs');
    expect(lines[0]).toMatch(/^answer: ./);
    expect(lines.some((line) => line.startsWith('another answer, on a branch beside it: '))).toBe(
      true,
    );
  });

  it('of the Assistant Cloud tells the tree that it kept', async () => {
    const lines = await told('assistant-cloud/threads.mjs');
    expect(lines.map((line) => line.replace(/ \(.*/, ''))).toEqual([
      'user: Which tree is the oldest?',
      '└─ assistant: An oak.',
      '└─ assistant: A fig.',
    ]);
  });

  /** An example's page, built and served from an origin of its own (U4). */
  const aPage = (name: string): (() => { page: Page; client: () => Promise<TestClient> }) => {
    let folder: string;
    let pages: Server;
    let browser: Browser;
    let window: Window;

    beforeAll(async () => {
      folder = await mkdtemp(join(tmpdir(), 'examples-'));
      const vite = join('node_modules', 'vite', 'bin', 'vite.js');
      const build = ['build', `examples/${name}`, '--outDir', folder, '--logLevel', 'error'];
      const options = ['--target', 'es2022', '--emptyOutDir', '--minify', 'false'];
      const env = { ...process.env, NODE_OPTIONS: '', NODE_ENV: 'production' };
      await run(process.execPath, [vite, ...build, ...options], { env });
      pages = createServer((request, response) => {
        const { pathname } = new URL(request.url!, 'http://x');
        const file = join(folder, pathname === '/' ? 'index.html' : pathname);
        readFile(file).then(
          (bytes) =>
            response.setHeader('content-type', TYPES[extname(file)] ?? 'text/plain').end(bytes),
          () => response.writeHead(404).end(),
        );
      }).listen(0, 'localhost');
      browser = await openBrowser();
      window = await openWindow(browser);
      const { port } = pages.address() as AddressInfo;
      await window.page.goto(`http://localhost:${port}/?server=${server.url}`);
    }, 180_000);
    afterAll(async () => {
      if (PICTURES) await window.page.screenshot({ path: `${PICTURES}/example-${name}.png` });
      expect(window.faults).toEqual([]);
      await browser.close();
      pages.close();
      await rm(folder, { recursive: true });
    });
    return () => ({ page: window.page, client: () => guestOf(window.page) });
  };

  /** The guest of a page, with another client. */
  async function guestOf(page: Page): Promise<TestClient> {
    const kept = `localStorage.getItem('guest of ${server.url}')`;
    const body = JSON.parse(await page.evaluate<string>(kept)) as object;
    const ann = new TestClient(server.url);
    const { body: session } = await ann.post('/auth/login', body);
    return new TestClient(server.url, session.access_token);
  }

  withPage('use-chat')('with `useChat`', () => {
    const stage = aPage('use-chat');

    it('(U4) asks from another origin, and has a second answer', async () => {
      const { page } = stage();
      await page.getByLabel('Question').fill('Where is the midnight sun?');
      await page.getByRole('button', { name: 'Ask', exact: true }).click();
      const again = page.getByRole('button', { name: 'Answer again' });
      await page.locator('button:enabled', { hasText: 'Answer again' }).waitFor();
      await page
        .locator('[data-role=assistant]')
        .filter({ hasText: /midnight/ })
        .waitFor();
      await again.click();
      await page.getByText('answer 2 of 2').waitFor();
    });
  });

  withPage('assistant-ui')('with the components of assistant-ui', () => {
    const stage = aPage('assistant-ui');
    const ask = async (page: Page, words: string): Promise<void> => {
      await page.getByLabel('Question').fill(words);
      await page.getByLabel('Question').press('Enter');
      await page.locator('.assistant', { hasText: words }).waitFor();
    };

    it('asks, edits, answers again, and shows the same after a reload', async () => {
      const { page, client } = stage();
      await ask(page, 'Where is the midnight sun?');
      await page.getByRole('button', { name: 'Edit' }).click();
      await page.getByLabel('Another question in this place').fill('Where are polar nights?');
      await page.locator('form', { hasText: 'Cancel' }).getByText('Ask').click();
      await page.locator('.assistant', { hasText: 'polar nights' }).waitFor();
      await page.getByText('2/2').waitFor();
      await page.getByRole('button', { name: 'Answer again' }).click();
      await page.locator('.assistant', { hasText: '2/2' }).filter({ hasText: 'nights' }).waitFor();
      await ask(page, 'And how cold are they?');
      const title = page.getByRole('button', { name: 'Where is the midnight sun?' });
      await title.waitFor();
      // All of it is kept when the last answer is.
      const ann = await client();
      const [chat] = (await ann.get('/chats')).body.items;
      const lastKept = async (): Promise<string | null> =>
        (await ann.get(`/chats/${chat.active_chat_id}/messages`)).body.qa_pairs.at(-1).response;
      while (!(await lastKept())?.includes('how cold'));
      await page.reload();
      await title.click();
      await page.locator('.assistant', { hasText: 'how cold' }).waitFor();
      await page.getByText('2/2').nth(1).waitFor();
      expect(await page.getByText('2/2').count()).toBe(2);
      await page.locator('.user').getByLabel('The one before').click();
      await page.locator('.assistant', { hasText: 'midnight sun' }).waitFor();

      const { body: tree } = await ann.get(`/chats/${chat.chat_id}/branches?format=flat`);
      expect(tree.total).toBe(3);
    });

    it('opens what was said elsewhere, on the branch that is open there', async () => {
      const { page, client } = stage();
      const ann = await client();
      const { id, pairs } = await ann.aChat(2, { name: 'From elsewhere' });
      const branch = await ann.aBranch(id, pairs[0]!);
      await ann.append(branch, 'Aside?', 'An aside.');
      await page.reload();
      await page.getByRole('button', { name: 'From elsewhere' }).click();
      await page.getByText('a2').waitFor();
      await page.locator('.user', { hasText: 'q2' }).getByLabel('The next one').click();
      await page.getByText('An aside.').waitFor();
    });
  });

  withPage('copilotkit')('with the chat of CopilotKit', () => {
    const stage = aPage('copilotkit');

    it('asks by AG-UI, and shows the same after a reload', async () => {
      const { page, client } = stage();
      const field = page.getByRole('textbox');
      await field.fill('Where is the midnight sun?');
      await field.press('Enter');
      const answer = page.getByTestId('copilot-assistant-message').filter({ hasText: 'midnight' });
      await answer.waitFor();
      await page.reload();
      await answer.waitFor();
      expect(await page.getByTestId('copilot-user-message').count()).toBe(1);

      const ann = await client();
      const [chat] = (await ann.get('/chats')).body.items;
      expect(await ann.questionsOf(chat.chat_id)).toEqual(['Where is the midnight sun?']);
    });
  });
});
