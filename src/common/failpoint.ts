/**
 * Where a crash test may kill the process: the two sides of every step that must survive a death
 * between them (`test/crash`). Each is hit by one call of `failpoint` in the code.
 */
export const FAILPOINTS = [
  'append.before_commit',
  'append.after_commit',
  'journal.before_put',
  'journal.after_put',
  'relay.sent',
  'relay.verified',
  'relay.deleted',
  'answer.before_end',
  'answer.after_end',
  'redaction.before_commit',
  'redaction.after_commit',
  'import.before_commit',
  'import.after_commit',
] as const;
export type Failpoint = (typeof FAILPOINTS)[number];

let armed: Failpoint | undefined;

/**
 * Makes this process die at the named place. For crash tests alone. @throws RangeError for a name
 * that no code has.
 */
export function armFailpoint(name: string): void {
  const known = FAILPOINTS.find((point) => point === name);
  // A test that arms a misspelt name would never kill anything, and pass.
  if (!known) throw new RangeError(`FAILPOINT must be one of ${FAILPOINTS.join(', ')}`);
  armed = known;
}

/** Dies here, as by `kill -9`, if this place is armed. */
export function failpoint(name: Failpoint): void {
  if (name === armed) process.kill(process.pid, 'SIGKILL');
}
