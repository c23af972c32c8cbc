import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { Browser, Page } from 'playwright-core';
import { startTestApp, type TestApp } from '../support/app.js';
import { hasBrowser, openBrowser, openWindow, violationsIn } from '../support/browser.js';
import { TestClient } from '../support/client.js';
import { aForm, type FormFile } from '../support/forms.js';
import { chatIn, picture } from './page-tester.js';

const TEST_MS = 120_000;

/** A yellow square. */
const SUN = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAIAAAACCAIAAAD91JpzAAAAEElEQVR42mP4f0EBiBggFAA5rge9ntOTXAAAAABJRU5ErkJggg==',
  'base64',
);
/** A conversation as ChatGPT exports it. */
const FROM_ELSEWHERE = {
  ...{ id: 'c1', title: 'Said elsewhere', create_time: 1.7e9, current_node: 'b' },
  mapping: {
    root: { id: 'root', parent: null, children: ['a'], message: null },
    a: nodeOf('a', 'root', ['b'], 'user', 'Which way is north?'),
    b: nodeOf('b', 'a', [], 'assistant', 'Up, on most maps.'),
  },
};
function nodeOf(id: string, parent: string, children: string[], role: string, text: string) {
  const content = { content_type: 'text', parts: [text] };
  return { id, parent, children, message: { author: { role }, create_time: 1.7e9, content } };
}

/** As much of the browser's elements as is asked here. */
interface Box {
  outerHTML: string;
  closest(selector: string): Box | null;
  getBoundingClientRect(): { right: number };
}
/** What of a path is wider than it, and cannot be scrolled to. */
const beyond = (path: { clientWidth: number; querySelectorAll(all: '*'): Iterable<Box> }) =>
  [...path.querySelectorAll('*')]
    .filter((one) => !one.closest('.table, pre'))
    .filter((one) => one.getBoundingClientRect().right > path.clientWidth + 1)
    .map((one) => one.outerHTML.slice(0, 100));

const browsers = hasBrowser ? describe : describe.skip;

browsers('the page of somebody with much in it', () => {
  let server: TestApp;
  let browser: Browser;
  let page: Page;
  let ann: TestClient;

  beforeAll(async () => {
    server = await startTestApp();
    browser = await openBrowser();
    ann = await TestClient.register(server.url);
    ({ page } = await openWindow(browser));
    await page.goto(server.url);
    await page.getByLabel('E-mail').fill(ann.email);
    await page.getByLabel('Password').fill('a password of tests');
    await page.keyboard.press('Enter');
    await page.getByRole('button', { name: 'Sign out' }).waitFor();
  }, TEST_MS);
  afterAll(async () => {
    await browser?.close();
    await server?.close();
  }, TEST_MS);

  beforeEach(() => page.setViewportSize({ width: 1280, height: 800 }));

  /** Pairs 1 to `count`, each a few lines high. */
  const aLongChat = async (count: number): Promise<string> => {
    const { id } = await ann.aChat();
    for (let from = 1; from <= count; from += 100) {
      const pairs = Array.from({ length: 100 }, (_, n) => ({
        question: `Question ${from + n}.`,
        response: `Answer ${from + n}. ${'Some words of an answer. '.repeat(20)}`,
      }));
      expect((await ann.post(`/chats/${id}/messages`, { pairs })).status).toBe(201);
    }
    return id;
  };
  /** A file that is kept, as a part of a question. */
  const aFile = async (file: FormFile): Promise<object> => {
    const { body, status } = await ann.request('POST', '/api/v1/files', aForm(file));
    expect(status).toBe(201);
    const { file_id, media_type, name } = body;
    return { type: 'file', file_id, media_type, name };
  };
  /** Lets a file fall on the page. */
  const drop = async (name: string, text: string): Promise<void> => {
    const dataTransfer = await page.evaluateHandle(
      `(() => {
        const transfer = new DataTransfer();
        transfer.items.add(new File([${JSON.stringify(text)}], ${JSON.stringify(name)}));
        return transfer;
      })()`,
    );
    await page.locator('main').dispatchEvent('drop', { dataTransfer });
  };
  const topOf = async (text: string): Promise<number> =>
    (await page.getByText(text, { exact: true }).boundingBox())!.y;

  it(
    'reads a long chat in windows, and what is looked at stays where it is as others come',
    async () => {
      const chat = await aLongChat(400);
      await page.goto(`${server.url}/c/${chat}`);
      await page.getByText('Question 400.', { exact: true }).waitFor();
      const scroller = page.locator('.path');
      for (const first of [351, 301, 251, 201, 151]) {
        await scroller.evaluate((element: { scrollTop: number }) => (element.scrollTop = 0));
        const upmost = page.getByText(`Question ${first}.`, { exact: true });
        await upmost.waitFor();
        // The page above it has come when another pair stands there.
        await page
          .getByText(`Question ${first - 1}.`, { exact: true })
          .waitFor({ state: 'attached' });
        expect(await topOf(`Question ${first}.`)).toBeGreaterThan(-50);
        expect(await topOf(`Question ${first}.`)).toBeLessThan(250);
      }

      expect(await page.locator('.pair').count()).toBeLessThanOrEqual(200);
      expect(await page.getByText('Question 400.', { exact: true }).count()).toBe(0);
    },
    TEST_MS,
  );

  it(
    'shows a tree of many branches in rows, of which the open one is seen first',
    async () => {
      const { id, pairs } = await ann.aChat(1);
      let last = id;
      for (let n = 1; n <= 60; n++) {
        const [parent, pair] =
          n % 3 === 0 ? [last, await ann.append(last, 'And?')] : [id, pairs[0]!];
        last = await ann.aBranch(parent, pair, { name: `Branch ${n}` });
      }
      await page.goto(`${server.url}/c/${last}/tree`);
      await page.locator('.branch.open', { hasText: 'Branch 60' }).waitFor();
      await picture(page, 'large-tree');
      const { x, y } = (await page.locator('.branch.open').boundingBox())!;
      expect([x > 0, y > 0, x < 1280, y < 800]).toEqual([true, true, true, true]);
      // What is not seen is not drawn.
      expect(await page.locator('.branch').count()).toBeLessThan(40);
      expect(await violationsIn(page)).toEqual([]);

      await page.keyboard.press('ArrowUp');
      await page.locator('.branch.chosen', { hasText: 'Branch 59' }).waitFor();
      expect(await page.locator('.branch.chosen').count()).toBe(1);
    },
    TEST_MS,
  );

  it(
    'shows files, code, reasoning, tools and sources as parts, whichever side they are of',
    async () => {
      const { id } = await ann.aChat(0, { name: 'The weather of Tromsø' });
      const said = await ann.post(`/chats/${id}/messages`, {
        question_parts: [
          { type: 'text', text: 'Is this the sun?' },
          await aFile({ name: 'sun.png', type: 'image/png', bytes: SUN }),
          await aFile({ name: 'notes.txt', type: 'text/plain', bytes: 'Take a map.' }),
        ],
        response_parts: [
          { type: 'reasoning', text: 'A round thing. It is **yellow**.' },
          { type: 'tool_call', call_id: 'c1', name: 'weather', input: { city: 'Tromsø' } },
          { type: 'tool_result', call_id: 'c1', output: { sky: 'clear' } },
          { type: 'text', text: 'It is:\n\n```python\nprint("sun")\n```' },
          { type: 'source', url: 'https://example.org/sun', title: 'The sun' },
        ],
      });
      expect(said.status).toBe(201);
      await page.goto(`${server.url}/c/${id}`);
      await page.getByRole('img', { name: 'sun.png' }).waitFor();
      await page.getByRole('link', { name: 'notes.txt' }).waitFor();
      await page.getByText('Calls weather').click();
      await page.getByText('"city": "Tromsø"').waitFor();
      await page.getByText('Reasoning').click();
      await page.getByText('yellow', { exact: true }).waitFor();
      await page.getByRole('link', { name: 'The sun' }).waitFor();
      await picture(page, 'parts');

      expect(await violationsIn(page)).toEqual([]);
    },
    TEST_MS,
  );

  it(
    'keeps long words, other directions and emoji within the width of a phone',
    async () => {
      const long = 'Donaudampfschifffahrtsgesellschaft'.repeat(20);
      const { id } = await ann.aChat(0, { name: 'Wide'.repeat(40) });
      const rows: [string, string][] = [
        [long, `${long} \`${long}\`\n\n| ${long} | b |\n|---|---|\n| 1 | 2 |\n\n    ${long}`],
        ['متى تغرب الشمس في الصيف؟', '# لا تغرب أبدًا\n\nفي **ترومسو** من مايو إلى يوليو.'],
        ['👩🏽‍🚀🏳️‍🌈👨‍👩‍👧‍👦'.repeat(60), '🦊'.repeat(300)],
      ];
      for (const [question, response] of rows) await ann.append(id, question, response);
      const branch = await ann.aBranch(id, null, { name: 'Wider'.repeat(40) });
      await ann.append(branch, `${long} too`, long);
      await page.setViewportSize({ width: 390, height: 844 });
      for (const place of ['', '/tree', `/compare/${branch}`]) {
        await page.goto(`${server.url}/c/${id}${place}`);
        await page.locator('.pair, .branch, .side').nth(1).waitFor();
        await picture(page, `phone-${place.split('/')[1] ?? 'chat'}`);
        expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(390);
        expect(await violationsIn(page)).toEqual([]);
      }
      await page.goto(`${server.url}/c/${id}`);
      await page.locator('.said:dir(rtl)', { hasText: 'متى' }).waitFor();
      expect(await page.locator('.path').evaluate(beyond)).toEqual([]);
    },
    TEST_MS,
  );

  it(
    'takes in the export of another product that is dropped, and says why it cannot take a file',
    async () => {
      await page.goto(server.url);
      await drop('conversations.json', JSON.stringify([FROM_ELSEWHERE]));
      await page.getByText('1 new').waitFor();
      await page.getByRole('link', { name: 'Said elsewhere' }).click();
      await page.getByText('Up, on most maps.').waitFor();
      await drop('holiday.txt', 'No conversation at all.');
      await page.getByText('“holiday.txt”:').waitFor();
      await picture(page, 'import');
    },
    TEST_MS,
  );

  it(
    'sends a file with a question, shares what was said by one link though an answer is lost, and takes it back',
    async () => {
      await page.goto(server.url);
      const chosen = {
        name: 'map.txt',
        mimeType: 'text/plain',
        buffer: Buffer.from('North is up.'),
      };
      await page.getByLabel('Files').setInputFiles(chosen);
      await page.getByText('map.txt').waitFor();
      await page.getByRole('textbox', { name: 'Message' }).fill('What does it say?');
      await page.keyboard.press('Enter');
      await page.getByRole('link', { name: 'map.txt' }).waitFor();
      await page.route(
        '**/share',
        async (route) => {
          await route.fetch();
          await route.abort();
        },
        { times: 1 },
      );
      await page.getByRole('button', { name: 'More' }).click();
      await page.getByRole('button', { name: 'Share a link' }).click();
      const link = page.getByLabel('The link');
      await page.getByRole('button', { name: 'Copy', exact: true, disabled: false }).waitFor();
      await picture(page, 'share');
      expect(await violationsIn(page)).toEqual([]);
      const shares = async () => (await ann.get(`/chats/${chatIn(page)}/shares`)).body.items;
      expect(await shares()).toHaveLength(1);
      const address = await link.inputValue();
      const stranger = new TestClient(server.url);
      const read = () => stranger.request('GET', new URL(address).pathname);
      expect((await read()).text).toContain('What does it say?');
      await page.getByRole('button', { name: 'Take it back' }).click();
      await page.getByText('The link is taken back').waitFor();
      expect((await read()).status).toBe(404);
    },
    TEST_MS,
  );

  it(
    'brings a branch back by merging, saves it as a file, renames and pins its conversation',
    async () => {
      const { id, pairs } = await ann.aChat(1, { name: 'Plans' });
      const branch = await ann.aBranch(id, pairs[0]!, { name: 'By sea' });
      await ann.append(branch, 'And by boat?', 'In two days.');
      await page.goto(`${server.url}/c/${id}/tree`);
      await page.locator('.branch', { hasText: 'By sea' }).click();
      await page.getByLabel('Merge the chosen branch').selectOption('pairs');
      await page.getByText('In two days.').waitFor();
      expect(page.url()).toBe(`${server.url}/c/${id}`);
      await page.getByRole('button', { name: 'More' }).click();
      const saved = page.waitForEvent('download');
      await page.getByRole('button', { name: 'Save this branch, to read' }).click();
      expect((await saved).suggestedFilename()).toBe('Plans.md');
      const item = page.locator('.list li', { hasText: 'Plans' });
      page.once('dialog', (dialog) => void dialog.accept('Better plans'));
      await item.hover();
      await item.getByRole('button', { name: 'Rename' }).click();
      await page.getByRole('heading', { name: 'Better plans' }).waitFor();
      await item.getByRole('button', { name: 'Pin' }).click();
      await item.getByLabel('pinned').waitFor();

      const { body } = await ann.get(`/chats/${id}`);
      expect([body.name, body.pinned, body.message_count]).toEqual(['Better plans', true, 2]);
    },
    TEST_MS,
  );
});
