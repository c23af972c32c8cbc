import type { EntityManager } from 'typeorm';
import type { ContentStore } from './content-store.js';

/** Statement that asks for the mirror of the pairs of the account $1 that `where` names. */
export const mirrorOf = (from: string, where: string): string => `
  INSERT INTO content_journal (account_id, chat_id, seq, version, body, due_at, created_at)
  SELECT account_id, chat_id, seq, version, NULL, now(), now() FROM ${from} WHERE account_id = $1 AND ${where}
  ORDER BY chat_id, seq
  ON CONFLICT (account_id, chat_id, seq) DO UPDATE
  SET stored_at = NULL, verified_at = NULL, due_at = now(), attempts = 0, round = content_journal.round + 1,
    created_at = now()`;

/** The same as a part of a statement, named `mirror`; none where the words' table is no journal. */
export const mirrorPart = (table: ContentStore['table'], from: string, where: string): string =>
  table === 'content_journal' ? `mirror AS (${mirrorOf(from, where)}),` : '';

const ASK = mirrorOf('messages', 'response_id = ANY ($2::uuid[])');

/**
 * Asks the relay, in the transaction that changes the branches of some pairs, to mirror them into
 * MongoDB. The relay reads the branches when it writes, so a row says only which pair is to be
 * looked at.
 */
export async function askForMirror(
  tx: EntityManager,
  accountId: string,
  responseIds: readonly string[],
): Promise<void> {
  if (responseIds.length > 0) await tx.query(ASK, [accountId, responseIds]);
}
