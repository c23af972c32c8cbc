import { setTimeout } from 'node:timers/promises';
import type { Options } from './options.js';
import { chatIdOf, pairsOf, seedChats, seedPairs, settle } from './seed.js';
import type { Stage } from './stage.js';

const FINDABLE_TIMEOUT_MS = 600_000;
const POLL_MS = 100;

/** The housekeeping takes all pairs of the account for findable: nobody searches it. */
const NEVER_WALKED = `INSERT INTO search_accounts (account_id, walked_to, row_id) VALUES ($1, 'ffffffff-ffff-ffff-ffff-ffffffffffff', gen_random_uuid())`;

/** The chats that the scenarios share. */
export interface Bed {
  /** A chat of `bigPairs` pairs. */
  big: string;
  bigPairs: number;
  /**
   * Chats with no pairs at first, numbered from 1: `chatIdOf(1)` … `chatIdOf(many)`. The peers'
   * account has as many of the same ids.
   */
  many: number;
  /** An empty chat that nobody used yet. */
  fresh: () => Promise<string>;
  /** Waits until all pairs are found by search, those of an earlier scene too. */
  findable: () => Promise<void>;
  /** Waits until so many of those made since then are. */
  found: (pairs: number, since: Date) => Promise<void>;
  /** A chat with so many pairs that nobody used yet. */
  filled: (pairs: number) => Promise<string>;
}

export async function makeBed(
  { sql, accountId, peerAccountId }: Stage,
  { bigPairs, manyChats, shortChats }: Options,
): Promise<Bed> {
  let last = manyChats;
  const some = async (chats: number): Promise<string[]> => {
    const first = last + 1;
    last += chats;
    await seedChats(sql, accountId, first, last);
    return Array.from({ length: chats }, (_, n) => chatIdOf(first + n));
  };
  const fresh = async (): Promise<string> => (await some(1))[0]!;
  const filled = async (pairs: number): Promise<string> => {
    const chatId = await fresh();
    await seedPairs(sql, accountId, [chatId], pairs);
    return chatId;
  };
  for (const id of [accountId, peerAccountId]) await seedChats(sql, id, 1, manyChats);
  await sql.query(NEVER_WALKED, [peerAccountId]);
  await seedPairs(sql, accountId, await some(shortChats), 1);
  const big = await filled(bigPairs);
  const found = (pairs: number, since: Date): Promise<void> =>
    untilFindable(sql, accountId, pairs, since);
  const findable = async (): Promise<void> => found(await pairsOf(sql, accountId), new Date(0));
  await findable();
  await settle(sql);
  return { big, bigPairs, many: manyChats, findable, found, fresh, filled };
}

/**
 * The server makes pairs findable behind their append, and would take its CPU from what is measured
 * meanwhile. Waits until so many of those made since then can be found.
 */
async function untilFindable(
  sql: Stage['sql'],
  accountId: string,
  pairs: number,
  since: Date,
): Promise<void> {
  for (
    const until = Date.now() + FINDABLE_TIMEOUT_MS;
    Date.now() < until;
    await setTimeout(POLL_MS)
  ) {
    const { rows } = await sql.query<{ found: number }>(
      'SELECT count(*)::int AS found FROM message_search WHERE account_id = $1 AND created_at >= $2',
      [accountId, since],
    );
    if (rows[0]!.found >= pairs) return;
  }
  throw new Error('the pairs were not made findable in time: the measurement is void');
}
