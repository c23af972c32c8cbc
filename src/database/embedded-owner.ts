import { linkSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { startTimeOf } from './embedded-process.js';

/**
 * Makes this process the only user of the data folder. A claim left by a process that is dead does
 * not count.
 *
 * The claim is a file with pid and start time. PostgreSQL has a lock of its own, but that belongs
 * to the server process: it cannot tell a server whose Banyan was killed (wait for its end) from
 * one that is in use (say so at once).
 * @returns gives the folder back
 * @throws Error when a living process uses the folder
 */
export function claimFolder(dataDir: string): () => void {
  const file = join(dataDir, 'banyan.pid');
  const mine = `${process.pid} ${startTimeOf(process.pid)}\n`;
  for (;;) {
    if (tryCreate(file, mine)) return () => release(file, mine);
    const theirs = read(file);
    if (isLive(theirs)) throw inUse(dataDir, theirs);
    moveAway(file, theirs);
  }
}

const inUse = (dataDir: string, claim: string): Error =>
  new Error(
    `The data folder ${dataDir} is in use by another Banyan (process ${claim.split(' ')[0]}). Stop that one, or set DATA_DIR to another folder.`,
  );

function tryCreate(file: string, text: string): boolean {
  // Written aside and linked, so that nobody ever reads a half-written claim; link fails when the
  // name is taken.
  const aside = `${file}.${process.pid}`;
  writeFileSync(aside, text);
  try {
    linkSync(aside, file);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  } finally {
    rmSync(aside, { force: true });
  }
}

function read(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}

function isLive(claim: string): boolean {
  const [pid, ...startTime] = claim.trim().split(' ');
  const started = startTimeOf(Number(pid));
  return started !== undefined && started === startTime.join(' ');
}

/**
 * Removes a dead claim. Of several starters that found it dead one may already have put its own
 * there: that one is put back.
 */
function moveAway(file: string, dead: string): void {
  const aside = `${file}.${process.pid}.dead`;
  try {
    renameSync(file, aside);
    if (readFileSync(aside, 'utf8') !== dead) linkSync(aside, file);
  } catch {
    // Gone already, or claimed anew: the next round sees what is there.
  }
  rmSync(aside, { force: true });
}

function release(file: string, mine: string): void {
  if (read(file) === mine) rmSync(file, { force: true });
}
