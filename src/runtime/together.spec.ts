import { Deadline, requestDeadline, under } from './deadline.js';
import { Together } from './together.js';

/** Looks that find `n` as `10 n`, but nothing of 0; and what was asked at each. */
function looks(max = 8) {
  const asked: number[][] = [];
  const together = new Together<number, number>(max, async (numbers) => {
    asked.push([...numbers]);
    await Promise.resolve();
    if (numbers.includes(-1)) throw new Error('away');
    return new Map(numbers.flatMap((n, at) => (n === 0 ? [] : [[at + 1, n * 10]])));
  });
  const ask = (...numbers: number[]) => Promise.all(numbers.map((n) => together.ask(n)));
  return { asked, ask };
}

describe('what is asked in one turn', () => {
  it('is looked up together, and each is told its own', async () => {
    const { asked, ask } = looks();
    expect(await ask(3, 1, 0, 1)).toEqual([30, 10, undefined, 10]);
    expect(await ask(2)).toEqual([20]);
    expect(asked).toEqual([[3, 1, 0, 1], [2]]);
  });

  it('is looked up by so many at a time', async () => {
    const { asked, ask } = looks(2);
    expect(await ask(1, 2, 3, 4, 5)).toEqual([10, 20, 30, 40, 50]);
    expect(asked).toEqual([[1, 2], [3, 4], [5]]);
  });

  it('fails together, and what is asked later does not', async () => {
    const { ask } = looks();
    const [one, two] = await Promise.allSettled([ask(1), ask(-1)]);
    expect([one.status, two.status]).toEqual(['rejected', 'rejected']);
    expect(await ask(1)).toEqual([10]);
  });

  it('has the deadline of the first who asked', async () => {
    const [first, second] = [new Deadline(), new Deadline()];
    const limits: unknown[] = [];
    const together = new Together<number, number>(8, () => {
      limits.push(requestDeadline());
      return Promise.resolve(new Map());
    });
    await Promise.all([first, second].map((limit) => under(limit, () => together.ask(1))));
    expect(limits).toEqual([first]);
  });
});
