import type { GenerationEnds, StoredEnd } from './generation-ends.js';
import type { GenerationRow } from './generations.sql.js';

/**
 * Ends an answer whose instance is dead: what it had put down is kept and counted. Answers null when its instance lives after all, or somebody
 * else ended it.
 * @throws when a store is away; nothing happened then
 */
export function endAbandoned(ends: GenerationEnds, { status, ...row }: GenerationRow): Promise<StoredEnd | null> {
  const ref = {
    accountId: row.account_id,
    generationId: row.generation_id,
    rootChatId: row.root_chat_id,
    chatId: row.chat_id,
    responseId: row.response_id,
  };
  return ends.end(
    ref,
    { status: status === 'stopping' ? 'cancelled' : 'interrupted', model: null, usage: null, error: null },
    { ifAbandoned: true },
  );
}
