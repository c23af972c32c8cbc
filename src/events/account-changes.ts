import type { EntityManager } from 'typeorm';
import { tellChanged } from './changes.js';
import { EVENT_TYPES } from './event.entity.js';

/** What is of an account and of no conversation. */
export const ACCOUNT_ONLY_TYPES = ['file.created', 'file.deleted', 'import.progress'] as const;

/** What `account_events.type` may be. */
export const ACCOUNT_EVENT_TYPES = [...EVENT_TYPES, ...ACCOUNT_ONLY_TYPES] as const;
export type AccountEventType = (typeof ACCOUNT_EVENT_TYPES)[number];

/**
 * Numbers events of one kind, about $3; where nobody has ever followed the account it does nothing.
 * After a wait for the row of the account PostgreSQL counts on from its newest number.
 */
const TELL = `
  WITH feed AS (
    UPDATE account_feeds SET seq = seq + cardinality($3::uuid[]) WHERE account_id = $1 RETURNING seq
  )
  INSERT INTO account_events (account_id, seq, type, subject_id)
  SELECT $1, feed.seq - cardinality($3::uuid[]) + n, $2, subject_id
  FROM feed, unnest($3::uuid[]) WITH ORDINALITY AS subject (subject_id, n)`;

/**
 * Tells those who follow the account of things that are in no conversation, in the transaction that
 * changes them: late in it, as others who give numbers wait from here on.
 */
export async function tellAccount(
  tx: EntityManager,
  accountId: string,
  type: (typeof ACCOUNT_ONLY_TYPES)[number],
  subjectIds: readonly string[],
): Promise<void> {
  if (subjectIds.length === 0) return;
  await tx.query(TELL, [accountId, type, subjectIds]);
  tellChanged(tx, accountId, null);
}
