import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { ChildProcess } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { Logger } from '@nestjs/common';
import { RateLimiter } from './rate-limiter.js';
import { stopwatch } from '../../test/support/machine-clock.js';
import { REDIS_SERVER, startRedisAt } from '../../test/support/redis-child.js';
import { freePort } from '../../test/support/stores.mjs';

Logger.overrideLogger(false);

describe('RateLimiter in memory', () => {
  it('refuses what is over the quota, each key for itself', async () => {
    const limiter = new RateLimiter({
      accountPerMinute: 2,
      addressPerMinute: 1,
      passwordsPerMinute: 1,
      strangersPerMinute: 1,
    });
    const take = async (key: string) => (await limiter.take(limiter.account, key))?.allowed;

    expect([await take('a'), await take('a'), await take('a'), await take('b')]).toEqual([
      true,
      true,
      false,
      true,
    ]);
  });

  it('counts down what is left', async () => {
    const limiter = new RateLimiter({
      accountPerMinute: 2,
      addressPerMinute: 1,
      passwordsPerMinute: 1,
      strangersPerMinute: 1,
    });
    expect(await limiter.take(limiter.account, 'a')).toEqual({
      allowed: true,
      remaining: 1,
      resetSeconds: 60,
    });
    expect(await limiter.take(limiter.account, 'a')).toMatchObject({ allowed: true, remaining: 0 });
  });

  it('0 is off', async () => {
    const limiter = new RateLimiter({
      accountPerMinute: 0,
      addressPerMinute: 0,
      passwordsPerMinute: 0,
      strangersPerMinute: 0,
    });
    expect(await limiter.take(limiter.account, 'a')).toBeNull();
  });

  it('a Redis that was never there delays nobody', async () => {
    const limiter = new RateLimiter({
      accountPerMinute: 2,
      addressPerMinute: 1,
      passwordsPerMinute: 1,
      strangersPerMinute: 1,
      redisUrl: 'redis://127.0.0.1:9',
    });
    await limiter.onModuleInit();
    const ran = stopwatch();
    expect(await limiter.take(limiter.account, 'a')).toMatchObject({ allowed: true, remaining: 1 });
    expect(ran()).toBeLessThan(400); // a connection is waited for 500 ms
    limiter.close();
  });
});

(REDIS_SERVER ? describe : describe.skip)('RateLimiter in Redis', () => {
  let port: number;
  let redis: ChildProcess;
  const limiters: RateLimiter[] = [];

  beforeAll(async () => {
    port = await freePort();
    redis = await startRedisAt(port);
  });
  afterAll(() => {
    limiters.forEach((limiter) => limiter.close());
    redis.kill('SIGKILL');
  });

  async function anInstance(): Promise<RateLimiter> {
    const limiter = new RateLimiter({
      accountPerMinute: 10,
      addressPerMinute: 1,
      passwordsPerMinute: 10,
      strangersPerMinute: 10,
      redisUrl: `redis://127.0.0.1:${port}`,
    });
    limiters.push(limiter);
    await limiter.onModuleInit();
    return limiter;
  }
  const remaining = async (limiter: RateLimiter, key: string) =>
    (await limiter.take(limiter.account, key))?.remaining;

  /** Both are connected to Redis: until then each counts for itself. */
  async function untilTogether(one: RateLimiter, two: RateLimiter): Promise<void> {
    for (const deadline = Date.now() + 10_000; Date.now() < deadline; await sleep(20)) {
      const key = randomUUID();
      if ((await remaining(one, key)) === 9 && (await remaining(two, key)) === 8) return;
    }
    throw new Error('the instances did not find Redis within 10 s');
  }

  it('two instances count together', async () => {
    const [one, two] = [await anInstance(), await anInstance()];
    await untilTogether(one, two);

    expect(await remaining(one, 'a')).toBe(9);
    expect(await remaining(two, 'a')).toBe(8);
    expect(await remaining(one, 'a')).toBe(7);
  });

  it('a Redis that hangs, or is dead, fails no request and delays none but the one that finds out', async () => {
    const limiter = await anInstance();
    await untilTogether(limiter, await anInstance());
    for (const signal of ['SIGSTOP', 'SIGKILL'] as const) {
      redis.kill(signal);
      const ran = stopwatch();
      const answers = [];
      for (let n = 0; n < 11; n++) answers.push(await limiter.take(limiter.account, signal));
      expect(ran()).toBeLessThan(500); // each would wait 50 ms
      expect(answers.at(-1)).toMatchObject({ allowed: false, remaining: 0 });
    }
  });
});
