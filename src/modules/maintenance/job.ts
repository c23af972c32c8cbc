/** Housekeeping that one instance at a time does, now and then. */
export interface Job {
  readonly name: string;
  readonly everySeconds: number;
  /**
   * Does all there is to do, in small steps: each statement is bounded in rows and time. It may be
   * cut off anywhere and starts again at the next time. Ends soon after `signal` is aborted.
   * @returns how many things it removed.
   */
  run(signal: AbortSignal): Promise<number>;
  /**
   * Whether its last run ended before its work, for the sake of the other jobs: then it comes again
   * as soon as these had their turn.
   */
  hasMore?(): boolean;
}

/** Repeats a statement that removes at most `batch` rows, until one removes fewer. */
export async function inBatches(
  batch: number,
  signal: AbortSignal,
  removeSome: () => Promise<number>,
): Promise<number> {
  for (let total = 0; ;) {
    const removed = await removeSome();
    total += removed;
    if (removed < batch || signal.aborted) return total;
  }
}
