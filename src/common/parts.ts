/**
 * So many rows are changed by one statement: it ends long before its time-out, however many there
 * are to change.
 */
export const PART_ROWS = 5000;

/** Cuts a list into parts of `PART_ROWS` at most, in order; none when it is empty. */
export const partsOf = <T>(items: readonly T[]): T[][] =>
  Array.from({ length: Math.ceil(items.length / PART_ROWS) }, (_, n) =>
    items.slice(n * PART_ROWS, (n + 1) * PART_ROWS),
  );
