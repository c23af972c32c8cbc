import type { EntityManager, QueryRunner } from 'typeorm';
import type { EventType } from './event.entity.js';

/** One change of a conversation, to be told to everyone who watches it. */
export interface Change {
  accountId: string;
  rootChatId: string;
  type: EventType;
  /** The chat that changed. */
  chatId: string;
  createdAt: Date;
}

const RECORD = `
  WITH conversation AS (
    UPDATE conversations SET event_seq = event_seq + 1, revision = revision + 1
    WHERE account_id = $1 AND chat_id = $2
    RETURNING event_seq
  )
  INSERT INTO events (account_id, root_chat_id, seq, type, chat_id, created_at)
  SELECT $1, $2, event_seq, $3, $4, $5 FROM conversation`;

/**
 * Writes the event of a change in the transaction that makes it, and gives every chat of the tree a new revision.
 * It locks the conversation's row; chat rows are always locked before it, so that no two writers wait for each other.
 * After the commit the `EventDispatcher` wakes those who watch the conversation.
 */
export async function recordChange(tx: EntityManager, { accountId, rootChatId, type, chatId, createdAt }: Change): Promise<void> {
  await tx.query(RECORD, [accountId, rootChatId, type, chatId, createdAt]);
  if (tx.queryRunner) notesOf(tx.queryRunner).set(rootChatId, accountId);
}

const CHANGED = 'banyan:changed';

/** The conversations that a transaction has changed so far, with their accounts: noted on its query runner, which lives as long as it does. */
export function notesOf(runner: QueryRunner): Map<string, string> {
  const data = runner.data as Record<string, Map<string, string> | undefined>;
  return (data[CHANGED] ??= new Map());
}
