import { expect } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { DataSource } from 'typeorm';
import { Console } from '../../src/console/console.js';
import { Clock } from '../../src/modules/auth/clock.js';
import type { TestApp } from '../support/app.js';
import { type Answer, TestClient } from '../support/client.js';

export const PASSWORD = 'four small blue boats';
export const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
export const INSTANT = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;

export const anEmail = () => `${randomUUID()}@example.org`;

/** Somebody without a token, at the routes under /auth. */
export class AuthTester {
  private readonly anyone: TestClient;

  constructor(url: string) {
    this.anyone = new TestClient(url);
  }

  post(path: string, body: unknown): Promise<Answer> {
    return this.anyone.post(`/auth/${path}`, body);
  }

  /** Registers; answers what register answered, and the e-mail. */
  async somebody(fields: Record<string, unknown> = {}) {
    const email = anEmail();
    const { status, body } = await this.post('register', { email, password: PASSWORD, ...fields });
    expect(status).toBe(201);
    return { email, ...body };
  }
}

export function expectProblem(answer: Answer, status: number, code: string): void {
  expect({ status: answer.status, code: answer.body?.code }).toEqual({ status, code });
  expect(answer.headers.get('content-type')).toMatch(/^application\/problem\+json/);
}

export const expectRefused = (answer: Answer) => expectProblem(answer, 401, 'unauthorized');

/** The console of a server in this process. */
export const consoleOf = ({ app }: Pick<TestApp, 'app'>): Console =>
  new Console(app.get(DataSource), () => Promise.resolve());

/** Everything but the id of the request, which is new each time. */
export const sameForAll = ({ body: { request_id: _id, ...rest } }: Answer) => rest;

/** Does `work` while the server believes that it is `seconds` later. */
export async function laterAt(
  { app }: Pick<TestApp, 'app'>,
  seconds: number,
  work: () => Promise<void>,
): Promise<void> {
  const clock = app.get(Clock);
  clock.now = () => Date.now() + seconds * 1000;
  try {
    await work();
  } finally {
    Reflect.deleteProperty(clock, 'now');
  }
}
