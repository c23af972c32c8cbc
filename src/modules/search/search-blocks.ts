const DAY_MS = 86_400_000;

/** How many days the blocks of time take that pairs are indexed by; each a part of the next. */
const SIZES = [1, 8, 64, 512] as const;
/** A match more or less in a hundred pairs is chance: none means few. */
const HITS_LEAST = 0.5;
/** So many matches are fetched at once, wherever they are. */
const FEW = 100;

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

/** How many matches there were in the time that was looked through. */
export interface Seen {
  hits: number;
  ms: number;
}

/** What is looked for, when. */
export interface Wish {
  wanted: number;
  seen: Seen;
  now: number;
}

/** What to look into next. */
export interface NextLook {
  /** Null is all of the account, where it has few matches: these are found without blocks. */
  blocks: string[] | null;
  /** When the first of these days began: what is older is left. */
  from: number;
}

/**
 * Where to look next for the newest matches in `span`, by what was seen so far: in about as many
 * days as have some more than are wanted, or in all days until `now` where these have few: without
 * blocks the index fetches what is newer too. So no more than some times the matches that are
 * wanted is fetched; and in no fewer days than were looked through, so there are as few looks as
 * the logarithm of the time. The index finds each block by itself: so a span that ends within a day
 * is looked into from the end of a block on that is about as long as the look, which may be behind
 * the span.
 */
export function nextLook(accountId: string, span: Span, { wanted, seen, now }: Wish): NextLook {
  const daysSeen = Math.max(seen.ms, 1) / DAY_MS;
  const perDay = Math.max(seen.hits, HITS_LEAST) / daysSeen;
  const first = Math.floor(span.from / DAY_MS);
  const last = Math.floor(span.to / DAY_MS);
  const left = last - first + 1;
  const all = (Math.max(now, span.to) - first * DAY_MS) / DAY_MS;
  // One more: none so far may be chance.
  if ((all * (seen.hits + 1)) / daysSeen <= FEW) return { blocks: null, from: first * DAY_MS };
  const enough = Math.max((wanted + Math.sqrt(wanted)) / perDay, daysSeen);
  const days = Math.min(left, Math.max(1, Math.ceil(enough)));
  const blocks: string[] = [];
  let day = isEndOfDay(span.to) ? last : endOfBlock(last, days);
  while (day > last - days) {
    const size = sizeAt(day, day - last + days);
    blocks.push(`${accountId}/${size}/${Math.floor(day / size)}`);
    day -= size;
  }
  return { blocks, from: (day + 1) * DAY_MS };
}

/** What follows was looked into before. */
const isEndOfDay = (time: number): boolean => (time + 1) % DAY_MS === 0;

/** The end of the block with this day that is about as long as so many days. */
function endOfBlock(day: number, days: number): number {
  const size = SIZES.findLast((one) => one < 2 * days)!;
  return (Math.floor(day / size) + 1) * size - 1;
}

/** The largest block that ends with the day, and is not much more than what is left. */
const sizeAt = (day: number, left: number): number =>
  SIZES.findLast((size) => (day + 1) % size === 0 && size < 2 * left) ?? 1;
