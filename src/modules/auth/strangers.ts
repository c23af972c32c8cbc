import { LRUCache } from 'lru-cache';
import { atMost } from '../../common/at-most.js';
import { addressKey } from '../../common/rate-limit.js';

/**
 * At this instance. Each may have 64 KiB of a frame on its way; a thousand clients of one address
 * that come back at once are no attack.
 */
const STRANGERS_MAX = 10_000;
const PER_ADDRESS_MAX = 2500;

/** Sockets that have not shown a token yet, for 5 s at most. */
export class Strangers {
  private readonly counts = new Map<string, number>();
  /** Addresses that brought too many bad tokens. */
  private readonly barred = new LRUCache<string, true>(atMost(STRANGERS_MAX));
  private total = 0;

  /** @param areBehindProxy then all of them have the proxy's address, which says nothing */
  constructor(private readonly areBehindProxy: boolean) {}

  /** What an address counts as; null where it says nothing. */
  keyOf(address: string | undefined): string | null {
    return address === undefined || this.areBehindProxy ? null : addressKey(address);
  }

  /** Lets nobody in from there for a time. */
  bar(key: string, seconds: number): void {
    this.barred.set(key, true, { ttl: seconds * 1000 });
  }

  /**
   * Lets one in. Answers a function that counts it no more, idempotent; null when there are too
   * many, of this address or in all, or when it is barred.
   */
  enter(address: string): (() => void) | null {
    const key = addressKey(address);
    const count = this.counts.get(key) ?? 0;
    if (this.barred.has(key)) return null;
    if (this.total >= STRANGERS_MAX || (count >= PER_ADDRESS_MAX && !this.areBehindProxy))
      return null;
    this.total++;
    this.counts.set(key, count + 1);
    let isCounted = true;
    return () => {
      if (isCounted) this.leave(key);
      isCounted = false;
    };
  }

  private leave(key: string): void {
    this.total--;
    const left = this.counts.get(key)! - 1;
    if (left > 0) this.counts.set(key, left);
    else this.counts.delete(key);
  }
}
