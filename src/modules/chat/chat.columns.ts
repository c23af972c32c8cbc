import { exactJson } from '../../common/exact-json.js';
import { metadataTerms } from '../../common/metadata.js';
import type { Chat, ChatType } from './chat.entity.js';

/** A column as it is read: with its place in a statement, and as clients see it. */
interface Column<Value> {
  /** `c` is the row of the chat, `v` that of its conversation. */
  sql: string;
  /** Its name for clients, where that is another one. */
  as?: string;
  json: (value: Value) => string;
  /** The same made by PostgreSQL, where `row_to_json` would make another one of `sql`. */
  jsonSql?: string;
}

const column = <Value extends string | number | boolean | null>(sql: string): Column<Value> => ({
  sql,
  json: (value) => JSON.stringify(value),
});

const instant = (sql: string): Column<Date> => ({
  sql,
  json: (value) => `"${value.toISOString()}"`,
  jsonSql: `to_char(${sql} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')`,
});

/** Conversations are started by pairs of others, not branches. */
const STARTED_BY = 'CASE WHEN c.chat_id = c.root_chat_id THEN v.started_by END';

/**
 * What clients see of a chat, in the order of its JSON. SELECT lists, rows, JSON, events and the
 * answers of keys follow from this list; `ChatDto` says the same to the API document.
 */
const SHOWN = {
  chat_id: column<string>('c.chat_id'),
  root_chat_id: column<string>('c.root_chat_id'),
  parent_chat_id: column<string | null>('c.parent_chat_id'),
  fork_response_id: column<string | null>('c.fork_response_id'),
  fork_seq: column<number>('c.fork_seq'),
  depth: column<number>('c.depth'),
  account_id: column<string>('c.account_id'),
  chat_type: column<ChatType>('c.chat_type'),
  name: column<string | null>('c.name'),
  active: column<boolean>('c.active'),
  last_seq: { ...column<number>('c.last_seq'), as: 'message_count' },
  pinned: column<boolean>('v.pinned'),
  archived: column<boolean>('v.archived'),
  model: column<string | null>('c.model'),
  system_prompt: column<string | null>('c.system_prompt'),
  metadata: {
    sql: 'c.metadata',
    json: (text: string | null) => text ?? 'null',
    jsonSql: 'c.metadata::json',
  },
  started_by: {
    sql: STARTED_BY,
    json: (id: string | null) => (id === null ? 'null' : `{"response_id":"${id}"}`),
    jsonSql: `CASE WHEN ${STARTED_BY} IS NOT NULL THEN json_build_object('response_id', ${STARTED_BY}) END`,
  },
  // The one that clients know.
  revision: column<number>('c.revision + v.revision'),
  created_at: instant('c.created_at'),
  updated_at: instant('c.updated_at'),
};

const INNER = {
  last_response_id: column<string | null>('c.last_response_id'),
  // The answer that is being written at its end.
  generation_id: column<string | null>('c.generation_id'),
};

type Values<Columns> = {
  [Name in keyof Columns]: Columns[Name] extends Column<infer Value> ? Value : never;
};

/** Shown of a root alone: which chat of the conversation its person is in. */
const OF_ROOT = {
  active_chat_id: column<string | null>(activeOf('chat_id')),
};

/** By what conversations are listed: their age. An index has the same words. */
export const LISTED_AS = 'coalesce(v.listed_as, v.chat_id)';

/** Shown in lists besides: how long the path of that chat is. And for the cursor. */
export const LISTED_COLUMN = `${activeOf('last_seq')} AS active_message_count, ${LISTED_AS} AS listed_as`;

function activeOf(field: string): string {
  return `CASE WHEN c.chat_id = c.root_chat_id THEN (
    SELECT a.${field} FROM chats a
    WHERE a.account_id = c.account_id AND a.root_chat_id = c.chat_id AND a.active AND a.deleted_at IS NULL
  ) END`;
}

/** A living chat with what it shares with its conversation. */
export type ChatView = Values<typeof SHOWN> &
  Values<typeof OF_ROOT> &
  Values<typeof INNER> & { active_message_count?: number; listed_as?: string };

/** What clients say of a chat of their own, as the row keeps it. */
const SAID = {
  name: (name: string | null): Partial<Chat> => ({ name, namedBy: null }),
  system_prompt: (systemPrompt: string | null): Partial<Chat> => ({ systemPrompt }),
  model: (model: string | null): Partial<Chat> => ({ model }),
  metadata: (metadata: object | null, accountId: string): Partial<Chat> => ({
    metadata: metadata && exactJson(metadata),
    metadataTerms: metadata && metadataTerms(accountId, metadata),
  }),
};

export type ChatFields = { [Name in keyof typeof SAID]?: Parameters<(typeof SAID)[Name]>[0] };

/** The columns of what is given; what is undefined stays as it is. */
export function columnsOf(accountId: string, given: ChatFields): Partial<Chat> {
  const said = Object.entries(SAID) as [
    keyof ChatFields,
    (value: unknown, accountId: string) => Partial<Chat>,
  ][];
  return Object.assign(
    {},
    ...said.flatMap(([name, keep]) =>
      given[name] === undefined ? [] : [keep(given[name], accountId)],
    ),
  ) as Partial<Chat>;
}

/** What a branch has from the chat where it was made. */
export const INHERITED: readonly (keyof ChatView)[] = ['chat_type', 'model', 'system_prompt'];

const FIELDS = Object.entries(SHOWN) as [keyof ChatView, Column<unknown>][];

/** All of a `ChatView`. */
export const CHAT_COLUMNS = Object.entries({ ...SHOWN, ...OF_ROOT, ...INNER })
  .map(([name, { sql }]) => `${sql} AS ${name}`)
  .join(', ');

/** What `row_to_json` makes a `ChatDto` of. */
export const CHAT_JSON_COLUMNS = FIELDS.map(
  ([name, { sql, as = name, jsonSql = sql }]) => `${jsonSql} AS ${as}`,
).join(', ');

const KEYED = FIELDS.map(([name, { as = name, json }]) => ({ name, key: `"${as}":`, json }));

/** A `ChatDto`, as text. */
export function chatJson(chat: ChatView): string {
  const { active_chat_id: active, active_message_count: count } = chat;
  const fields = KEYED.map(({ name, key, json }) => key + json(chat[name]));
  if (active) fields.push(`"active_chat_id":"${active}"`);
  if (count !== undefined) fields.push(`"active_message_count":${count}`);
  return `{${fields.join(',')}}`;
}
