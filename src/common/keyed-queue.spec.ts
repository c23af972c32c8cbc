import { setTimeout as sleep } from 'node:timers/promises';
import { KeyedQueue } from './keyed-queue.js';

describe('a queue by keys', () => {
  it('runs tasks of one key in the order of their arrival, one at a time, and those of others side by side', async () => {
    const queue = new KeyedQueue();
    const seen: string[] = [];
    const task = (name: string, ms: number) => async () => {
      seen.push(`${name} begins`);
      await sleep(ms);
      seen.push(`${name} ends`);
    };
    await Promise.all([
      queue.run('a', task('a1', 20)),
      queue.run('a', task('a2', 1)),
      queue.run('b', task('b1', 5)),
    ]);
    expect(seen).toEqual(['a1 begins', 'b1 begins', 'b1 ends', 'a1 ends', 'a2 begins', 'a2 ends']);
    expect(queue.isBusy('a')).toBe(false);
  });

  it('goes on after a failure', async () => {
    const queue = new KeyedQueue();
    const failed = queue.run('a', () => Promise.reject(new Error('no')));
    const next = queue.run('a', async () => 'done');
    await expect(failed).rejects.toThrow('no');
    expect(await next).toBe('done');
  });

  it('tells all who wait when the failure concerns them too, and begins afresh after it', async () => {
    const queue = new KeyedQueue(() => new Error('away'));
    const [first, ...others] = await Promise.allSettled([
      queue.run('a', () => sleep(5).then(() => Promise.reject(new Error('silence')))),
      queue.run('a', async () => 'second'),
      queue.run('a', async () => 'third'),
    ]);
    expect(first).toMatchObject({ reason: { message: 'silence' } });
    for (const other of others) expect(other).toMatchObject({ reason: { message: 'away' } });
    expect(await queue.run('a', async () => 'later')).toBe('later');
  });
});
