import type { DataSource } from 'typeorm';
import { type Check, columnsOf, type Finding } from '../check.js';

interface Key {
  account_id: string;
  response_id: string;
}

interface Row extends Key {
  chat_id: string | null;
  seq: number | null;
  /** Null where nothing is wrong. */
  what: string | null;
}

const AFTER = `($1::uuid IS NULL OR (account_id, response_id) > ($1::uuid, $2::uuid)) ORDER BY account_id, response_id LIMIT 2000`;

const ORPHAN = 'something is found of a pair that does not exist';
const NEWER = 'a pair is found by words that PostgreSQL does not know';
const UNFOUND = 'a pair cannot be found, and nobody will look at it again';

/**
 * Behind where its account was walked to, a pair has a row of its words as they are now: or of
 * those that it had while its answer was under way, which is looked at again. What is younger is
 * still to be walked through, and is no fault.
 */
const PAIRS = `
  SELECT m.account_id, m.response_id, m.chat_id, m.seq,
    CASE WHEN s.version > m.version THEN '${NEWER}'
      WHEN m.status <> 'redacted' AND m.response_id <= a.walked_to
        AND (s.version IS NULL OR (s.is_final AND s.version < m.version)) THEN '${UNFOUND}' END AS what
  FROM unnest($1::uuid[], $2::uuid[]) AS wanted (account_id, response_id)
  JOIN messages m ON m.account_id = wanted.account_id AND m.response_id = wanted.response_id
  LEFT JOIN message_search s ON s.account_id = m.account_id AND s.response_id = m.response_id
  LEFT JOIN search_accounts a ON a.account_id = m.account_id`;

const ORPHANS = `
  SELECT s.account_id, s.response_id, s.chat_id, s.seq, '${ORPHAN}' AS what
  FROM unnest($1::uuid[], $2::uuid[]) AS wanted (account_id, response_id)
  JOIN message_search s ON s.account_id = wanted.account_id AND s.response_id = wanted.response_id
  WHERE NOT EXISTS (SELECT FROM messages m WHERE m.account_id = s.account_id AND m.response_id = s.response_id)`;

/** The server then makes a new row. */
const FORGET = `DELETE FROM message_search WHERE account_id = $1 AND response_id = $2`;
/** Then it walks through all pairs of the account once more. */
const WALK_AGAIN = `DELETE FROM search_accounts WHERE account_id = $1`;

/** I19: whatever can be found exists, and whatever exists can be found. */
export const searchChecks = (dataSource: DataSource): Check<Key>[] => [
  searchCheck(dataSource, 'pairs that can be found', 'message_search', ORPHANS),
  searchCheck(dataSource, 'pairs to be found', 'messages', PAIRS),
];

const searchCheck = (
  dataSource: DataSource,
  of: string,
  table: string,
  inspect: string,
): Check<Key> => ({
  of,
  invariants: ['I19'],
  window: (after) =>
    dataSource.query<Key[]>(`SELECT account_id, response_id FROM ${table} WHERE ${AFTER}`, [
      after?.account_id ?? null,
      after?.response_id ?? null,
    ]),
  async inspect(keys) {
    const rows = await dataSource.query<Row[]>(
      inspect,
      columnsOf(keys, ['account_id', 'response_id']),
    );
    return rows.flatMap((row) => (row.what === null ? [] : [findingOf(dataSource, row, row.what)]));
  },
});

function findingOf(dataSource: DataSource, row: Row, what: string): Finding<Key> {
  const { account_id, response_id, chat_id, seq } = row;
  return {
    invariant: 'I19',
    key: { account_id, response_id },
    what,
    ids: { account_id, response_id, chat_id, seq },
    async mend() {
      await dataSource.query(FORGET, [account_id, response_id]);
      if (what !== ORPHAN) await dataSource.query(WALK_AGAIN, [account_id]);
      return true;
    },
  };
}
