import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { Browser, Page } from 'playwright-core';
import { startTestApp, type TestApp } from '../support/app.js';
import { hasBrowser, openBrowser, openWindow, violationsIn } from '../support/browser.js';
import { TestClient } from '../support/client.js';

const TEST_MS = 120_000;
const PICTURES = process.env.PICTURES;

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

  const picture = async (name: string): Promise<void> => {
    if (PICTURES) await page.screenshot({ path: `${PICTURES}/${name}.png` });
  };
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
      await picture('large-tree');
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
});
