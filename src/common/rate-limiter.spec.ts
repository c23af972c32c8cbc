import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type ChildProcess, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { Logger } from '@nestjs/common';
import { RateLimiter } from './rate-limiter.js';

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
    const started = performance.now();
    expect(await limiter.take(limiter.account, 'a')).toMatchObject({ allowed: true, remaining: 1 });
    expect(performance.now() - started).toBeLessThan(400); // a connection is waited for 500 ms
    limiter.close();
  });
});

const REDIS_SERVER = process.env.TEST_REDIS_SERVER;
(REDIS_SERVER ? describe : describe.skip)('RateLimiter in Redis', () => {
  // Below the ports that the kernel gives to outgoing connections.
  const port = 20_000 + Math.floor(Math.random() * 12_000);
  let redis: ChildProcess;
  const limiters: RateLimiter[] = [];

  beforeAll(async () => {
    redis = spawn(REDIS_SERVER as string, [
      '--port',
      String(port),
      '--bind',
      '127.0.0.1',
      '--save',
      '',
      '--dir',
      tmpdir(),
    ]);
    await once(redis.stdout as NodeJS.ReadableStream, 'data');
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
      const started = performance.now();
      const answers = [];
      for (let n = 0; n < 11; n++) answers.push(await limiter.take(limiter.account, signal));
      expect(performance.now() - started).toBeLessThan(500); // each would wait 50 ms
      expect(answers.at(-1)).toMatchObject({ allowed: false, remaining: 0 });
    }
  });
});
