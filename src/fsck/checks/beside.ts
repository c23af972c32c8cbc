import type { DataSource } from 'typeorm';
import { type Check, columnsOf, type Finding } from '../check.js';

type Key = Record<string, string | number>;

interface Fault {
  /** What is wrong where this holds for the row `t`. */
  what: string;
  where: string;
  /** The statement that mends it; its parameters are the key. */
  mend?: string;
}

/** A table of rows that say something about a chat, a conversation or a webhook. */
interface Table {
  of: string;
  table: string;
  /** Its primary key, by column and type. */
  key: Record<string, 'uuid' | 'int' | 'text'>;
  /** What of it is shown: ids and numbers, never the text of a client. */
  shows: readonly string[];
  faults: readonly Fault[];
}

const CHAT = { account_id: 'uuid', chat_id: 'uuid' } as const;

const missing = (table: string, on: string): string =>
  `NOT EXISTS (SELECT FROM ${table} o WHERE o.account_id = t.account_id AND ${on})`;

const NO_CHAT = missing('chats', 'o.chat_id = t.chat_id');
const NO_PAIR = missing('messages', 'o.chat_id = t.chat_id AND o.seq = t.seq');
const NO_CONVERSATION = missing('conversations', 'o.chat_id = t.root_chat_id');
const NO_WEBHOOK = missing('webhooks', 'o.webhook_id = t.webhook_id');
/** A purge takes the events of a deleted conversation in parts, and its position last. */
const AHEAD = `EXISTS (SELECT FROM conversations v
  WHERE v.account_id = t.account_id AND v.chat_id = t.root_chat_id AND NOT v.deleted AND v.event_seq < t.event_seq)`;

/** Rows of what is gone: nobody can reach them, so they may go too. */
const gone = (table: string, key: Table['key'], what: string, where: string): Fault => ({
  what,
  where,
  mend: `DELETE FROM ${table} t WHERE ${Object.keys(key)
    .map((name, i) => `t.${name} = $${i + 1}`)
    .join(' AND ')} AND ${where}`,
});

const ofChats = (of: string, table: string, what: string, key: Table['key'] = CHAT): Table => ({
  ...{ of, table, key, shows: ['account_id', 'chat_id'] },
  faults: [gone(table, key, what, NO_CHAT)],
});

const OWNER = { account_id: 'uuid' } as const;
const NAMED = { account_id: 'uuid', response_id: 'uuid', file_id: 'uuid' } as const;
const FILE_BYTES = `(SELECT coalesce(sum(b.bytes), 0) FROM file_blobs b WHERE b.account_id = t.account_id)`;
const NUMBER = { account_id: 'uuid', number: 'int' } as const;
const MARK = { ...CHAT, seq: 'int' } as const;
const POSITION = { account_id: 'uuid', root_chat_id: 'uuid' } as const;
const WEBHOOK = { account_id: 'uuid', webhook_id: 'uuid' } as const;
const DELIVERY = { ...WEBHOOK, delivery_id: 'uuid' } as const;

const TABLES: readonly Table[] = [
  ofChats(
    'ids of clients',
    'client_chats',
    'an id of a client is that of a chat that does not exist',
    {
      account_id: 'uuid',
      client_chat_id: 'text',
    },
  ),
  ofChats(
    'places of histories',
    'history_places',
    'a history goes on in a chat that does not exist',
    { account_id: 'uuid', response_id: 'uuid' },
  ),
  {
    ...{ of: 'names of files', table: 'file_references', key: NAMED, shows: Object.keys(NAMED) },
    faults: [
      gone(
        'file_references',
        NAMED,
        'a file is named by a pair that does not exist',
        missing('messages', 'o.response_id = t.response_id'),
      ),
    ],
  },
  {
    ...{ of: 'sizes of files', table: 'file_accounts', key: OWNER, shows: ['account_id'] },
    faults: [
      {
        what: 'the files of an account take another number of bytes than is counted',
        where: `t.bytes <> ${FILE_BYTES}`,
        mend: `UPDATE file_accounts t SET bytes = ${FILE_BYTES} WHERE t.account_id = $1`,
      },
    ],
  },
  ofChats('notes', 'conversation_notes', 'notes are kept of a chat that does not exist'),
  ofChats('highlights', 'summary_highlights', 'quotes are kept of a chat that does not exist'),
  {
    ...{ of: 'marks of summaries', table: 'summary_marks', key: MARK, shows: Object.keys(MARK) },
    faults: [
      gone('summary_marks', MARK, 'words are counted up to a pair that does not exist', NO_PAIR),
    ],
  },
  {
    ...{ of: 'tokens of pairs', table: 'message_tokens', key: MARK, shows: Object.keys(MARK) },
    faults: [
      gone('message_tokens', MARK, 'tokens are counted of a pair that does not exist', NO_PAIR),
    ],
  },
  {
    ...{
      of: 'accounts that were walked through',
      table: 'search_accounts',
      key: { account_id: 'uuid' },
      shows: ['account_id'],
    },
    faults: [
      gone(
        'search_accounts',
        { account_id: 'uuid' },
        'an account was walked through that does not exist',
        missing('accounts', 'true'),
      ),
    ],
  },
  {
    ...{
      of: 'numbers of chats',
      table: 'chat_numbers',
      key: NUMBER,
      shows: ['account_id', 'number', 'chat_id'],
    },
    faults: [
      gone('chat_numbers', NUMBER, 'a number is that of a chat that does not exist', NO_CHAT),
      {
        what: 'a number was given that is still to be given',
        where: missing('chat_number_counters', 'o.last >= t.number'),
        mend: `INSERT INTO chat_number_counters AS c (account_id, last) VALUES ($1, $2)
          ON CONFLICT (account_id) DO UPDATE SET last = greatest(c.last, excluded.last)`,
      },
    ],
  },
  {
    ...{
      of: 'positions of webhooks',
      table: 'webhook_positions',
      key: POSITION,
      shows: [...Object.keys(POSITION), 'event_seq'],
    },
    faults: [
      gone(
        'webhook_positions',
        POSITION,
        'events are told of a conversation that does not exist',
        NO_CONVERSATION,
      ),
      {
        what: 'events were told that are still to come',
        where: AHEAD,
        mend: `UPDATE webhook_positions t SET event_seq = v.event_seq FROM conversations v
          WHERE t.account_id = $1 AND t.root_chat_id = $2 AND v.account_id = $1 AND v.chat_id = $2 AND v.event_seq < t.event_seq`,
      },
    ],
  },
  {
    ...{ of: 'webhooks', table: 'webhooks', key: WEBHOOK, shows: Object.keys(WEBHOOK) },
    // A new row would have all events told that ever were.
    faults: [
      {
        what: 'a webhook is told of nothing: its account is not among those with webhooks',
        where: missing('webhook_accounts', 'true'),
      },
    ],
  },
  {
    // Its conversation may be gone: what was still to be told at a purge is told after it.
    ...{
      of: 'deliveries',
      table: 'webhook_deliveries',
      key: DELIVERY,
      shows: Object.keys(DELIVERY),
    },
    faults: [
      gone(
        'webhook_deliveries',
        DELIVERY,
        'a delivery goes to a webhook that does not exist',
        NO_WEBHOOK,
      ),
    ],
  },
];

/** I17: what stands beside chats, pairs, conversations and webhooks is of some that exist. */
export const besideChecks = (dataSource: DataSource): Check<Key>[] =>
  TABLES.map((table) => besideCheck(dataSource, table));

function besideCheck(dataSource: DataSource, { of, table, key, shows, faults }: Table): Check<Key> {
  const names = Object.keys(key);
  const columns = names.join(', ');
  const types = Object.values(key);
  const bounds = types.map((type, i) => `$${i + 1}::${type}`).join(', ');
  const window = `SELECT ${columns} FROM ${table} WHERE $1::uuid IS NULL OR (${columns}) > (${bounds}) ORDER BY ${columns} LIMIT 5000`;
  const inspect = `
    SELECT ${[...new Set([...names, ...shows])].map((name) => `t.${name}`).join(', ')}, ${faults.map(({ where }, i) => `${where} AS fault_${i}`).join(', ')}
    FROM unnest(${types.map((type, i) => `$${i + 1}::${type}[]`).join(', ')}) AS wanted (${columns})
    JOIN ${table} t ON ${names.map((name) => `t.${name} = wanted.${name}`).join(' AND ')}`;
  return {
    of,
    invariants: ['I17'],
    window: (after) =>
      dataSource.query<Key[]>(
        window,
        after ? names.map((name) => after[name]) : names.map(() => null),
      ),
    async inspect(keys) {
      const rows = await dataSource.query<Key[]>(inspect, columnsOf(keys, names));
      return rows.flatMap((row) =>
        faults
          .filter((_, i) => row[`fault_${i}`])
          .map((fault) => findingOf(dataSource, row, names, shows, fault)),
      );
    },
  };
}

function findingOf(
  dataSource: DataSource,
  row: Key,
  names: readonly string[],
  shows: readonly string[],
  { what, mend }: Fault,
): Finding<Key> {
  const part = (of: readonly string[]): Key =>
    Object.fromEntries(of.map((name) => [name, row[name]!]));
  const key = part(names);
  const mending = mend && {
    mend: () => dataSource.query(mend, Object.values(key)).then(() => true),
  };
  return { invariant: 'I17', key, what, ids: part(shows), ...mending };
}
