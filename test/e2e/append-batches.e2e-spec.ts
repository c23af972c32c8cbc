import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { Database } from '../../src/database/database.js';
import { startTestApp, type TestApp } from '../support/app.js';
import { TestClient } from '../support/client.js';
import { watchStatements } from '../support/statement-watch.js';

const PEOPLE = 16;
const ROUNDS = 20;

let server: TestApp;
let ann: TestClient;

beforeAll(async () => {
  server = await startTestApp();
  ann = await TestClient.register(server.url);
});
afterAll(() => server.close());

it('posts of many who ask again when they are answered share statements, four or more each', async () => {
  const chats = await Promise.all(Array.from({ length: PEOPLE }, () => ann.aChat()));
  let statements = 0;
  watchStatements(server.app.get(Database), ({ name }) => {
    if (name.startsWith('append.')) statements++;
  });
  await Promise.all(
    chats.map(async ({ id }) => {
      for (let n = 1; n <= ROUNDS; n++) await ann.append(id, `q${n}`, 'a');
    }),
  );
  expect((PEOPLE * ROUNDS) / statements).toBeGreaterThanOrEqual(4);
  expect(statements).toBeGreaterThan(0);
});
