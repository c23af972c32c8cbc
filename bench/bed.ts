import type { Options } from './options.js';
import { chatIdOf, seedChats, seedPairs, settle } from './seed.js';
import type { Stage } from './stage.js';

/** The chats that the scenarios share. */
export interface Bed {
  /** A chat of `bigPairs` pairs. */
  big: string;
  bigPairs: number;
  /** Chats with no pairs at first, numbered from 1: `chatIdOf(1)` … `chatIdOf(many)`. */
  many: number;
  /** An empty chat that nobody used yet. */
  fresh: () => Promise<string>;
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
  await settle(sql);
  return { big, bigPairs, many: manyChats, fresh, filled };
}
