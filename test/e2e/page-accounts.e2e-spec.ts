import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { Browser } from 'playwright-core';
import { startTestApp, type TestApp } from '../support/app.js';
import { hasBrowser, openBrowser, openWindow, type Window } from '../support/browser.js';
import { anEmail, consoleOf, PASSWORD } from './auth-tester.js';
import { picture } from './page-tester.js';

/** Browsers are slow beside other tests. */
const TEST_MS = 120_000;

const browsers = hasBrowser ? describe : describe.skip;

browsers('the page of a server that takes people by invitation', () => {
  const email = anEmail();
  let server: TestApp;
  let browser: Browser;
  let ann: Window;

  beforeAll(async () => {
    server = await startTestApp('postgres', { REGISTRATION: 'invite' });
    browser = await openBrowser();
    ann = await openWindow(browser);
    await ann.page.goto(server.url);
  }, TEST_MS);
  afterAll(async () => {
    await browser?.close();
    await server?.close();
  }, TEST_MS);

  const press = (name: string): Promise<void> =>
    ann.page.getByRole('button', { name, exact: true }).click();
  async function fill(fields: Record<string, string>, button: string): Promise<void> {
    for (const [label, text] of Object.entries(fields))
      await ann.page.getByLabel(label, { exact: true }).fill(text);
    await press(button);
  }
  const isIn = (): Promise<void> => ann.page.getByRole('button', { name: 'Sign out' }).waitFor();

  it(
    'says to a stranger what is needed, and lets in who brings it',
    async () => {
      await press('Create an account');
      await fill({ 'E-mail': email, Password: PASSWORD }, 'Create account');
      await ann.page.getByRole('alert').getByText('ask whoever runs this server').waitFor();
      await picture(ann.page, 'invitation');
      const { token } = await consoleOf(server).invite(1);
      await fill({ 'Invitation, if you were given one': ` ${token} ` }, 'Create account');
      await isIn();
      expect(ann.faults).toEqual([]);
    },
    TEST_MS,
  );

  it(
    'lets in again who has forgotten their password, by a token of the console',
    async () => {
      await press('Sign out');
      await press('I forgot my password');
      await picture(ann.page, 'forgotten');
      const { token } = await consoleOf(server).resetPassword(email, 1);
      await fill({ Token: token, 'New password': 'two large green kites' }, 'Set password');
      await ann.page.getByText('The password is set. Sign in with it.').waitFor();
      await fill({ 'E-mail': email, Password: 'two large green kites' }, 'Sign in');
      await isIn();
      expect(ann.faults).toEqual([]);
    },
    TEST_MS,
  );
});
