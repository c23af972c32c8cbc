import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { extname, join } from 'node:path';
import { promisify } from 'node:util';
import { startTestApp, type TestApp } from '../support/app.js';
import { hasBrowser, openBrowser, openWindow } from '../support/browser.js';

const run = promisify(execFile);
const TYPES: Readonly<Record<string, string>> = { '.html': 'text/html', '.js': 'text/javascript' };

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

  (hasBrowser ? describe : describe.skip)('with a page', () => {
    let folder: string;
    let pages: Server;

    beforeAll(async () => {
      folder = await mkdtemp(join(tmpdir(), 'examples-'));
      const vite = join('node_modules', 'vite', 'bin', 'vite.js');
      const build = ['build', 'examples/use-chat', '--outDir', folder, '--logLevel', 'error'];
      const options = ['--target', 'es2022', '--emptyOutDir'];
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
    });
    afterAll(async () => {
      pages.close();
      await rm(folder, { recursive: true });
    });

    it('(U4) of `useChat` asks from another origin, and has a second answer', async () => {
      const browser = await openBrowser();
      try {
        const { page, faults } = await openWindow(browser);
        const { port } = pages.address() as AddressInfo;
        await page.goto(`http://localhost:${port}/?server=${server.url}`);
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
        expect(faults).toEqual([]);
      } finally {
        await browser.close();
      }
    });
  });
});
