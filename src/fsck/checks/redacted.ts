import type { DataSource } from 'typeorm';
import { blanking, leftIn, PAIR_PLACES, PLACES } from '../../content/places.js';
import { type Check, columnsOf, type Finding } from '../check.js';

interface Key {
  account_id: string;
  response_id: string;
}

interface Row extends Key {
  chat_id: string;
  seq: number;
  /** Names of the places that have something left. */
  left_in: string[];
}

const WINDOW = `
  SELECT account_id, response_id FROM messages
  WHERE status = 'redacted' AND ($1::uuid IS NULL OR (account_id, response_id) > ($1::uuid, $2::uuid))
  ORDER BY account_id, response_id LIMIT 1000`;

/** A store that is not in use has no rows. */
const LOOKS = [...PAIR_PLACES, ...PLACES]
  .map((place) => `CASE WHEN ${leftIn(place)} THEN '${place.table}' END`)
  .join(',\n      ');

const INSPECT = `
  SELECT p.account_id, p.response_id, p.chat_id, p.seq, array_remove(ARRAY[
      ${LOOKS}
    ], NULL) AS left_in
  FROM unnest($1::uuid[], $2::uuid[]) AS wanted (account_id, response_id)
  JOIN messages p ON p.account_id = wanted.account_id AND p.response_id = wanted.response_id AND p.status = 'redacted'`;

/** I18: what was redacted has left nothing. MongoDB is held to the same words by I3. */
export function redactedCheck(dataSource: DataSource): Check<Key> {
  return {
    of: 'redacted pairs',
    invariants: ['I18'],
    window: (after) =>
      dataSource.query<Key[]>(WINDOW, [after?.account_id ?? null, after?.response_id ?? null]),
    async inspect(keys) {
      const rows = await dataSource.query<Row[]>(
        INSPECT,
        columnsOf(keys, ['account_id', 'response_id']),
      );
      return rows.flatMap((row) => row.left_in.map((table) => findingOf(dataSource, row, table)));
    },
  };
}

function findingOf(
  dataSource: DataSource,
  { account_id, response_id, chat_id, seq }: Row,
  table: string,
): Finding<Key> {
  // What is wrong in the pair itself is mended by who redacts it again.
  const isBeside = PLACES.some((place) => place.table === table);
  return {
    invariant: 'I18',
    key: { account_id, response_id },
    what: 'words of a redacted pair are left',
    ids: { account_id, response_id, chat_id, seq, table },
    ...(isBeside && { mend: () => blank(dataSource, account_id, response_id) }),
  };
}

async function blank(
  dataSource: DataSource,
  accountId: string,
  responseId: string,
): Promise<boolean> {
  for (const place of PLACES) await dataSource.query(blanking(place), [accountId, [responseId]]);
  return true;
}
