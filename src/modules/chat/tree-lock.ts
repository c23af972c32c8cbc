import type { EntityManager } from 'typeorm';
import { problems } from '../../common/problems.js';

/** A chat whose conversation is locked against every other change of its tree. */
export interface LockedChat {
  chat_id: string;
  root_chat_id: string;
  fork_response_id: string | null;
  active: boolean;
  deleted_at: string | null;
  root_deleted: boolean;
  /** PostgreSQL's clock, in microseconds, as text: a JavaScript date would cut it. */
  now: string;
}

const LOCK_ROOT = `
  SELECT r.chat_id FROM chats r
  WHERE r.account_id = $1 AND r.chat_id = (SELECT c.root_chat_id FROM chats c WHERE c.account_id = $1 AND c.chat_id = $2) FOR UPDATE`;
/**
 * As strong as what a fork takes on the chat it stands in: were it weaker and the chat the root,
 * making it stronger later could be a deadlock.
 */
const HOLD_ROOT = LOCK_ROOT.replace('FOR UPDATE', 'FOR SHARE');
const READ = `
  SELECT c.chat_id, c.root_chat_id, c.fork_response_id, c.active, c.deleted_at::text, r.deleted_at IS NOT NULL AS root_deleted,
    clock_timestamp()::text AS now
  FROM chats c JOIN chats r ON r.account_id = c.account_id AND r.chat_id = c.root_chat_id
  WHERE c.account_id = $1 AND c.chat_id = $2`;

/**
 * Locks the root's row, which every change of a tree's shape takes first: then chat rows, then the
 * conversation's row. Appends take one chat row and the conversation's row, in this order, so
 * nobody waits in a circle. Deleted chats are found too.
 * @throws chat_not_found
 */
export async function lockTree(
  tx: EntityManager,
  accountId: string,
  chatId: string,
): Promise<LockedChat> {
  await tx.query(LOCK_ROOT, [accountId, chatId]);
  // Read after the lock is held: in one statement the row could be as old as the wait was long.
  const [chat] = await tx.query<LockedChat[]>(READ, [accountId, chatId]);
  if (!chat) throw problems.chatNotFound();
  return chat;
}

/**
 * Keeps the tree's shape from being locked by others until the end of the transaction: what was
 * read of it stays true.
 */
export async function holdTree(
  tx: EntityManager,
  accountId: string,
  chatId: string,
): Promise<void> {
  await tx.query(HOLD_ROOT, [accountId, chatId]);
}

/** Makes a chat the one that its person is in. The tree must be locked. */
export async function switchActive(
  tx: EntityManager,
  accountId: string,
  rootChatId: string,
  chatId: string,
): Promise<void> {
  // Two statements, as a unique index allows one active chat at every moment, also in the middle of
  // a statement.
  await tx.query(
    `UPDATE chats SET active = false WHERE account_id = $1 AND root_chat_id = $2 AND active AND chat_id <> $3`,
    [accountId, rootChatId, chatId],
  );
  await tx.query(
    `UPDATE chats SET active = true WHERE account_id = $1 AND root_chat_id = $2 AND chat_id = $3`,
    [accountId, rootChatId, chatId],
  );
}
