import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { daysFor, looksOf } from './search-blocks.js';

const DAY_MS = 86_400_000;
const ACCOUNT = 'account';

/** The days of a block, the newest first. */
function daysOf(block: string): number[] {
  const [account, size, n] = block.split('/');
  expect(account).toBe(ACCOUNT);
  const first = Number(n) * Number(size);
  return Array.from({ length: Number(size) }, (_, i) => first + Number(size) - 1 - i);
}

const spans = fc
  .tuple(fc.integer({ min: -3000, max: 40_000 }), fc.integer({ min: 0, max: 3000 }))
  .chain(([to, days]) =>
    fc.record({
      to: fc.integer({ min: to * DAY_MS, max: (to + 1) * DAY_MS - 1 }),
      from: fc.integer({ min: (to - days) * DAY_MS, max: to * DAY_MS }),
    }),
  );

describe('the looks into a span of time', () => {
  it('have each of its days once, the newest first, and few that are newer', () => {
    fc.assert(
      fc.property(spans, fc.integer({ min: 1, max: 5000 }), (span, days) => {
        const all = looksOf(ACCOUNT, span, days).flatMap((look) => look.split(' ').flatMap(daysOf));
        const [last, first] = [Math.floor(span.to / DAY_MS), Math.floor(span.from / DAY_MS)];
        const [start] = all as [number];
        expect(all).toEqual(Array.from({ length: all.length }, (_, i) => start - i));
        expect(start).toBeGreaterThanOrEqual(last);
        expect(start - last).toBeLessThan(2 * Math.min(days, last - first + 1));
        expect(all.at(-1)).toBeLessThanOrEqual(first);
      }),
    );
  });

  it('are few, and of few blocks each, whatever the span', () => {
    const spans = fc
      .integer({ min: 0, max: 25_000 })
      .map((days) => ({ to: 0, from: -days * DAY_MS }));
    fc.assert(
      fc.property(spans, fc.integer({ min: 1, max: 5000 }), (span, days) => {
        const looks = looksOf(ACCOUNT, span, days);
        expect(looks.length).toBeLessThanOrEqual(9);
        for (const look of looks) expect(look.split(' ').length).toBeLessThanOrEqual(90);
      }),
    );
  });

  it('begin with about as many days as the matches need that are wanted', () => {
    // 5 in half a day: 80 in eight days. None is taken for half a one.
    expect(daysFor(80, 5, DAY_MS / 2)).toBe(8);
    expect(daysFor(80, 0, DAY_MS / 2)).toBe(80);
    expect(daysFor(80, 20, 0)).toBe(1);
    const [first] = looksOf(ACCOUNT, { from: 0, to: 1000 * DAY_MS }, 8);
    expect(first!.split(' ').flatMap(daysOf).length).toBeGreaterThanOrEqual(8);
    expect(first!.split(' ').flatMap(daysOf).length).toBeLessThan(24);
  });
});
