import { setTimeout as sleep } from 'node:timers/promises';
import { Injectable, Logger } from '@nestjs/common';
import { problemOf } from '../common/problem.filter.js';
import { Config } from '../config/config.js';

const TRY_AGAIN_MS = 1000;

/**
 * Whether something failed as a store is away, busy or slow (all that is 503); also in the middle
 * of a change, whose outcome nobody knows then.
 */
export const isStoreAway = (error: unknown): boolean => problemOf(error, 'GET').kind.status === 503;

interface WaitOptions {
  /** For the log: what waits. */
  what: string;
  /** Ends the wait. */
  signal?: AbortSignal;
  /** Whether any failure is waited out, and not only that a store is away. */
  always?: boolean;
}

/**
 * How answers meet a store that is away: their questions are stored and nobody asks them again, so
 * what has to be read or written for them is tried each second until it is back, for
 * STORE_PATIENCE_SECONDS. Requests have no such patience: they are told 503.
 */
@Injectable()
export class StorePatience {
  private readonly logger = new Logger('Answers');

  constructor(private readonly config: Config) {}

  /**
   * @throws what `work` does not get over, as it came; the problem of the store after the patience;
   * an AbortError by `signal`
   */
  async during<Result>(
    work: () => Promise<Result>,
    { what, signal, always = false }: WaitOptions,
  ): Promise<Result> {
    const until = performance.now() + this.config.STORE_PATIENCE_SECONDS * 1000;
    for (;;) {
      try {
        return await work();
      } catch (error) {
        const isAway = isStoreAway(error);
        if (!isAway && !always) throw error;
        if (performance.now() >= until) throw isAway ? problemOf(error, 'GET') : error;
        this.logger.warn({ message: `${what} waits for a store`, cause: (error as Error).message });
        await sleep(TRY_AGAIN_MS, undefined, { signal, ref: false });
      }
    }
  }
}
