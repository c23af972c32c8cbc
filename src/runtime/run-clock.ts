/** How often the clock is looked at when nobody asks it. */
const LOOK_MS = 100;
/** More than this between two looks is a standstill, and counts as this much. */
const GAP_MS_MAX = 500;

let seenAtMs = performance.now();
let stoodStillMs = 0;

/**
 * Milliseconds for which this process has been running, of which differences count. It ticks as
 * `performance.now()` does, but a standstill (a paused or overloaded machine, a stopped process)
 * counts as half a second at most: others were not asked meanwhile, and perhaps stood still as
 * well, so it says nothing of them that they did not answer.
 */
export function runningMs(): number {
  const now = performance.now();
  const gapMs = now - seenAtMs;
  if (gapMs > GAP_MS_MAX) stoodStillMs += gapMs - GAP_MS_MAX;
  seenAtMs = now;
  return now - stoodStillMs;
}

setInterval(runningMs, LOOK_MS).unref();

/**
 * Calls `work` when this process has run for `ms` milliseconds, and has read what arrived until
 * then. Returns what ends the waiting.
 */
export function afterRunning(ms: number, work: () => void): () => void {
  const atMs = runningMs() + ms;
  let isOver = false;
  let timer: NodeJS.Timeout;
  const look = (): void => {
    if (isOver) return;
    const leftMs = atMs - runningMs();
    if (leftMs <= 0) work();
    else arm(leftMs);
  };
  const arm = (leftMs: number): void => {
    timer = setTimeout(() => setImmediate(look), Math.ceil(leftMs));
  };
  arm(ms);
  return () => {
    isOver = true;
    clearTimeout(timer);
  };
}
