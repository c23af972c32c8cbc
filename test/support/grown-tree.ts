import type { Client } from 'pg';

/** Which of the chats before it the n-th branch of a tree hangs under; 0 is the root. */
export type Shape = (n: number) => number;

/** Every branch was made from the one pair of the root. */
export const onePair: Shape = () => 0;
/** Eight branches at each chat. */
export const spread: Shape = (n) => Math.floor((n - 1) / 8);
/** Each branch hangs under the one before it. */
export const chain: Shape = (n) => n - 1;

export interface Grown {
  /** The root, then its branches in the order of their making. */
  ids: readonly string[];
  depths: readonly number[];
}

const idOf = (n: number): string => `01900000-0000-7000-8000-${n.toString(16).padStart(12, '0')}`;

const INSERT = `
  INSERT INTO chats (account_id, chat_id, root_chat_id, parent_chat_id, created_from_chat_id, fork_seq, fork_response_id, depth, jump_chat_id, name,
    last_seq, last_response_id, created_at, updated_at)
  SELECT $1, id, $2, parent, parent, 1, $3, depth, parent, 'grown', 1, $3, now(), now() FROM unnest($4::uuid[], $5::uuid[], $6::int[]) AS made (id, parent, depth)`;

/**
 * Hangs `size` branches at a root with one pair, behind the back of the server: made by it they
 * would take minutes. One tree for each account.
 */
export async function grow(
  client: Client,
  accountId: string,
  root: { id: string; pairs: string[] },
  size: number,
  shape: Shape,
): Promise<Grown> {
  const ids = [root.id];
  const depths = [0];
  const parents: string[] = [];
  for (let n = 1; n <= size; n++) {
    const parent = shape(n);
    ids.push(idOf(n));
    parents.push(ids[parent]!);
    depths.push(depths[parent]! + 1);
  }
  await client.query(INSERT, [
    accountId,
    root.id,
    root.pairs[0],
    ids.slice(1),
    parents,
    depths.slice(1),
  ]);
  // As a version of the server would leave it that does not count.
  await client.query(
    'UPDATE conversations SET revision = revision + 1, event_seq = event_seq WHERE account_id = $1 AND chat_id = $2',
    [accountId, root.id],
  );
  return { ids, depths };
}
