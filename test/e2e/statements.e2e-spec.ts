import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Client } from 'pg';
import { namedStatements } from '../support/plans.js';
import { startTestApp, type TestApp } from '../support/app.js';
import { type Described, Describer, faultsOfRow, Statements } from '../support/statements.js';

const VALUE = String.raw`(?:\$\d+(?:::\w+)?|NULL|true|false|\d+|'[^']*')`;
const TERM = String.raw`\w+ (?:= ${VALUE}|IS NULL|IS NOT NULL)`;
const WHERE = `WHERE ${TERM}(?: AND ${TERM})*`;
/** Of one table, by equal values, and nothing calculated: a repository says it as well. */
const PLAIN = new RegExp(
  [
    String.raw`^INSERT INTO \w+ \([\w, ]+\) VALUES \(${VALUE}(?:, ${VALUE})*\)$`,
    String.raw`^UPDATE \w+ SET \w+ = ${VALUE}(?:, \w+ = ${VALUE})* ${WHERE}$`,
    String.raw`^DELETE FROM \w+ ${WHERE}$`,
    String.raw`^SELECT (?:[\w, ]+|count\(\*\)::int AS \w+)? ?FROM \w+ ${WHERE}$`,
  ].join('|'),
);
/** These write what no repository is there for: another database, and what fsck mends. */
const WITHOUT_TYPEORM = /^src\/(fsck|database\/embedded)/;
/** Plain, and by hand all the same. */
const KEPT = [
  // On the way of each POST with a key, and of each answer's end.
  'UPDATE idempotency_keys SET answer = $4 WHERE account_id = $1 AND scope = $2 AND key = $3',
  // The second of two: the first needs the partial index of `active`, which a value does not find.
  'UPDATE chats SET active = true WHERE account_id = $1 AND root_chat_id = $2 AND chat_id = $3',
];

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
  }, 240_000); // reading the sources is most of a minute of CPU
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

  it('that has no name, and so is not prepared, says what TypeORM would not say as well', () => {
    const plain = statements.sent
      .filter(({ name, place }) => name === null && !WITHOUT_TYPEORM.test(place))
      .map(({ text, place }) => ({ text: text.replace(/\s+/g, ' ').trim(), place }))
      .filter(({ text }) => PLAIN.test(text));
    expect(plain.filter(({ text }) => !KEPT.includes(text))).toEqual([]);
    expect(KEPT.filter((text) => !plain.some((one) => one.text === text))).toEqual([]);
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
