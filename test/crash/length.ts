/**
 * `CRASH_RUN=long`: the numbers of the test plan. Without it a run that still kills everything in
 * each mode, and is over soon.
 */
const isLong = process.env.CRASH_RUN === 'long';

export const ofLength = (short: number, long: number): number => (isLong ? long : short);
