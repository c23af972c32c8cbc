import type { EntityManager } from 'typeorm';
import { tellAccount } from '../../events/account-changes.js';
import { HOLD_ACCOUNT, HOLD_FILES, LEAVE, REMOVE, type RemovedRow } from './file.sql.js';

/**
 * Takes away those files that no pair names, and bytes that are no file any more; a job takes these
 * out of their store. Answers how many files went.
 */
export async function removeFiles(
  tx: EntityManager,
  accountId: string,
  fileIds: readonly string[],
): Promise<number> {
  await tx.query(HOLD_ACCOUNT, [accountId]);
  await tx.query(HOLD_FILES, [accountId, fileIds]);
  const [removed] = await tx.query<[RemovedRow[], number]>(REMOVE, [accountId, fileIds]);
  if (removed.length > 0) await tx.query(LEAVE, [accountId, removed.map(({ sha256 }) => sha256)]);
  const gone = removed.map(({ file_id: id }) => id);
  await tellAccount(tx, accountId, 'file.deleted', gone);
  return removed.length;
}
