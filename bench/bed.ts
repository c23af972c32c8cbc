import { setTimeout } from 'node:timers/promises';
import type { Options } from './options.js';
import { chatIdOf, pairsOf, seedChats, seedPairs, settle } from './seed.js';
import type { Stage } from './stage.js';

const FINDABLE_TIMEOUT_MS = 600_000;

/** The chats that the scenarios share. */
export interface Bed {
  /** A chat of `bigPairs` pairs. */
  big: string;
  bigPairs: number;
  /** Chats with no pairs at first, numbered from 1: `chatIdOf(1)` … `chatIdOf(many)`. */
  many: number;
  /** An empty chat that nobody used yet. */
  fresh: () => Promise<string>;
  /** Waits until all pairs are found by search, those of an earlier scene too. */
  findable: () => Promise<void>;
  /** A chat with so many pairs that nobody used yet. */
  filled: (pairs: number) => Promise<string>;
}

export async function makeBed(
  { sql, accountId }: Stage,
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
  await seedChats(sql, accountId, 1, manyChats);
  await seedPairs(sql, accountId, await some(shortChats), 1);
  const big = await filled(bigPairs);
  const findable = (): Promise<void> => untilFindable(sql, accountId);
  await findable();
  await settle(sql);
  return { big, bigPairs, many: manyChats, findable, fresh, filled };
}

/**
 * The server makes pairs findable behind their append, and would take its CPU from what is measured
 * meanwhile.
 */
async function untilFindable(sql: Stage['sql'], accountId: string): Promise<void> {
  const pairs = await pairsOf(sql, accountId);
  for (const until = Date.now() + FINDABLE_TIMEOUT_MS; Date.now() < until; await setTimeout(250)) {
    const { rows } = await sql.query<{ found: number }>(
      'SELECT count(*)::int AS found FROM message_search WHERE account_id = $1',
      [accountId],
    );
    if (rows[0]!.found >= pairs) return;
  }
  throw new Error('the pairs were not made findable in time: the measurement is void');
}
