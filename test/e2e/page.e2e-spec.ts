import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { Browser } from 'playwright-core';
import { SETTINGS, startTestApp, type TestApp } from '../support/app.js';
import {
  hasBrowser,
  openBrowser,
  openWindow,
  violationsIn,
  type Window,
} from '../support/browser.js';
import { TestClient } from '../support/client.js';
import { FakeProvider } from '../support/fake-provider.js';
import { chatIn, keep, keptIn, last, picture, say, tryPage } from './page-tester.js';
import { forge, hmac } from './token-forge.js';

/** Browsers are slow beside other tests. */
const TEST_MS = 120_000;

const browsers = hasBrowser ? describe : describe.skip;

browsers('the page, in a real browser,', () => {
  let provider: FakeProvider;
  let server: TestApp;
  let browser: Browser;
  let ann: Window;

  beforeAll(async () => {
    provider = await FakeProvider.start();
    const others = { name: 'others', base_url: provider.url, models: ['oak', 'fig'] };
    const settings = provider.settings({ LLM_PROVIDERS: JSON.stringify([others]) });
    server = await startTestApp('postgres', settings);
    browser = await openBrowser();
  }, TEST_MS);
  afterAll(async () => {
    await browser?.close();
    await server?.close();
    await provider?.close();
  }, TEST_MS);
  beforeEach(async () => {
    provider.reset();
    ann = await openWindow(browser);
  });
  afterEach(async () => {
    const { faults } = ann;
    await ann.close();
    expect(faults).toEqual([]);
  });

  const tryIt = ({ page }: Window = ann): Promise<void> => tryPage(page, server.url);
  /** Asks, and hears two words of the answer; the third comes when the provider is released. */
  const hearHalf = async (): Promise<void> => {
    provider.next({ tokens: ['One ', 'two ', 'three'], gateAfter: 2 });
    await say(ann.page, 'Count, please');
    await last(ann.page).getByText('One two').waitFor();
  };

  it.each([
    ['desktop', { width: 1280, height: 800 }],
    ['phone', { width: 390, height: 844 }],
  ])(
    'leads a stranger in a minute from nothing to a branch and its tree, on a %s',
    async (screen, size) => {
      const { page } = ann;
      await page.setViewportSize(size);
      const began = Date.now();
      await page.goto(server.url);
      await picture(page, `welcome-${screen}`);
      await tryIt();
      provider.next({ tokens: ['Wait ', 'for **dark** nights.'] });
      await say(page, 'And the northern lights?');
      await last(page).getByText('dark', { exact: true }).waitFor();
      await picture(page, `chat-${screen}`);
      provider.next({ tokens: ['September is best.'] });
      await last(page).getByRole('button', { name: 'Regenerate' }).click();
      await last(page).getByText('September is best.').waitFor();
      await last(page).getByText('2/2').waitFor();
      await page.getByRole('button', { name: 'Tree' }).click();
      await page.locator('.branch').nth(4).waitFor();
      await picture(page, `tree-${screen}`);

      expect(await page.locator('.branch').count()).toBe(5);
      expect(await page.locator('.branch.active').count()).toBe(1);
      // The bound of the issue, with what a person would need beside it.
      expect(Date.now() - began).toBeLessThan(60_000);
    },
    TEST_MS,
  );

  it(
    'edits a question on a branch, and leads back to the other by ‹ and by [',
    async () => {
      const { page } = ann;
      await tryIt();
      await last(page).getByRole('button', { name: 'Edit' }).click();
      const field = page.getByRole('textbox', { name: 'Another question in this place' });
      expect(await field.inputValue()).toContain('sun is lowest');
      provider.next({ tokens: ['At noon.'] });
      await field.fill('When is it highest?');
      await page.keyboard.press('Enter');
      await last(page).getByText('At noon.').waitFor();
      await last(page).getByRole('button', { name: 'The one before' }).click();
      await page.getByText('We are two adults').waitFor();
      await page.locator('h1').first().click();
      await page.keyboard.press(']');
      await page.getByText('At noon.').waitFor();

      expect(page.url()).toMatch(/\/c\/[^/]+\/m\/[^/]+$/);
    },
    TEST_MS,
  );

  it(
    'goes on with an answer after a reload, in a second tab too, stops it, and tries again',
    async () => {
      const { page } = ann;
      await tryIt();
      await hearHalf();
      await page.reload();
      await last(page).getByText('One two').waitFor();
      const other = await page.context().newPage();
      await other.goto(page.url());
      await last(other).getByText('One two').waitFor();
      await other.getByRole('button', { name: 'Stop' }).click();
      await last(page).getByText('Stopped.').waitFor();
      provider.release();

      expect(await last(page).textContent()).toContain('One two');
      provider.next({ tokens: ['Four.'] });
      await last(page).getByRole('button', { name: 'Retry' }).click();
      await last(other).getByText('Four.').waitFor();
      await other.close();
    },
    TEST_MS,
  );

  it(
    'takes the keys of its help: r answers again, e edits, b branches',
    async () => {
      const { page } = ann;
      await tryIt();
      provider.next({ tokens: ['Again.'] });
      await page.keyboard.press('r');
      await last(page).getByText('Again.').waitFor();
      const again = chatIn(page);
      await last(page).getByRole('button', { name: 'Regenerate' }).waitFor();
      provider.next({ tokens: ['Edited.'] });
      await page.keyboard.press('e');
      await page.getByRole('textbox', { name: 'Another question in this place' }).fill('Which?');
      await page.keyboard.press('Enter');
      await last(page).getByText('Edited.').waitFor();
      await last(page).getByRole('button', { name: 'Regenerate' }).waitFor();
      const edited = chatIn(page);
      await page.keyboard.press('b');
      await page.getByText('A new branch.').waitFor();

      expect(new Set([again, edited, chatIn(page)]).size).toBe(3);
    },
    TEST_MS,
  );

  it(
    'shows what another device does in the same conversation',
    async () => {
      const { page } = ann;
      await tryIt();
      const phone = await openWindow(browser, {
        viewport: { width: 390, height: 844 },
        colorScheme: 'dark',
      });
      await phone.page.goto(server.url);
      await keep(phone.page, await keptIn(page));
      await phone.page.goto(page.url());
      await phone.page.locator('.pair').nth(2).waitFor();
      provider.next({ tokens: ['Hello from the laptop.'] });
      await say(page, 'Are you there?');
      await last(phone.page).getByText('Hello from the laptop.').waitFor();
      await picture(phone.page, 'phone');
      const wide = await phone.page.evaluate('document.documentElement.scrollWidth');
      await phone.page.getByRole('button', { name: 'Conversations' }).click();
      await phone.page.getByRole('link', { name: 'Midnight sun' }).waitFor();

      expect(wide).toBe(390);
      expect(await violationsIn(phone.page)).toEqual([]);
      expect(phone.faults).toEqual([]);
      await phone.close();
    },
    TEST_MS,
  );

  it(
    'two tabs follow each other, in the list and in the tree, without asking again and again',
    async () => {
      const { page } = ann;
      await tryIt();
      const other = await page.context().newPage();
      await other.goto(page.url());
      await other.locator('.pair').first().waitFor();
      await other.keyboard.press('t');
      await other.locator('.branch').nth(3).waitFor();
      const before = await other.locator('.branch').count();
      const asked: string[] = [];
      other.on('request', (request) => asked.push(new URL(request.url()).pathname));
      provider.next({ tokens: ['In another tab.'] });
      await last(page).getByRole('button', { name: 'Regenerate' }).click();
      await last(page).getByText('In another tab.').waitFor();
      await other.locator('.branch').nth(before).waitFor();
      provider.next({ tokens: ['A second conversation.'] });
      await page.getByRole('link', { name: 'New conversation' }).click();
      await say(page, 'Something else');
      await other.locator('.list li').nth(1).waitFor();

      // Each change is read once or twice, and nothing besides.
      expect(asked.filter((path) => path.endsWith('/branches')).length).toBeLessThan(10);
      expect(asked.filter((path) => path.endsWith('/events'))).toEqual([]);
      await other.close();
    },
    TEST_MS,
  );

  it(
    'says that it is offline, and catches up when it is back',
    async () => {
      const { page } = ann;
      await tryIt();
      const phone = new TestClient(server.url, (await keptIn(page)).access_token);
      await page.context().setOffline(true);
      const notice = page.getByText('No connection to the server.');
      await notice.waitFor();
      await phone.post(`/chats/${chatIn(page)}/messages`, {
        question: 'From a train',
        response: 'Yes.',
      });
      await phone.post('/chats', { name: 'Made elsewhere' });
      await page.context().setOffline(false);
      await notice.waitFor({ state: 'detached' });
      await page.getByRole('link', { name: 'Made elsewhere' }).waitFor();
      await last(page).getByText('From a train').waitFor();

      expect(await violationsIn(page)).toEqual([]);
    },
    TEST_MS,
  );

  it(
    'goes on with an answer after the network was away in the middle of it',
    async () => {
      const { page } = ann;
      await tryIt();
      await hearHalf();
      const phone = new TestClient(server.url, (await keptIn(page)).access_token);
      const path = `/chats/${chatIn(page)}/messages?limit=1`;
      await page.context().setOffline(true);
      await page.getByText('No connection to the server.').waitFor();
      provider.release();
      while ((await phone.get(path)).body.qa_pairs[0].status === 'streaming');
      await page.context().setOffline(false);
      await last(page).getByText('One two three').waitFor();
      await last(page).getByRole('button', { name: 'Regenerate' }).waitFor();

      expect(await page.getByRole('button', { name: 'Stop' }).count()).toBe(0);
    },
    TEST_MS,
  );

  it(
    'renews a token that has ended without a word, once for all tabs',
    async () => {
      const { page } = ann;
      await tryIt();
      const kept = await keptIn(page);
      const [header, payload] = kept.access_token
        .split('.', 2)
        .map((part) => JSON.parse(Buffer.from(part, 'base64url').toString()));
      const ended = { ...payload, iat: payload.iat - 7200, exp: payload.exp - 7200 };
      const access_token = forge(header, ended, hmac(SETTINGS.JWT_SECRET));
      await keep(page, { ...kept, access_token });
      const asked: string[] = [];
      page.context().on('request', (request) => asked.push(new URL(request.url()).pathname));
      const other = await page.context().newPage();
      await Promise.all([page.reload(), other.goto(page.url())]);
      await last(other).getByText('solar midnight').waitFor();
      await say(page, 'Am I still here?');
      await last(page).getByText('Hello from the fake provider.').waitFor();

      expect(asked.filter((path) => path.endsWith('/auth/refresh')).length).toBe(1);
      expect((await keptIn(other)).refresh_token).not.toBe(kept.refresh_token);
    },
    TEST_MS,
  );

  it(
    'finds by / what was said on another branch, opens it there, and leads back by the back button',
    async () => {
      const { page } = ann;
      await tryIt();
      const from = page.url();
      const phone = new TestClient(server.url, (await keptIn(page)).access_token);
      while ((await phone.get('/search?q=puffins')).body.items.length === 0);
      await page.keyboard.press('/');
      await page.getByLabel('Search in all conversations').fill('puffins');
      const hit = page.locator('.hits a');
      await hit.locator('mark', { hasText: 'puffins' }).waitFor();
      await picture(page, 'search');
      expect(await violationsIn(page)).toEqual([]);
      await hit.click();
      await page.locator('.pair.current', { hasText: 'We are two adults' }).waitFor();
      await page.keyboard.press('t');
      await page.locator('.branch.open', { hasText: 'With two children' }).waitFor();
      await page.goBack();
      await page.locator('.pair.current').waitFor();
      await page.goBack();
      await last(page).getByText('solar midnight').waitFor();

      expect(page.url()).toBe(from);
    },
    TEST_MS,
  );

  it(
    'shows several models that are asked at once as branches, while they write',
    async () => {
      const { page } = ann;
      await tryIt();
      provider.always(({ body }) => ({ tokens: [`${body.model} says`, ' this.'], gateAfter: 1 }));
      await last(page).getByRole('button', { name: 'Ask others' }).click();
      for (const model of ['oak', 'fig']) await page.getByLabel(model, { exact: true }).check();
      await page.getByRole('button', { name: 'Ask 2' }).click();
      const made = page.locator('.branch:has(strong:text-is("Branch"))');
      await made.nth(1).dblclick();
      await last(page).getByText('says').waitFor();
      const begun = await last(page).locator('.response').textContent();
      expect(begun).toBe('fig says');
      await last(page).getByRole('button', { name: 'The one before' }).click();
      await page.getByText('oak says').waitFor();
      provider.release();
      await page.locator('.pair', { hasText: 'says this.' }).waitFor();

      await page.keyboard.press('t');
      for (const model of ['oak', 'fig'])
        await page.locator('.branch', { hasText: model }).waitFor();
    },
    TEST_MS,
  );

  it(
    'never runs what a model says as HTML, and shows it',
    async () => {
      const { page } = ann;
      await tryIt();
      const words =
        '<img src=x onerror="window.hurt=1"><script>window.hurt=1</script> [x](javascript:hurt)';
      provider.next({ tokens: [words] });
      await say(page, 'Say something bad');
      await last(page).getByText('onerror').waitFor();

      expect(await page.evaluate(() => 'hurt' in globalThis)).toBe(false);
      expect(await last(page).locator('.response a[href^="javascript"]').count()).toBe(0);
      const policy = (await page.request.get(server.url)).headers()['content-security-policy']!;
      expect(/script-src ([^;]*)/.exec(policy)![1]).toBe("'self'");
    },
    TEST_MS,
  );

  it(
    'compares two branches from where they part',
    async () => {
      const { page } = ann;
      await tryIt();
      await page.keyboard.press('t');
      await page.locator('.branch', { hasText: 'With a tent' }).click();
      await page.getByRole('button', { name: 'Compare' }).click();
      await page.getByText('The same up to message 1').waitFor();
      await picture(page, 'compare');

      expect(await page.locator('.side').count()).toBe(4);
      expect(await page.locator('mark').count()).toBeGreaterThan(0);
      expect(await violationsIn(page)).toEqual([]);
    },
    TEST_MS,
  );

  it(
    'moves through the tree by arrows, and opens a branch by Enter',
    async () => {
      const { page } = ann;
      await tryIt();
      await page.keyboard.press('t');
      await page.locator('.branch.chosen').waitFor();
      await page.keyboard.press('ArrowDown');
      await page.locator('.branch.chosen', { hasText: 'Cheaper' }).waitFor();
      await page.keyboard.press('ArrowDown');
      await page.locator('.branch.chosen', { hasText: 'With a tent' }).waitFor();
      expect(await violationsIn(page)).toEqual([]);
      await page.keyboard.press('Enter');
      await page.getByText('And with a tent?').waitFor();
      expect(page.url()).toMatch(/\/c\/[^/]+$/);
    },
    TEST_MS,
  );

  it.each(['light', 'dark'] as const)(
    'has no fault that axe knows, %s',
    async (colorScheme) => {
      const window = await openWindow(browser, { colorScheme });
      const { page } = window;
      await page.goto(server.url);
      await page.getByRole('button', { name: 'Try it' }).waitFor();
      expect(await violationsIn(page)).toEqual([]);
      await tryIt(window);
      await picture(page, `chat-${colorScheme}`);
      expect(await violationsIn(page)).toEqual([]);
      await page.keyboard.press('?');
      await page.getByRole('dialog').waitFor();
      expect(await violationsIn(page)).toEqual([]);
      await window.close();
    },
    TEST_MS,
  );

  it(
    'deletes a conversation and gives it back, and signs out without leaving a word',
    async () => {
      const { page } = ann;
      await tryIt();
      const item = page.locator('.list li', { hasText: 'Midnight sun' });
      await item.hover();
      await item.getByRole('button', { name: 'Delete' }).click();
      await item.waitFor({ state: 'detached' });
      await page.getByRole('button', { name: 'Undo' }).click();
      await item.waitFor();
      await page.getByRole('button', { name: 'Sign out' }).click();
      await page.getByRole('button', { name: 'Try it' }).waitFor();

      expect(await page.evaluate('localStorage.length')).toBe(0);
      expect(await page.content()).not.toContain('Midnight sun');
    },
    TEST_MS,
  );
});
