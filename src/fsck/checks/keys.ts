import type { DataSource } from 'typeorm';
import { isUuid } from '../../common/ids.js';
import { type Check, columnsOf, type Finding, partsByBytes } from '../check.js';

interface Key {
  account_id: string;
  scope: string;
  key: string;
  bytes: number;
}

interface Row extends Omit<Key, 'bytes'> {
  status: number;
  answer: string;
}

/** What an answer says about the thing that its request made. */
interface NamedThing {
  key: Row;
  kind: 'pair' | 'chat';
  id: string;
}

const PART_BYTES = 8 * 1024 * 1024;

const WINDOW = `
  SELECT account_id, scope, key, octet_length(answer) AS bytes FROM idempotency_keys
  WHERE $1::uuid IS NULL OR (account_id, scope, key) > ($1::uuid, $2::text, $3::text) ORDER BY account_id, scope, key LIMIT 1000`;

const READ = `
  SELECT k.account_id, k.scope, k.key, k.status, k.answer FROM unnest($1::uuid[], $2::text[], $3::text[]) AS wanted (account_id, scope, key)
  JOIN idempotency_keys k ON k.account_id = wanted.account_id AND k.scope = wanted.scope AND k.key = wanted.key`;

const FOUND = {
  pair: `SELECT wanted.id FROM unnest($1::uuid[], $2::uuid[]) AS wanted (account_id, id)
    JOIN messages t ON t.account_id = wanted.account_id AND t.response_id = wanted.id`,
  chat: `SELECT wanted.id FROM unnest($1::uuid[], $2::uuid[]) AS wanted (account_id, id)
    JOIN chats t ON t.account_id = wanted.account_id AND t.chat_id = wanted.id`,
};

/**
 * I9: what a client gets when it asks again. The key itself is the client's text, so it is not
 * shown.
 */
export function keysCheck(dataSource: DataSource): Check<Key> {
  return {
    of: 'keys',
    invariants: ['I9'],
    window: (after) =>
      dataSource.query<Key[]>(WINDOW, [
        after?.account_id ?? null,
        after?.scope ?? null,
        after?.key ?? null,
      ]),
    async inspect(keys) {
      const findings: Finding<Key>[] = [];
      for (const part of partsByBytes(keys, PART_BYTES, ({ bytes }) => bytes)) {
        findings.push(...(await inspectPart(dataSource, part)));
      }
      return findings;
    },
  };
}

async function inspectPart(dataSource: DataSource, keys: readonly Key[]): Promise<Finding<Key>[]> {
  const rows = await dataSource.query<Row[]>(READ, columnsOf(keys, ['account_id', 'scope', 'key']));
  const findings = rows
    .filter((row) => !isAnswer(row))
    .map((row) => findingOf(row, 'a stored answer cannot be read', {}));
  for (const kind of ['pair', 'chat'] as const) {
    const named = rows.flatMap((row) => namedBy(row)).filter((one) => one.kind === kind);
    if (named.length === 0) continue;
    const found = await dataSource.query<{ id: string }[]>(FOUND[kind], [
      named.map(({ key }) => key.account_id),
      named.map(({ id }) => id),
    ]);
    const ids = new Set(found.map(({ id }) => id));
    const lost = named.filter(({ id }) => !ids.has(id));
    findings.push(
      ...lost.map(({ key, id }) =>
        findingOf(key, `a stored answer names a ${kind} that does not exist`, { id }),
      ),
    );
  }
  return findings;
}

function findingOf(
  { account_id, scope, key, answer }: Row,
  what: string,
  ids: Finding['ids'],
): Finding<Key> {
  return {
    invariant: 'I9',
    key: { account_id, scope, key, bytes: answer.length },
    what,
    ids: { account_id, scope, ...ids },
  };
}

function parsed({ answer }: Row): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(answer);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : null;
  } catch {
    return null;
  }
}

/** One whose words were erased is none any more, and is refused. */
const isAnswer = (row: Row): boolean =>
  row.answer === '' || (parsed(row) !== null && row.status >= 200 && row.status < 300);

/**
 * Pairs before chats: a pair names its chat too. Answers of other shapes name nothing that could be
 * looked up.
 */
function namedBy(row: Row): NamedThing[] {
  const { response_id: pair, chat_id: chat } = parsed(row) ?? {};
  if (isUuid(pair)) return [{ key: row, kind: 'pair', id: pair.toLowerCase() }];
  return isUuid(chat) ? [{ key: row, kind: 'chat', id: chat.toLowerCase() }] : [];
}

const ACCOUNTS = `
  WITH RECURSIVE account AS (
    (SELECT account_id FROM idempotency_keys WHERE $1::uuid IS NULL OR account_id > $1::uuid ORDER BY account_id LIMIT 1)
    UNION ALL
    SELECT (SELECT k.account_id FROM idempotency_keys k WHERE k.account_id > account.account_id ORDER BY k.account_id LIMIT 1)
    FROM account WHERE account.account_id IS NOT NULL
  )
  SELECT account_id FROM account WHERE account_id IS NOT NULL LIMIT 100`;

/**
 * The answer of a post begins with the pair's id; only posts make pairs, so only their keys are
 * compared.
 */
const DOUBLES = `
  SELECT account_id, response_id, count(*)::int AS keys FROM (
    SELECT account_id, substring(left(answer, 60) FROM '^\\{"response_id":"([0-9a-f-]{36})"') AS response_id
    FROM idempotency_keys WHERE account_id = ANY ($1::uuid[]) AND scope ~ '^POST .*/(messages|add-message)$'
  ) answers
  WHERE response_id IS NOT NULL GROUP BY account_id, response_id HAVING count(*) > 1`;

/**
 * I2: two requests never made the same pair (that a key makes one pair only is what the primary key
 * is for).
 */
export function keyDoublesCheck(dataSource: DataSource): Check<string> {
  return {
    of: 'accounts with keys',
    invariants: ['I2'],
    window: async (after) =>
      (await dataSource.query<{ account_id: string }[]>(ACCOUNTS, [after])).map(
        (row) => row.account_id,
      ),
    async inspect(accounts) {
      const rows = await dataSource.query<
        { account_id: string; response_id: string; keys: number }[]
      >(DOUBLES, [accounts]);
      return rows.map((row) => ({
        invariant: 'I2' as const,
        key: row.account_id,
        what: 'a pair is the answer of several keys',
        ids: { ...row },
      }));
    },
  };
}
