// What a person does in the page, in a real browser.
import type { Locator, Page } from 'playwright-core';

const PICTURES = process.env.PICTURES;

/** Keeps what is shown, for people to look at, where a run is asked for that. */
export async function picture(page: Page, name: string): Promise<void> {
  if (PICTURES) await page.screenshot({ path: `${PICTURES}/${name}.png` });
}

/** Becomes a guest, with the conversation that guests begin with. */
export async function tryPage(page: Page, url: string): Promise<void> {
  await page.goto(url);
  await page.getByRole('button', { name: 'Try it' }).click();
  await page.waitForURL(/\/c\//);
  await page.locator('.pair').nth(2).waitFor();
}

export async function say(page: Page, words: string): Promise<void> {
  await page.getByRole('textbox', { name: 'Message' }).fill(words);
  await page.keyboard.press('Enter');
  await page.locator('.pair', { hasText: words }).waitFor();
}

export const last = (page: Page): Locator => page.locator('.pair').last();

export const chatIn = (page: Page): string => /c\/([^/]+)/.exec(page.url())![1]!;

/** Tokens, as this browser keeps them. */
export interface Kept {
  access_token: string;
  refresh_token: string;
}

export const keptIn = async (page: Page): Promise<Kept> =>
  JSON.parse(await page.evaluate<string>("localStorage.getItem('banyan.session')")) as Kept;

export const keep = (page: Page, session: object): Promise<void> =>
  page.evaluate(
    `localStorage.setItem('banyan.session', ${JSON.stringify(JSON.stringify(session))})`,
  );
