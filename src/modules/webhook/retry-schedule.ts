/**
 * Seconds to wait after each failed attempt, as Standard Webhooks proposes: ten attempts within a
 * little more than three days.
 */
const WAITS_SECONDS = [5, 300, 1800, 7200, 18_000, 36_000, 50_400, 72_000, 86_400];
/** Receivers that went down together must not be called together. */
const JITTER = 0.2;

/**
 * Seconds until the attempt after `attempts` failed ones; null when there is none. `random` is from
 * 0 up to 1.
 */
export function waitAfter(attempts: number, random: number = Math.random()): number | null {
  const seconds = WAITS_SECONDS[attempts - 1];
  return seconds === undefined ? null : seconds * (1 + JITTER * (2 * random - 1));
}
