import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { nextLook, type Seen, type Span } from './search-blocks.js';

const DAY_MS = 86_400_000;
const ACCOUNT = 'account';
const WANTED = 21;
/** How long ago the newest pair of a span was said. */
const LATER_MS = 3 * DAY_MS;

/** The days of a block, the newest first. */
function daysOf(block: string): number[] {
  const [account, size, n] = block.split('/');
  expect(account).toBe(ACCOUNT);
  const first = Number(n) * Number(size);
  return Array.from({ length: Number(size) }, (_, i) => first + Number(size) - 1 - i);
}

const daysFrom = (first: number, count: number): number[] =>
  Array.from({ length: count }, (_, i) => first - i);

const spans = fc
  .tuple(fc.integer({ min: -3000, max: 40_000 }), fc.integer({ min: 0, max: 3000 }))
  .chain(([to, days]) =>
    fc.record({
      to: fc.integer({ min: to * DAY_MS, max: (to + 1) * DAY_MS - 1 }),
      from: fc.integer({ min: (to - days) * DAY_MS, max: to * DAY_MS }),
    }),
  );

interface Look {
  days: number[];
  /** Null for all of the account. */
  blocks: number | null;
}

/** All looks into a span, each of which finds so many matches (0 where nothing is said). */
function looksInto(span: Span, seen: Seen, finds: readonly number[] = []): Look[] {
  const looks: Look[] = [];
  const day = (time: number): number => Math.floor(time / DAY_MS);
  for (let { to } = span, { hits, ms } = seen; to >= span.from;) {
    const rest = { from: span.from, to };
    const wish = { wanted: WANTED, seen: { hits, ms }, now: span.to + LATER_MS };
    const { blocks, from } = nextLook(ACCOUNT, rest, wish);
    const days = blocks?.flatMap(daysOf) ?? daysFrom(day(to), day(to) - day(span.from) + 1);
    looks.push({ days, blocks: blocks?.length ?? null });
    // Not `toBe`: 0 and -0 are one day.
    expect(days.at(-1)! * DAY_MS === from).toBe(true);
    hits += finds[looks.length - 1] ?? 0;
    ms += to + 1 - from;
    to = from - 1;
  }
  return looks;
}

const seens = fc.record({
  hits: fc.integer({ min: 0, max: 40 }),
  ms: fc.integer({ min: 0, max: 400 * DAY_MS }),
});

describe('the looks into a span of time', () => {
  it('have each of its days once, the newest first, and few that are newer', () => {
    const finds = fc.array(fc.nat({ max: WANTED }), { maxLength: 9 });
    fc.assert(
      fc.property(spans, seens, finds, (span, seen, found) => {
        const looks = looksInto(span, seen, found);
        const [last, first] = [Math.floor(span.to / DAY_MS), Math.floor(span.from / DAY_MS)];
        const all = looks.flatMap(({ days }) => days);
        const [start] = all as [number];
        expect(all).toEqual(daysFrom(start, all.length));
        expect(start).toBeGreaterThanOrEqual(last);
        expect(start - last).toBeLessThanOrEqual(Math.min(looks[0]!.days.length, last - first + 1));
        expect(all.at(-1)).toBeLessThanOrEqual(first);
      }),
    );
  });

  it('are few, and of few blocks each, whatever the span and whatever is found', () => {
    const spans = fc
      .tuple(fc.integer({ min: -3000, max: 3000 }), fc.integer({ min: 0, max: 25_000 }))
      .map(([to, days]) => ({ to: to * DAY_MS, from: (to - days) * DAY_MS }));
    const finds = fc.array(fc.nat({ max: 2 }), { maxLength: 20 });
    fc.assert(
      fc.property(spans, seens, finds, (span, seen, found) => {
        const looks = looksInto(span, seen, found);
        expect(looks.length).toBeLessThanOrEqual(16);
        for (const { blocks } of looks) expect(blocks ?? 0).toBeLessThanOrEqual(90);
      }),
    );
  });

  it('begin with about as many days as the matches need that are wanted, and take what has few at once', () => {
    const span = { from: 0, to: 1000 * DAY_MS - 1 };
    // 5 in half a day: 80, and 9 for chance, in nine days.
    const lookFor = (hits: number, days: number, now = span.to) =>
      nextLook(ACCOUNT, span, { wanted: 80, seen: { hits, ms: days * DAY_MS }, now });
    const look = lookFor(5, 0.5);
    const days = look.blocks!.flatMap(daysOf);
    expect(days.length).toBeGreaterThanOrEqual(9);
    expect(days.length).toBeLessThan(27);
    // One more than were found is counted, and what is newer: the index fetches it as well.
    expect(lookFor(0, 10)).toEqual({ blocks: null, from: 0 });
    expect(lookFor(0, 9).blocks).not.toBeNull();
    expect(lookFor(1, 10).blocks).not.toBeNull();
    expect(lookFor(0, 10, span.to + 10 * DAY_MS).blocks).not.toBeNull();
  });
});
