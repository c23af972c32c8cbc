import type { DataSource, EntityManager } from 'typeorm';
import { partsOf } from '../common/parts.js';
import { afterCommit } from '../database/database.js';
import type { EventType } from './event.entity.js';

/** Where something changed, and when. */
export interface ChangePlace {
  accountId: string;
  rootChatId: string;
  createdAt: Date;
}

/** One change of a conversation, to be told to everyone who watches it. */
export interface Change {
  type: EventType;
  /** The chat that changed. */
  chatId: string;
  /** The pair that it is about. */
  responseId?: string;
}

/**
 * Keeps the number of living chats along with a new revision of a conversation `v`: `grown` more.
 * Whoever gives it a revision and does not count leaves `chats_revision` behind, so the number is
 * known to be stale and counted anew (`branch/tree.sql.ts`); it can be missing, never wrong.
 */
export const countAlong = (grown: string, v = 'conversations'): string =>
  `chats_total = CASE WHEN ${v}.chats_revision = ${v}.revision THEN ${v}.chats_total + ${grown} END, chats_revision = ${v}.revision + 1`;

const RECORD = `
  WITH conversation AS (
    UPDATE conversations SET event_seq = event_seq + cardinality($3::text[]), revision = revision + 1,
      ${countAlong('$6::int')}
    WHERE account_id = $1 AND chat_id = $2
    RETURNING event_seq
  )
  INSERT INTO events (account_id, root_chat_id, seq, type, chat_id, response_id, created_at)
  SELECT $1, $2, event_seq - cardinality($3::text[]) + place, type, chat_id, response_id, $5
  FROM conversation, unnest($3::text[], $4::uuid[], $7::uuid[]) WITH ORDINALITY AS change (type, chat_id, response_id, place)`;

export const recordChange = (
  tx: EntityManager,
  { type, chatId, responseId, ...place }: ChangePlace & Change,
): Promise<void> => recordChanges(tx, place, [{ type, chatId, responseId }]);

/**
 * Writes the events of changes, in their order, in the transaction that makes them, and gives every
 * chat of the tree a new revision. It locks the conversation's row; chat rows are always locked
 * before it, so that no two writers wait for each other. After the commit the `EventDispatcher`
 * wakes those who watch the conversation.
 * @param grown how many more living chats the tree has after the changes
 */
export async function recordChanges(
  tx: EntityManager,
  { accountId, rootChatId, createdAt }: ChangePlace,
  changes: readonly Change[],
  grown = 0,
): Promise<void> {
  for (const [n, part] of partsOf(changes).entries()) {
    await tx.query(RECORD, [
      accountId,
      rootChatId,
      part.map(({ type }) => type),
      part.map(({ chatId }) => chatId),
      createdAt,
      n === 0 ? grown : 0,
      part.map(({ responseId }) => responseId ?? null),
    ]);
  }
  tellChanged(tx, accountId, rootChatId);
}

/** Who is told of changes, by the database in which they happen: a writer knows no dispatcher. */
const listeners = new WeakMap<DataSource, ChangeListener>();

/** Null: what changed is in no conversation. */
type ChangeListener = (accountId: string, rootChatId: string | null) => void;

/** Has `listener` told of each conversation that a commit has changed. It must return at once. */
export function listenTo(dataSource: DataSource, listener: ChangeListener): void {
  listeners.set(dataSource, listener);
}

/**
 * Has it told that a conversation was changed, when that is committed. For writers whose statement
 * has written the events itself; the others have `recordChanges`.
 */
export function tellChanged(tx: EntityManager, accountId: string, rootChatId: string | null): void {
  afterCommit(tx, () => listeners.get(tx.dataSource)?.(accountId, rootChatId));
}
