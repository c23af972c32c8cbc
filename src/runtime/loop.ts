import { under, within } from './deadline.js';
import type { Outage } from './outage.js';

/** A run that failed is done again after this, or after `everyMs` where that is shorter. */
const AGAIN_MS = 1000;
/**
 * A stop waits no longer for the run in progress: what it does is safe to be cut off, or it would
 * not be safe from a crash.
 */
const STOP_MS = 5000;
/** Node's timers may be early by less than this. */
const EARLY_MS = 1;

/** When a loop runs, in milliseconds. */
export interface Rhythm {
  /**
   * From the end of a run whose time it was to the next; it begins with `start`. Without it the
   * loop runs only when it is woken.
   */
  everyMs?: number;
  /** How long a wake-up waits for others to share its run. */
  gatherMs?: number;
  /** The least time from the end of a run to the beginning of the next. */
  restMs?: number;
}

/**
 * @param isTime whether the time of the run has come; false for one that was only woken
 * @returns in how many milliseconds the next is due, where that is not after `everyMs`; Infinity:
 * not before it is started or woken again
 */
export type LoopWork = (isTime: boolean) => number | void | Promise<number | void>;

/**
 * Does its work again and again: when it is time, and when it is woken. One run at a time: whoever
 * wakes it during a run gets exactly one more, which begins after that. A run that fails is told
 * once for each outage and done again after a pause. It holds no process alive, and is under the
 * deadline of no request, whoever woke it.
 */
export class Loop {
  private running: Promise<void> | null = null;
  private stopped = false;
  private timedAtMs = Infinity;
  private wokenAtMs = Infinity;
  private notBeforeMs = 0;
  private timer: NodeJS.Timeout | undefined;
  private immediate: NodeJS.Immediate | undefined;

  constructor(
    private readonly work: LoopWork,
    private readonly outage: Outage,
    private readonly rhythm: Rhythm = {},
  ) {}

  /** A run that is long looks at it, and ends early. */
  get isStopped(): boolean {
    return this.stopped;
  }

  /** The next run by time begins in `ms` at the latest. */
  start(ms = this.rhythm.everyMs ?? 0): void {
    this.timedAtMs = Math.min(this.timedAtMs, performance.now() + ms);
    this.arm();
  }

  /** Returns at once and never throws. */
  wake(): void {
    if (this.stopped || this.wokenAtMs !== Infinity) return;
    this.wokenAtMs = performance.now() + (this.rhythm.gatherMs ?? 0);
    this.arm();
  }

  /**
   * Waits for a run that begins from now on, and so has seen all that is there now. Never throws.
   * After `stop` it does nothing.
   */
  async flush(): Promise<void> {
    await this.running;
    await (this.running ?? this.begin());
  }

  /** No run begins any more; waits for the one in progress, for a bounded time. */
  async stop(): Promise<void> {
    this.stopped = true;
    this.arm();
    if (this.running)
      await within(STOP_MS, this.running, () => new Error('too long')).catch(() => undefined);
  }

  private arm(): void {
    clearTimeout(this.timer);
    clearImmediate(this.immediate);
    if (this.stopped || this.running) return;
    const ms =
      Math.max(Math.min(this.timedAtMs, this.wokenAtMs), this.notBeforeMs) - performance.now();
    // What is woken in one go shares one run.
    if (ms <= 0) this.immediate = setImmediate(() => this.begin()).unref();
    else if (ms !== Infinity) this.timer = setTimeout(() => this.begin(), Math.ceil(ms)).unref();
  }

  private async begin(): Promise<void> {
    if (this.stopped) return;
    clearTimeout(this.timer);
    clearImmediate(this.immediate);
    await (this.running = under(undefined, () => this.run()));
  }

  private async run(): Promise<void> {
    const isTime = this.timedAtMs <= performance.now() + EARLY_MS;
    if (isTime) this.timedAtMs = Infinity;
    this.wokenAtMs = Infinity;
    try {
      const nextMs =
        (await this.work(isTime)) ?? (isTime ? this.rhythm.everyMs : undefined) ?? Infinity;
      this.outage.end();
      this.timedAtMs = Math.min(this.timedAtMs, performance.now() + nextMs);
      this.notBeforeMs = performance.now() + (this.rhythm.restMs ?? 0);
    } catch (error) {
      this.outage.begin(error);
      this.tryAgain(isTime);
    }
    this.running = null;
    this.arm();
  }

  private tryAgain(isTime: boolean): void {
    this.notBeforeMs = performance.now() + Math.min(this.rhythm.everyMs ?? AGAIN_MS, AGAIN_MS);
    if (isTime) this.timedAtMs = this.notBeforeMs;
    else this.wokenAtMs = this.notBeforeMs;
  }
}
