/** A client that comes back subscribes to all its conversations at once. */
const BURST = 300;
const PER_SECOND = 50;

/** How many frames a socket may send: a bucket that fills by 50 a second. */
export class FrameBucket {
  private left = BURST;
  private filledAt = performance.now();

  /** Counts one frame; false when it is too many. */
  take(): boolean {
    const now = performance.now();
    this.left = Math.min(BURST, this.left + ((now - this.filledAt) / 1000) * PER_SECOND);
    this.filledAt = now;
    return --this.left >= 0;
  }
}
