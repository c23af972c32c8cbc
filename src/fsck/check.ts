/**
 * What must hold in both stores at every moment, numbered as in `docs/operations.md`. Missing
 * numbers are checked by tests alone.
 */
export const INVARIANTS = {
  I1: 'every pair that was announced exists',
  I2: 'an idempotency key made at most one pair, and no two keys the same one',
  I3: 'the words of every pair are in the content store or in the journal, unchanged',
  I4: 'no words are kept of pairs that do not exist',
  I5: 'every chat owns its pairs from the fork on, without a gap or a double',
  I6: 'every branch hangs at a pair that its parent owns, without a cycle',
  I7: 'every living conversation has exactly one active chat, which is alive',
  I8: 'the events of a conversation count from 1 without a gap',
  I9: 'every answer that a key would get again can be read and names what exists',
  I10: 'whoever waits for an answer waits for one that somebody writes, and no chat has two of them',
  I14: 'what MongoDB repeats of PostgreSQL is equal to it',
  I15: 'no words wait for MongoDB longer than a minute',
  I16: 'no version of words in the content store is newer than PostgreSQL knows',
  I17: 'what is kept beside chats (ids of clients, numbers, notes, summaries, webhooks) is of what exists',
  I18: 'nothing is left of the words of redacted pairs',
  I19: 'what was said of every pair can be found, and nothing is found of pairs that do not exist',
  I20: 'every file has its bytes, and no bytes are kept that are no file',
} as const;
export type InvariantId = keyof typeof INVARIANTS;

/** Where something is wrong: ids and numbers alone, never a word of anybody. */
export type Ids = Readonly<Record<string, string | number | null>>;

/** One place where an invariant does not hold. */
export interface Finding<Key = unknown> {
  invariant: InvariantId;
  /** The key of the check under which it is looked at again. */
  key: Key;
  /** A fixed sentence; what differs from case to case is in `ids`. */
  what: string;
  ids: Ids;
  /**
   * Mends it and answers true, or answers false where that turned out not to be possible. Absent =
   * nothing here can mend it.
   */
  mend?: () => Promise<boolean>;
  /** True for what mends itself without anybody and is only hurried by a repair: never counted. */
  healing?: boolean;
}

/**
 * A walk over one table or collection. It goes by windows of sorted keys, so memory is bounded and
 * the whole is linear; and because the server may be at work meanwhile, what `inspect` finds is
 * looked at again (by the same keys, some time later) before it is believed.
 */
export interface Check<Key = unknown> {
  /** What is counted: `chats`, `pairs`, … */
  readonly of: string;
  readonly invariants: readonly InvariantId[];
  /**
   * Waits before each further look at something suspicious, in milliseconds; by default
   * `RECHECK_MS`.
   */
  readonly recheckMs?: readonly number[];
  /**
   * The next keys after `after` (null = from the first on), sorted; an empty list ends the walk.
   */
  window(after: Key | null): Promise<Key[]>;
  inspect(keys: readonly Key[]): Promise<Finding<Key>[]>;
}

/**
 * Two looks at the stores, one after the other, may each see another moment; a write between them
 * is over long before the last of these.
 */
export const RECHECK_MS: readonly number[] = [200, 600, 1200];

/** What makes two findings the same one, seen twice. */
export const identityOf = ({ invariant, what, ids }: Finding): string =>
  `${invariant} ${what} ${JSON.stringify(ids)}`;

/**
 * Cuts rows into parts of at most `bytesMax` (a single larger row is a part by itself), in their
 * order.
 */
export function partsByBytes<Row>(
  rows: readonly Row[],
  bytesMax: number,
  bytesOf: (row: Row) => number,
): Row[][] {
  const parts: Row[][] = [];
  let room = 0;
  for (const row of rows) {
    const bytes = bytesOf(row);
    if (bytes > room || parts.length === 0) {
      parts.push([]);
      room = bytesMax;
    }
    parts.at(-1)!.push(row);
    room -= bytes;
  }
  return parts;
}

/** The columns of rows, as the arrays that `unnest` takes. */
export const columnsOf = <Row extends object>(
  rows: readonly Row[],
  names: readonly (keyof Row)[],
): unknown[][] => names.map((name) => rows.map((row) => row[name]));
