import { readdirSync, readFileSync } from 'node:fs';

/**
 * Microseconds of one clock tick in `/proc/<pid>/stat`; USER_HZ is 100 on every Linux that Node
 * runs on.
 */
const TICK_US = 10_000;

/**
 * CPU time that a process has used so far, all threads, in microseconds; NaN where there is no
 * `/proc`.
 */
export function cpuOf(pid: number): number {
  try {
    const threads = readdirSync(`/proc/${pid}/task`);
    return threads.reduce(
      (sum, thread) => sum + nanosecondsOf(`/proc/${pid}/task/${thread}`) / 1000,
      0,
    );
  } catch {
    return NaN;
  }
}

/** CPU time of a process and its children, those that have ended counted too, in microseconds. */
export function cpuOfFamily(pid: number): number {
  try {
    const ended = statOf(pid)
      .slice(13, 15)
      .reduce((sum, ticks) => sum + Number(ticks) * TICK_US, 0);
    return childrenOf(pid).reduce((sum, child) => sum + cpuOfChild(child), cpuOf(pid) + ended);
  } catch {
    return NaN;
  }
}

/** The parent of a process; NaN where there is no `/proc`. */
export function parentOf(pid: number): number {
  try {
    return Number(statOf(pid)[1]);
  } catch {
    return NaN;
  }
}

const nanosecondsOf = (folder: string): number =>
  Number(readFileSync(`${folder}/schedstat`, 'utf8').split(' ')[0]);

/** A child may end between the listing and the reading. */
function cpuOfChild(pid: number): number {
  const used = cpuOf(pid);
  return Number.isNaN(used) ? 0 : used;
}

function childrenOf(pid: number): number[] {
  return readdirSync('/proc')
    .map(Number)
    .filter((candidate) => candidate > 0 && parentOf(candidate) === pid);
}

/**
 * Fields of `/proc/<pid>/stat` from the state on (the third of proc(5)); the name before it may
 * hold blanks.
 */
function statOf(pid: number): string[] {
  const text = readFileSync(`/proc/${pid}/stat`, 'latin1');
  return text.slice(text.lastIndexOf(')') + 2).split(' ');
}
