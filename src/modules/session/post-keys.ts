import { LRUCache } from 'lru-cache';
import { atMost } from '../../common/at-most.js';
import { v5 } from 'uuid';
import { newId } from '../../common/ids.js';
import { problems } from '../../common/problems.js';
import type { IdempotentRequest } from '../../database/idempotency.js';
import type { SessionKey } from './session-store.js';

const KEPT_MS = 24 * 3600 * 1000;
/**
 * Of all accounts together. Beyond it, those go first that were not asked for for the longest time.
 */
const KEYS_MAX = 50_000;
/** Of ids that are made from an Idempotency-Key. */
const KEYED_IDS = '7c0f3c1e-2f0b-5d57-9a43-0d6e8a4f1b26';

/**
 * Which Idempotency-Keys were used, and what came of it. They are kept where the effect of their
 * posts is: what a process alone knows, no other one and no later one may call done.
 */
export abstract class PostKeys {
  /**
   * Does the work, or answers what it answered when the key was used before. @throws
   * idempotency_key_reused
   */
  abstract remember(
    accountId: string,
    request: IdempotentRequest | null,
    work: () => Promise<string>,
  ): Promise<string>;
}

interface UsedKey {
  fingerprint: Buffer;
  answer: Promise<string>;
}

/** Of posts whose effect is in the memory of this process. */
export class ProcessKeys extends PostKeys {
  private readonly used = new LRUCache<string, UsedKey>({
    ...atMost(KEYS_MAX),
    ttl: KEPT_MS,
  });

  async remember(
    accountId: string,
    request: IdempotentRequest | null,
    work: () => Promise<string>,
  ): Promise<string> {
    if (!request) return work();
    const name = idFor(accountId, request);
    const known = this.used.get(name);
    if (known) {
      if (!known.fingerprint.equals(request.fingerprint)) throw problems.idempotencyKeyReused();
      const answer = await known.answer;
      request.replayed = true;
      return answer;
    }
    const answer = work();
    this.used.set(name, { fingerprint: request.fingerprint, answer });
    answer.catch(() => this.used.delete(name));
    return answer;
  }
}

/** One request that is sent twice makes one id, by which the store knows the message again. */
export function messageIdFor(
  { accountId, sessionId }: SessionKey,
  request: IdempotentRequest | null,
): string {
  return request ? idFor(accountId, request, sessionId) : newId();
}

const idFor = (accountId: string, { scope, key }: IdempotentRequest, ...more: string[]): string =>
  v5(JSON.stringify([accountId, scope, key, ...more]), KEYED_IDS);
