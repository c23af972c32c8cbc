import { setTimeout as sleep } from 'node:timers/promises';

declare const banyanImport: (url: string) => Promise<unknown>;
const CLOCK = new URL('./native/machine-clock.mjs', import.meta.url).href;

/** How often a machine that others use as well may stand still in the middle of one test. */
const TRIES_MAX = 5;
/** Who stood still for less has missed nothing that a test waits for. */
const STANDSTILL_MS = 250;
const PATIENCE_MS = 10_000;
const LOOK_MS = 10;

const { machineClock } = (await banyanImport(CLOCK)) as {
  machineClock(): Promise<() => number>;
};
const clock = await machineClock();

/**
 * Begins to measure; the answer says how many ms went by in which the machine ran. What is to be
 * done in time is held against it: a disk, or another guest, that stops the whole machine for
 * seconds is no fault of the server.
 */
export function stopwatch(): () => number {
  const started = clock();
  return () => clock() - started;
}

/**
 * Looks again and again until there is something that is true, and answers it.
 * @param patienceMs of a machine that runs; ten seconds when absent
 * @throws after that
 */
export async function until<Value>(
  look: () => Value | Promise<Value>,
  what: string | (() => string) = () => String(look),
  patienceMs = PATIENCE_MS,
): Promise<Exclude<NonNullable<Value>, false>> {
  for (const ran = stopwatch(); ; await sleep(LOOK_MS)) {
    const found = await look();
    if (found) return found as Exclude<NonNullable<Value>, false>;
    if (ran() > patienceMs)
      throw new Error(`waited in vain for ${typeof what === 'string' ? what : what()}`);
  }
}

/** Begins to watch; the answer says whether the machine stood still by now. */
export function standstill(): () => boolean {
  const [began, ran] = [performance.now(), stopwatch()];
  return () => performance.now() - began - ran() > STANDSTILL_MS;
}

/**
 * Does what needs a time not to be over yet: where it failed and the machine stood still meanwhile,
 * that says nothing, and it is done again. So `work` begins anew each time.
 */
export async function undisturbed<Result>(work: () => Promise<Result>): Promise<Result> {
  for (let tries = 1; ; tries++) {
    const stoodStill = standstill();
    try {
      return await work();
    } catch (error) {
      if (!stoodStill() || tries === TRIES_MAX) throw error;
    }
  }
}
