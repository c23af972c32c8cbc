import { AsyncLocalStorage } from 'node:async_hooks';
import { afterRunning, runningMs } from './run-clock.js';

/** How long a request may take that waits for stores alone; the contract says 3 s to the answer. */
const REQUEST_MS = 2800;

/** When a request must have been answered that waits for a store which is away. */
export class Deadline {
  private endsAtMs = runningMs() + REQUEST_MS;
  private pausedAtMs: number | null = null;

  /** @param isGone whether the client has left before its answer */
  constructor(private readonly isGone: () => boolean = () => false) {}

  get clientIsGone(): boolean {
    return this.isGone();
  }

  get leftMs(): number {
    return this.endsAtMs - (this.pausedAtMs ?? runningMs());
  }

  /** Time that is the client's own, until `resume`. */
  pause(): void {
    this.pausedAtMs = runningMs();
  }

  resume(): void {
    if (this.pausedAtMs !== null) this.endsAtMs += runningMs() - this.pausedAtMs;
    this.pausedAtMs = null;
  }

  /** From now on it counts anew, if it counts. */
  restart(): void {
    if (this.endsAtMs !== Infinity) this.endsAtMs = runningMs() + REQUEST_MS;
  }

  /** What goes on behind an answer, or waits for a model, has limits of its own. */
  lift(): void {
    this.endsAtMs = Infinity;
  }
}

const current = new AsyncLocalStorage<Deadline>();

/** The deadline of the request that is at work here, if there is one. */
export const requestDeadline = (): Deadline | undefined => current.getStore();

/** Runs `work`, and all that comes of it, under that deadline; undefined is none. */
export const under = <Result>(limit: Deadline | undefined, work: () => Result): Result =>
  current.run(limit as Deadline, work);

/** A store that answered somebody so lately is not away. */
const SILENCE_MS = 1000;

/**
 * What is heard from one store. Where it answers others it is busy and not away, and to refuse what
 * it would do in a moment would make it do that twice: so the deadline of a request ends its
 * waiting for a store that is silent to everybody. A single step keeps its own limit besides.
 */
export class Pulse {
  private heardAtMs = 0;

  /** The store has answered. */
  beat(): void {
    this.heardAtMs = runningMs();
  }

  /**
   * Calls `giveUp` once: after `limitMs`, or when the time of the request at work is over and the
   * store is silent. What has arrived by then is read first, and a standstill of this process
   * counts for neither. Returns what ends the watch.
   */
  watch(giveUp: () => void, limitMs = Infinity): () => void {
    const limit = requestDeadline();
    const endsAtMs = runningMs() + limitMs;
    let stop = (): void => undefined;
    const look = (): void => {
      const now = runningMs();
      const silentMs = this.heardAtMs + SILENCE_MS - now;
      const leftMs = Math.min(endsAtMs - now, Math.max(limit?.leftMs ?? Infinity, silentMs));
      if (leftMs <= 0) giveUp();
      else if (leftMs !== Infinity) stop = afterRunning(leftMs, look);
    };
    look();
    return () => stop();
  }
}

/**
 * Answers as `work` does, or fails with `late()` after `ms` milliseconds; what `work` comes to
 * after that is nobody's concern. A process that did not get to run for so long first reads what
 * has arrived meanwhile: that is no silence of the other side.
 * @param pulse of the store that is asked: a standstill of this process does not count then, and
 * the deadline of the request may end the waiting earlier
 */
export async function within<Result>(
  ms: number,
  work: Promise<Result>,
  late: () => Error,
  pulse?: Pulse,
): Promise<Result> {
  let timer: NodeJS.Timeout | undefined;
  let stop: (() => void) | undefined;
  const expired = new Promise<never>((_resolve, reject) => {
    const giveUp = (): void => reject(late());
    if (pulse) stop = pulse.watch(giveUp, ms);
    else timer = setTimeout(() => setImmediate(giveUp), ms);
  });
  try {
    return await Promise.race([work, expired]);
  } finally {
    clearTimeout(timer);
    stop?.();
  }
}
