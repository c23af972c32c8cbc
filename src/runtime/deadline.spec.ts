import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from '@jest/globals';
import { standStill } from '../../test/support/standing-still.js';
import { Deadline, Pulse, under, within } from './deadline.js';
import { runningMs } from './run-clock.js';

const late = (): Error => new Error('late');

describe('a standstill of the process', () => {
  it('counts as half a second at most', async () => {
    await sleep(0);
    const began = runningMs();
    standStill(1500);
    expect(runningMs() - began).toBeCloseTo(500);
  });

  it('does not end the waiting for the answer of a store that comes when it is over', async () => {
    const answer = within(
      1500,
      sleep(2050).then(() => 'told'),
      late,
      new Pulse(),
    );
    standStill(2000);
    expect(await answer).toBe('told');
  });

  it('does not end the waiting of a request for a store', async () => {
    let gaveUp = false;
    const stop = under(new Deadline(), () => new Pulse().watch(() => (gaveUp = true)));
    standStill(3000);
    await sleep(50);
    stop();
    expect(gaveUp).toBe(false);
  });
});

describe('the waiting for a store', () => {
  it('ends after its own limit where others are answered', async () => {
    const pulse = new Pulse();
    pulse.beat();
    await new Promise<void>((resolve) => pulse.watch(resolve, 50));
  });

  it('ends with the time of its request, however long its own limit is', async () => {
    const limit = new Deadline();
    const gaveUp = under(
      limit,
      () => new Promise<void>((resolve) => new Pulse().watch(resolve, 60_000)),
    );
    await gaveUp;
    expect(limit.leftMs).toBeLessThanOrEqual(0);
  });

  it('does not end after what ended the watch', async () => {
    let gaveUp = false;
    const stop = new Pulse().watch(() => (gaveUp = true), 20);
    stop();
    await sleep(60);
    expect(gaveUp).toBe(false);
  });

  it('is ended by nobody where there is neither limit nor request', async () => {
    let gaveUp = false;
    new Pulse().watch(() => (gaveUp = true));
    await sleep(20);
    expect(gaveUp).toBe(false);
  });
});
