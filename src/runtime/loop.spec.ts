import { setImmediate as turn } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import fc from 'fast-check';
import { Deadline, requestDeadline, under } from './deadline.js';
import { Loop, type Rhythm, type LoopWork } from './loop.js';
import { Outage } from './outage.js';

const quiet = new Outage(() => undefined);

describe('a loop in time', () => {
  let runs: boolean[];
  const loops: Loop[] = [];
  const aLoop = (
    rhythm: Rhythm,
    work: LoopWork = (isTime) => void runs.push(isTime),
    outage = quiet,
  ): Loop => {
    const loop = new Loop(work, outage, rhythm);
    loops.push(loop);
    return loop;
  };
  const pass = (ms: number): Promise<void> => jest.advanceTimersByTimeAsync(ms);

  beforeEach(() => {
    jest.useFakeTimers();
    runs = [];
  });

  afterEach(async () => {
    const stopping = loops.splice(0).map((loop) => loop.stop());
    await pass(10_000);
    await Promise.all(stopping);
    jest.useRealTimers();
  });

  it('runs every so often from its start on, and says that it is time', async () => {
    aLoop({ everyMs: 1000 }).start();
    await pass(999);
    expect(runs).toEqual([]);
    await pass(2001);
    expect(runs).toEqual([true, true, true]);
  });

  it('counts from the end of a run, so that a long one does not meet the next', async () => {
    aLoop({ everyMs: 1000 }, () => {
      runs.push(true);
      return new Promise((done) => setTimeout(done, 1500));
    }).start(0);
    await pass(2400);
    expect(runs).toHaveLength(1);
    await pass(200);
    expect(runs).toHaveLength(2);
  });

  it('does not run before it is started or woken', async () => {
    aLoop({ everyMs: 10 });
    await pass(1000);
    expect(runs).toEqual([]);
  });

  it('runs at once when it is woken, and its own time stays what it was', async () => {
    const loop = aLoop({ everyMs: 1000 });
    loop.start();
    await pass(600);
    loop.wake();
    await pass(1);
    expect(runs).toEqual([false]);
    await pass(400);
    expect(runs).toEqual([false, true]);
  });

  it('gathers those who wake it, for a while from the first one on', async () => {
    const loop = aLoop({ gatherMs: 200 });
    for (let woken = 0; woken < 20; woken++) {
      loop.wake();
      await pass(10);
    }
    expect(runs).toEqual([false]);
  });

  it('rests after a run, and the first one after a quiet time comes at once', async () => {
    const loop = aLoop({ restMs: 20 });
    loop.wake();
    await pass(1);
    loop.wake();
    await pass(10);
    expect(runs).toHaveLength(1);
    await pass(10);
    expect(runs).toHaveLength(2);
  });

  it('a run says when the next one is due, and that none is before it is started again', async () => {
    const pauses = [50, 300, Infinity];
    const loop = aLoop({ everyMs: 1000 }, () => {
      runs.push(true);
      return pauses[runs.length - 1];
    });
    loop.start(0);
    await pass(51);
    expect(runs).toHaveLength(2);
    await pass(300);
    expect(runs).toHaveLength(3);
    await pass(60_000);
    expect(runs).toHaveLength(3);
    loop.start();
    await pass(1001);
    expect(runs).toHaveLength(4);
  });

  it('a start during a run that says "no more" is not lost', async () => {
    const loop: Loop = aLoop({ everyMs: 100 }, async () => {
      runs.push(true);
      if (runs.length === 1) loop.start();
      return Infinity;
    });
    loop.start(0);
    await pass(150);
    expect(runs).toHaveLength(2);
  });

  it('an error does not end it: it is told once for each outage, and the run is done again after a pause', async () => {
    const told: string[] = [];
    let isAway = true;
    const loop = aLoop(
      { everyMs: 5000 },
      () => {
        runs.push(true);
        if (isAway) throw new Error('away');
      },
      new Outage((cause) => told.push(cause)),
    );
    loop.start(0);
    await pass(1);
    await pass(2000);
    expect([runs.length, told]).toEqual([3, ['away']]);
    isAway = false;
    await pass(1000);
    await pass(4900);
    expect(runs).toHaveLength(4);
    isAway = true;
    await pass(100);
    expect([runs.length, told]).toEqual([5, ['away', 'away']]);
  });

  it('a loop that only was woken does a failed run again too, and who wakes it meanwhile does not make it hammer', async () => {
    const loop = aLoop({}, () => {
      runs.push(true);
      if (runs.length === 1) throw new Error('away');
    });
    for (let ms = 0; ms < 990; ms += 10) {
      loop.wake();
      await pass(10);
    }
    expect(runs).toHaveLength(1);
    await pass(100);
    expect(runs).toHaveLength(2);
  });

  it('runs no more once it is stopped, whoever wakes or flushes it', async () => {
    const loop = aLoop({ everyMs: 10 });
    loop.start();
    loop.wake();
    await loop.stop();
    loop.wake();
    loop.start();
    await loop.flush();
    await pass(1000);
    expect(runs).toEqual([]);
  });

  it('a stop waits for the run in progress', async () => {
    let end = (): void => undefined;
    const loop = aLoop({}, () => new Promise((done) => (end = done)));
    loop.wake();
    await pass(1);
    let isStopped = false;
    const stopping = loop.stop().then(() => (isStopped = true));
    await pass(4000);
    expect([isStopped, loop.isStopped]).toEqual([false, true]);
    end();
    await stopping;
    expect(isStopped).toBe(true);
  });

  it('a stop waits for a bounded time', async () => {
    const loop = aLoop({}, () => new Promise(() => runs.push(false)));
    loop.wake();
    await pass(1);
    const stopping = loop.stop();
    await pass(5001);
    await stopping;
    expect(runs).toEqual([false]);
  });
});

it('a run is under the deadline of no request, whoever woke it', async () => {
  const seen: unknown[] = ['not run'];
  const loop = new Loop(() => void seen.splice(0, 1, requestDeadline()), quiet);
  await under(new Deadline(), async () => {
    loop.wake();
    await loop.flush();
  });
  expect(seen).toEqual([undefined]);
});

it('a flush during a run waits for one that begins after it', async () => {
  let begun = 0;
  let ended = 0;
  const loop = new Loop(async () => {
    begun++;
    await turn();
    ended++;
  }, quiet);
  loop.wake();
  await turn();
  expect([begun, ended]).toEqual([1, 0]);
  await Promise.all([loop.flush(), loop.flush()]);
  expect([begun, ended]).toEqual([2, 2]);
});

/** Whatever the order in which wake-ups come and runs end. */
describe('a loop under every schedule', () => {
  const schedules = { numRuns: 300 };

  it('runs one at a time, sees everything it was woken for, and no more often than it was woken', async () => {
    await fc.assert(
      fc.asyncProperty(fc.scheduler(), fc.integer({ min: 1, max: 12 }), async (s, wakings) => {
        const world = { there: 0, seen: 0, runs: 0, atOnce: 0, mostAtOnce: 0 };
        const loop = new Loop(async () => {
          world.runs++;
          world.mostAtOnce = Math.max(world.mostAtOnce, ++world.atOnce);
          const { there } = world;
          await s.schedule(Promise.resolve(), 'the work');
          world.seen = there;
          world.atOnce--;
        }, quiet);
        for (let i = 0; i < wakings; i++) {
          void s.schedule(Promise.resolve(), `wake ${i}`).then(() => {
            world.there++;
            loop.wake();
          });
        }
        await drained(s, () => world.seen === wakings);
        await loop.stop();
        expect(world).toMatchObject({ seen: wakings, mostAtOnce: 1, atOnce: 0 });
        expect(world.runs).toBeLessThanOrEqual(wakings);
      }),
      schedules,
    );
  });

  it('ends no stop before the run in progress has ended, and begins none after it', async () => {
    await fc.assert(
      fc.asyncProperty(fc.scheduler(), fc.nat(6), async (s, wakings) => {
        const world = { begun: 0, ended: 0 };
        const loop = new Loop(async () => {
          world.begun++;
          await s.schedule(Promise.resolve(), 'the work');
          world.ended++;
        }, quiet);
        for (let i = 0; i < wakings; i++)
          void s.schedule(Promise.resolve(), `wake ${i}`).then(() => loop.wake());
        let atStop: typeof world | null = null;
        const stop = s
          .schedule(Promise.resolve(), 'stop')
          .then(() => loop.stop())
          .then(() => (atStop = { ...world }));
        await drained(s, () => atStop !== null);
        await stop;
        await turn();
        expect(atStop).toEqual(world);
        expect(world.ended).toBe(world.begun);
      }),
      schedules,
    );
  });
});

/**
 * Lets the scheduler choose what comes next until nothing is left to choose, and the loop its turns
 * between.
 */
async function drained(s: fc.Scheduler, isDone: () => boolean): Promise<void> {
  for (let idle = 0; idle < 3 || !isDone(); idle = s.count() > 0 ? 0 : idle + 1) {
    if (s.count() > 0) await s.waitOne();
    await turn();
    if (idle > 50) throw new Error('the loop forgot somebody who woke it');
  }
}
