import { afterRunning } from '../runtime/run-clock.js';
import { ModelError } from './language-model.js';

/** How long a provider is waited for, in ms. */
export interface Limits {
  /** To the first word of an answer. */
  firstMs: number;
  /** From word to word. */
  idleMs: number;
  /** To the end of the whole answer. */
  wholeMs: number;
}

/**
 * Waits for a provider, and gives up when it is silent for too long, or when the caller wants no
 * more. While nobody listens, only the time for the whole answer runs, and a standstill of this
 * process is no silence of the provider.
 */
export class Patience {
  private readonly giving = new AbortController();
  private readonly stopWhole: () => void;
  private begun = false;
  private lost: ModelError | null = null;

  constructor(
    private readonly limits: Limits,
    private readonly stop: AbortSignal,
  ) {
    this.stopWhole = afterRunning(limits.wholeMs, () =>
      this.giveUp(`The answer took longer than ${seconds(limits.wholeMs)}.`),
    );
    stop.addEventListener('abort', this.end);
    if (stop.aborted) this.end();
  }

  /** Aborts when nobody waits any more. */
  get signal(): AbortSignal {
    return this.giving.signal;
  }

  /** Why it was given up; null while it was not, or when the caller stopped it. */
  get fault(): ModelError | null {
    return this.lost;
  }

  /** Waits for the next thing that the provider says. */
  async hear<Said>(listen: () => PromiseLike<Said>): Promise<Said> {
    const ms = this.begun ? this.limits.idleMs : this.limits.firstMs;
    const silence = this.begun
      ? 'The model fell silent in the middle of its answer.'
      : `The model did not begin to answer within ${seconds(ms)}.`;
    const stopWaiting = afterRunning(ms, () => this.giveUp(silence));
    try {
      return await listen();
    } finally {
      stopWaiting();
    }
  }

  /** The first word is there. */
  begin(): void {
    this.begun = true;
  }

  /** Ends the call to the provider, if it still runs. */
  readonly end = (): void => {
    this.stopWhole();
    this.stop.removeEventListener('abort', this.end);
    this.giving.abort();
  };

  private giveUp(reason: string): void {
    this.lost ??= new ModelError('provider_timeout', `${reason} Try again.`);
    this.end();
  }
}

const seconds = (ms: number): string => (ms === 1000 ? '1 second' : `${ms / 1000} seconds`);
