import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Client } from 'pg';
import { namedStatements } from '../support/plans.js';
import { startTestApp, type TestApp } from '../support/app.js';
import { type Described, Describer, faultsOfRow, Statements } from '../support/statements.js';

/** What has no parameters and no rows by its kind. */
const NO_STATEMENT = /^(LISTEN|CREATE DATABASE) /;

describe('of what the sources send to PostgreSQL by hand, each statement', () => {
  let server: TestApp;
  let client: Client;
  let statements: Statements;
  const said = new Map<string, Described | Error>();

  beforeAll(async () => {
    server = await startTestApp();
    client = new Client({ connectionString: server.databaseUrl });
    await client.connect();
    statements = new Statements();
    const describer = new Describer(client);
    await describer.learn();
    for (const text of new Set(statements.sent.map((one) => one.text))) {
      if (!NO_STATEMENT.test(text))
        said.set(text, await describer.describe(text).catch((error: Error) => error));
    }
  }, 120_000);
  afterAll(async () => {
    await client.end();
    await server.close();
  });

  it('is found and can be read, and each one that has a name is sent from somewhere', () => {
    expect(statements.unread).toEqual([]);
    const names = statements.sent.flatMap(({ name }) => name ?? []);
    const unsent = [...namedStatements()].filter(
      ([, pattern]) => !names.some((name) => pattern.test(name)),
    );
    expect(unsent.map(([name]) => name)).toEqual([]);
  });

  it('can be prepared, and takes as many values as are sent with it', () => {
    const faults = statements.sent.flatMap(({ place, text, values }) => {
      const told = said.get(text);
      if (told instanceof Error) return [`${place}: ${told.message}`];
      return told && values !== null && told.parameters !== values
        ? [`${place}: ${told.parameters} parameters, ${values} values`]
        : [];
    });
    expect(faults).toEqual([]);
  });

  it('gives the columns, of the types, that its row is declared to have', () => {
    const faults = statements.sent.flatMap(({ place, text, row }) => {
      const told = said.get(text);
      return row && told && !(told instanceof Error)
        ? faultsOfRow(statements.checker, row, told.columns).map((fault) => `${place}: ${fault}`)
        : [];
    });
    expect(faults).toEqual([]);
  });
});
