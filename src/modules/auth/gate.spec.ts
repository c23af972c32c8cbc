import { describe, expect, it } from '@jest/globals';
import { Gate } from './gate.js';

const turn = () => new Promise<void>((resolve) => setImmediate(resolve));

describe('Gate', () => {
  it('never runs more than its width at once, and runs all in order', async () => {
    const gate = new Gate(3);
    const started: number[] = [];
    let running = 0;
    let most = 0;
    const work = (n: number) => async () => {
      started.push(n);
      most = Math.max(most, ++running);
      await turn();
      running--;
      return n;
    };

    const results = await Promise.all(Array.from({ length: 20 }, (_, n) => gate.run(work(n))));

    expect(most).toBe(3);
    expect(started).toEqual(results);
  });

  it('work that fails gives its place to the next', async () => {
    const gate = new Gate(1);
    await expect(gate.run(() => Promise.reject(new Error('no')))).rejects.toThrow('no');
    await expect(gate.run(async () => 'yes')).resolves.toBe('yes');
  });
});
