import type { DataSource } from 'typeorm';
import type { Config } from '../../config/config.js';
import { expiryOf } from '../../modules/chat/expiry.sql.js';
import { READ_TREE, type PurgeRow } from '../../modules/maintenance/purge.sql.js';
import { purgePlan } from '../../tree/purge.js';
import type { Finding } from '../check.js';
import type { PairKey } from './pairs.sql.js';

const ROOTS = `
  SELECT DISTINCT c.account_id, c.root_chat_id FROM unnest($1::uuid[], $2::uuid[]) AS wanted (account_id, chat_id)
  JOIN chats c ON c.account_id = wanted.account_id AND c.chat_id = wanted.chat_id AND c.deleted_at IS NOT NULL`;

/**
 * Leaves out what is being purged: there the words go some seconds before the pairs, and nobody can
 * ask for them. It is looked up for what seems to be lost alone.
 */
export async function withoutDoomed(
  dataSource: DataSource,
  config: Config,
  findings: readonly Finding<PairKey>[],
): Promise<Finding<PairKey>[]> {
  const lost = findings.filter(({ invariant }) => invariant === 'I3');
  if (lost.length === 0) return [...findings];
  const keys = [lost.map(({ key }) => key.account_id), lost.map(({ key }) => key.chat_id)];
  const keepTo = new Map<string, number>();
  for (const { account_id, root_chat_id } of await dataSource.query<
    { account_id: string; root_chat_id: string }[]
  >(ROOTS, keys)) {
    const tree = await dataSource.query<PurgeRow[]>(READ_TREE.text, [
      account_id,
      root_chat_id,
      ...expiryOf(config),
    ]);
    for (const doom of purgePlan(tree)) keepTo.set(`${account_id}:${doom.chatId}`, doom.keepTo);
  }
  const isDoomed = ({ account_id, chat_id, seq }: PairKey): boolean =>
    seq > (keepTo.get(`${account_id}:${chat_id}`) ?? Infinity);
  return findings.filter(({ invariant, key }) => invariant !== 'I3' || !isDoomed(key));
}
