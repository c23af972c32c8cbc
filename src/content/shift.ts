import type { HeldRow } from './journal-rows.js';

/**
 * No row is begun later than this after its claim, so that the slowest (two time limits of the
 * store) ends before the lease.
 */
const SHIFT_MS = 3000;

/** What became of the rows of one claim: each of them is in one of these lists at the end. */
export class Shift {
  readonly sent: HeldRow[] = [];
  readonly verified: HeldRow[] = [];
  /** Nothing has to be done about them any more. */
  readonly done: HeldRow[] = [];
  /** The store has something else than was sent. */
  readonly lost: HeldRow[] = [];
  readonly failed: HeldRow[] = [];
  readonly untouched: HeldRow[] = [];
  /** The store does not answer at all: to try the other rows would cost a time limit each. */
  away = false;
  private readonly endsAt = Date.now() + SHIFT_MS;

  get isOver(): boolean {
    return this.away || Date.now() > this.endsAt;
  }
}
