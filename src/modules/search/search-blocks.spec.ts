import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { nextLook, type Seen, type Span } from './search-blocks.js';

const DAY_MS = 86_400_000;
const ACCOUNT = 'account';
const WANTED = 21;

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
  isRest: boolean;
}

/** All looks into a span, when each finds so many matches (0 where nothing is said). */
function looksInto(span: Span, seen: Seen, finds: readonly number[] = []): Look[] {
  const looks: Look[] = [];
  for (let { to } = span, { hits, ms } = seen; to >= span.from;) {
    const { blocks, from } = nextLook(ACCOUNT, { from: span.from, to }, WANTED, { hits, ms });
    const day = (time: number): number => Math.floor(time / DAY_MS);
    const days = blocks?.flatMap(daysOf) ?? daysFrom(day(to), day(to) - day(from) + 1);
    looks.push({ days, isRest: blocks === null });
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
      .integer({ min: 0, max: 25_000 })
      .map((days) => ({ to: 0, from: -days * DAY_MS }));
    const finds = fc.array(fc.nat({ max: 2 }), { maxLength: 20 });
    fc.assert(
      fc.property(spans, seens, finds, (span, seen, found) => {
        expect(looksInto(span, seen, found).length).toBeLessThanOrEqual(16);
        const { blocks } = nextLook(ACCOUNT, span, WANTED, seen);
        expect(blocks?.length ?? 0).toBeLessThanOrEqual(90);
      }),
    );
  });

  it('begin with about as many days as the matches need that are wanted, and take what has few at once', () => {
    const span = { from: 0, to: 1000 * DAY_MS - 1 };
    // 5 in half a day: 80, and 9 for chance, in nine days.
    const look = nextLook(ACCOUNT, span, 80, { hits: 5, ms: DAY_MS / 2 });
    const days = look.blocks!.flatMap(daysOf);
    expect(days.length).toBeGreaterThanOrEqual(9);
    expect(days.length).toBeLessThan(27);
    // None in five days is taken for half a one: for a hundred in a thousand days.
    expect(nextLook(ACCOUNT, span, 80, { hits: 0, ms: 5 * DAY_MS })).toEqual({
      blocks: null,
      from: 0,
    });
    expect(nextLook(ACCOUNT, span, 80, { hits: 0, ms: 4 * DAY_MS }).blocks).not.toBeNull();
  });
});
