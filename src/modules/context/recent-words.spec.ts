import { jest } from '@jest/globals';
import fc from 'fast-check';
import { collectGarbage } from '../../../test/support/garbage.js';
import { Deadline, under } from '../../runtime/deadline.js';
import { type ReadPair, RecentWords, WordsRange } from './recent-words.js';

const ACCOUNT = 'an account';
const pairsOf = (from: number, count: number, changed: Partial<ReadPair> = {}): ReadPair[] =>
  Array.from({ length: count }, (_, n) => ({
    chat_id: 'a chat',
    chat_created_at: 'on Monday',
    seq: from + n,
    version: 1,
    length: 1000,
    sides: { question: `question ${from + n}`, response: null },
    ...changed,
  }));

describe('words that were told lately', () => {
  it('are found by their place and version, and nothing else is', () => {
    const sizes = fc.record({ from: fc.integer({ min: 1, max: 9 }), count: fc.nat({ max: 9 }) });
    fc.assert(
      fc.property(sizes, fc.integer({ min: -1, max: 20 }), ({ from, count }, seq) => {
        const stretch = new WordsRange(pairsOf(from, count));
        const [key] = pairsOf(seq, 1);
        const isThere = seq >= from && seq < from + count;
        expect(stretch.covers(seq)).toBe(isThere);
        expect(stretch.find(key!)?.sides?.question).toBe(isThere ? `question ${seq}` : undefined);
        for (const other of [{ version: 2 }, { chat_id: 'b' }, { chat_created_at: 'on Tuesday' }])
          expect(stretch.find({ ...key!, ...other })).toBeUndefined();
      }),
    );
  });

  it('are found beside a pair that is missing', () => {
    const stretch = new WordsRange(pairsOf(1, 5).filter(({ seq }) => seq !== 3));
    const found = pairsOf(1, 6).map((key) => stretch.find(key)?.seq);
    expect(found).toEqual([1, 2, undefined, 4, 5, undefined]);
    expect(stretch.covers(5)).toBe(true);
  });

  it('are those of the last question of their chat and account', () => {
    const recent = new RecentWords(1_000_000);
    recent.keep(ACCOUNT, 'a chat', pairsOf(1, 3));
    recent.keep(ACCOUNT, 'a chat', pairsOf(2, 3));
    const { from, to } = recent.of(ACCOUNT, 'a chat');
    expect([from, to]).toEqual([2, 4]);
    for (const [account, chat] of [
      ['another', 'a chat'],
      [ACCOUNT, 'another'],
    ] as const)
      expect(recent.of(account, chat).covers(2)).toBe(false);
  });

  it('take no more memory than they may: the chat that was asked in longest ago goes first', () => {
    const recent = new RecentWords(20_000);
    for (const chat of ['a', 'b', 'c']) recent.keep(ACCOUNT, chat, pairsOf(1, 3));
    const isKept = (chat: string) => recent.of(ACCOUNT, chat).covers(1);
    expect(['a', 'b', 'c'].map(isKept)).toEqual([false, true, true]);
    recent.keep(ACCOUNT, 'd', pairsOf(1, 9));
    expect(['b', 'c', 'd'].map(isKept)).toEqual([true, true, false]);
  });

  it('take more where they have parts, which are kept beside their JSON', () => {
    const parts = [{ type: 'text' as const, text: 'said' }];
    const sides = { question: null, response: null, question_parts: parts };
    const bytes = (pairs: ReadPair[]) => new WordsRange(pairs).bytes;
    expect(bytes(pairsOf(1, 3, { sides }))).toBeGreaterThan(2 * bytes(pairsOf(1, 3)));
  });

  it('are gone five minutes after the last question, whether anybody asks again or not', () => {
    jest.useFakeTimers();
    try {
      const recent = new RecentWords(20_000);
      recent.keep(ACCOUNT, 'a chat', pairsOf(1, 3));
      jest.advanceTimersByTime(4 * 60_000);
      recent.keep(ACCOUNT, 'a chat', pairsOf(1, 4));
      jest.advanceTimersByTime(4 * 60_000);
      expect(recent.count()).toBe(1);
      jest.advanceTimersByTime(2 * 60_000);
      expect(recent.count()).toBe(0);
    } finally {
      jest.useRealTimers();
    }
  });

  it('hold nothing of the request in which they were told', async () => {
    const words = new RecentWords(1_000_000);
    const told = (): WeakRef<Deadline> => {
      const request = new Deadline();
      under(request, () => words.keep(ACCOUNT, 'a chat', pairsOf(1, 1)));
      return new WeakRef(request);
    };
    const request = told();
    await collectGarbage();
    expect([words.count(), request.deref()]).toEqual([1, undefined]);
  });

  it('are none where there is no memory for them', () => {
    const recent = new RecentWords(0);
    recent.keep(ACCOUNT, 'a chat', pairsOf(1, 1));
    expect(recent.of(ACCOUNT, 'a chat').covers(1)).toBe(false);
  });
});
