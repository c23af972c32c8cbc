const DAY_MS = 86_400_000;

/** How many days the blocks of time take that pairs are indexed by; each a part of the next. */
const SIZES = [1, 8, 64, 512] as const;
/** Each look covers so many times as much time as the one before it. */
const GROWTH = 4;
/** A match more or less in a hundred pairs is chance: none means few. */
const HITS_LEAST = 0.5;

/** In milliseconds since 1970, both within. */
export interface Span {
  from: number;
  to: number;
}

const DAY = `((created_at AT TIME ZONE 'UTC')::date - DATE '1970-01-01')`;

/**
 * The blocks of a row of `message_search`, as its index has them. The account is in each: blocks of
 * others are not looked through. The shifts are divisions that round down, also before 1970.
 */
export const BLOCKS_SQL = `(ARRAY[account_id::text || '/1/' || (${DAY} >> 0), account_id::text || '/8/' || (${DAY} >> 3),
        account_id::text || '/64/' || (${DAY} >> 6), account_id::text || '/512/' || (${DAY} >> 9)])`;

/**
 * In how many days about `wanted` matches are, when so many were found in the last `hitsMs`; at
 * least one.
 */
export function daysFor(wanted: number, hits: number, hitsMs: number): number {
  const perDay = (Math.max(hits, HITS_LEAST) * DAY_MS) / Math.max(hitsMs, 1);
  return Math.max(1, Math.ceil(wanted / perDay));
}

/**
 * What to look into, one after the other, to find the newest matches in `span`: each a list of
 * blocks between spaces, all of them together without a gap or an overlap. The first covers about
 * `days`, and each further one four times as much: so no more than some times the matches that are
 * wanted is fetched, and as seldom as the logarithm of the time. The index finds each block by
 * itself: so the first look begins with the end of a block that is about as long as it is, which
 * may be behind the span.
 */
export function looksOf(accountId: string, span: Span, days: number): string[] {
  const first = Math.floor(span.from / DAY_MS);
  const last = Math.floor(span.to / DAY_MS);
  const looks: string[] = [];
  let wanted = days;
  for (let day = last; day >= first; wanted *= GROWTH) {
    const left = day - first + 1;
    const taken = Math.min(left, wanted);
    const end = day - taken;
    if (day === last)
      day = endOfBlock(
        day,
        SIZES.findLast((size) => size < 2 * taken)!,
      );
    const blocks: string[] = [];
    while (day > end) {
      const size = sizeAt(day, day - end);
      blocks.push(`${accountId}/${size}/${Math.floor(day / size)}`);
      day -= size;
    }
    looks.push(blocks.join(' '));
  }
  return looks;
}

const endOfBlock = (day: number, size: number): number => (Math.floor(day / size) + 1) * size - 1;

/** The largest block that ends with the day, and is not much more than what is left. */
const sizeAt = (day: number, left: number): number =>
  SIZES.findLast((size) => (day + 1) % size === 0 && size < 2 * left) ?? 1;
