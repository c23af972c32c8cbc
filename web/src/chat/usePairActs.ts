import { useLocation } from 'wouter';
import { createBranch, regenerate, retry } from '../api/banyan';
import type { Pair } from '../api/types';
import { attempt, say } from '../app/notices';
import { siblingOf } from './siblings';

/** An answer that broke is written again in its place; any other gets a sibling. */
export const canRetry = ({ status }: Pair): boolean =>
  status === 'failed' || status === 'interrupted' || status === 'cancelled';

/** What buttons and keys do with one message. */
export function usePairActs(chatId: string) {
  const [, go] = useLocation();
  return {
    again: (pair: Pair): void =>
      attempt(async () => {
        if (canRetry(pair)) await retry(chatId, pair.response_id);
        else go(`/c/${(await regenerate(chatId, pair.response_id)).chat_id}`);
      }),
    branch: (pair: Pair): void =>
      attempt(async () => {
        const made = await createBranch(chatId, pair.response_id);
        go(`/c/${made.chat_id}`);
        say('A new branch. What you write now goes there.');
      }),
    /** Opens the sibling that many places away. */
    beside: (pair: Pair, by: number): void =>
      attempt(async () => go(await siblingOf(chatId, pair.response_id, by))),
  };
}
