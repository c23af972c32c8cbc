import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core';

/** Whether this run has a browser; it says so when it has none (`stores.mjs`). */
export const hasBrowser = Boolean(process.env.TEST_BROWSER);

/** So long a browser on a busy machine may take for a step, in ms. */
const STEP_MS = 30_000;

/** A browser of its own. Whoever opens it closes it. */
export const openBrowser = (): Promise<Browser> =>
  chromium.launch({ executablePath: process.env.TEST_BROWSER!, args: ['--no-sandbox'] });

/** A person's window, and all that went wrong in it so far. */
export interface Window {
  page: Page;
  /** What the page logged as an error, and what it did not catch. */
  faults: string[];
  close(): Promise<void>;
}

/** A window with storage of its own: another person, or another device. */
export async function openWindow(
  browser: Browser,
  options: BrowserContextOptions = {},
): Promise<Window> {
  const context = await browser.newContext({
    viewport: { width: 1280, height: 800 },
    reducedMotion: 'reduce',
    ...options,
  });
  context.setDefaultTimeout(STEP_MS);
  const page = await context.newPage();
  const faults: string[] = [];
  page.on('pageerror', ({ message }) => faults.push(message));
  page.on('console', (message) => {
    // A status that is no 2xx is logged by the browser itself; the page tells it to the person.
    if (message.type() === 'error' && !/Failed to load resource/.test(message.text()))
      faults.push(message.text());
  });
  return { page, faults, close: () => context.close() };
}

interface Axe {
  run(): Promise<{ violations: { id: string; nodes: { html: string }[] }[] }>;
}

/** What axe (WCAG 2 A and AA, and good practice) finds wrong with what is shown now. */
export async function violationsIn(page: Page): Promise<string[]> {
  await page.evaluate(AXE);
  const { violations } = await page.evaluate(() =>
    (globalThis as unknown as { axe: Axe }).axe.run(),
  );
  return violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(' ')}`);
}

const { source: AXE } = (await import('axe-core')).default;
