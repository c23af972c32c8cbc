import { waitAfter } from './retry-schedule.js';

describe('the schedule of attempts', () => {
  it('waits as Standard Webhooks proposes, and ends after the tenth', () => {
    const waits = Array.from({ length: 10 }, (_, n) => waitAfter(n + 1, 0.5));
    expect(waits).toEqual([5, 300, 1800, 7200, 18_000, 36_000, 50_400, 72_000, 86_400, null]);
  });

  it('spreads each wait by a fifth to both sides', () => {
    expect([waitAfter(2, 0), waitAfter(2, 1)]).toEqual([240, 360]);
  });
});
