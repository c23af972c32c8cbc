import type { DataSource } from 'typeorm';
import { type Check, columnsOf } from '../check.js';

interface Key {
  account_id: string;
  root_chat_id: string;
  seq: number;
}

interface Row extends Key {
  chat_id: string;
  response_id: string;
}

const WINDOW = `
  SELECT account_id, root_chat_id, seq FROM events
  WHERE $1::uuid IS NULL OR (account_id, root_chat_id, seq) > ($1::uuid, $2::uuid, $3::int)
  ORDER BY account_id, root_chat_id, seq LIMIT 5000`;

/**
 * Pairs of deleted chats may have been purged; those of living ones must be where the event says.
 */
const INSPECT = `
  SELECT e.account_id, e.root_chat_id, e.seq, e.chat_id, e.response_id
  FROM unnest($1::uuid[], $2::uuid[], $3::int[]) AS wanted (account_id, root_chat_id, seq)
  JOIN events e ON e.account_id = wanted.account_id AND e.root_chat_id = wanted.root_chat_id AND e.seq = wanted.seq
  JOIN chats c ON c.account_id = e.account_id AND c.chat_id = e.chat_id AND c.deleted_at IS NULL
  LEFT JOIN messages m ON m.account_id = e.account_id AND m.response_id = e.response_id
  WHERE e.type = 'message.created' AND (m.response_id IS NULL OR m.chat_id <> e.chat_id OR m.root_chat_id <> e.root_chat_id)`;

/** I1: who was told of a pair can find it. */
export function eventsCheck(dataSource: DataSource): Check<Key> {
  return {
    of: 'events',
    invariants: ['I1'],
    window: (after) =>
      dataSource.query<Key[]>(WINDOW, [
        after?.account_id ?? null,
        after?.root_chat_id ?? null,
        after?.seq ?? null,
      ]),
    async inspect(keys) {
      const rows = await dataSource.query<Row[]>(
        INSPECT,
        columnsOf(keys, ['account_id', 'root_chat_id', 'seq']),
      );
      return rows.map(({ account_id, root_chat_id, seq, chat_id, response_id }) => ({
        invariant: 'I1' as const,
        key: { account_id, root_chat_id, seq },
        what: 'a pair that was announced is missing',
        ids: { account_id, chat_id, response_id, event_seq: seq },
      }));
    },
  };
}
