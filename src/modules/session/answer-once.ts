import type { Idempotency, IdempotentRequest } from '../../database/idempotency.js';

/**
 * The JSON of a post whose effect is not in PostgreSQL; there only keys and their answers are. So a process that dies between the two has done
 * the work without remembering the key: work that outlives the process must be such that doing it again changes nothing.
 */
export async function answerOnce(
  idempotency: Idempotency,
  accountId: string,
  key: IdempotentRequest | null,
  work: () => Promise<object>,
): Promise<string> {
  return key ? idempotency.once(accountId, key, work) : JSON.stringify(await work());
}
