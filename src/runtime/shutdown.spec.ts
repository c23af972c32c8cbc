import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { Injectable, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import fc from 'fast-check';
import { LIMIT_MS, Shutdown, ShutdownTimes, type ShutdownStage, STAGES } from './shutdown.js';
import { ClosesAt, ShutdownModule } from './shutdown.module.js';

const HANGS = (): Promise<void> => new Promise(() => undefined);

/** Each with how long it takes, in milliseconds; null hangs. */
const someClosings = fc.array(
  fc.record({
    stage: fc.constantFrom(...STAGES),
    takesMs: fc.oneof(fc.constant(null), fc.nat({ max: 3000 })),
    fails: fc.boolean(),
  }),
  { maxLength: 12 },
);

describe('a stop', () => {
  beforeEach(() => void jest.useFakeTimers());
  afterEach(() => void jest.useRealTimers());

  let told: { stage: ShutdownStage; what: string; cause: string }[];
  const aShutdown = (delayMs = 0, drainMs = 0): Shutdown => {
    told = [];
    return new Shutdown(new ShutdownTimes(delayMs, drainMs), (failure) => told.push(failure));
  };
  /** Runs it to its end; answers how long it took, in milliseconds. */
  const run = async (shutdown: Shutdown): Promise<number> => {
    const begunAtMs = performance.now();
    const tookMs = shutdown.run().then(() => performance.now() - begunAtMs);
    await jest.runAllTimersAsync();
    return tookMs;
  };

  it('closes in the order of the stages, whatever was registered when, hangs or fails', async () => {
    await fc.assert(
      fc.asyncProperty(someClosings, async (closings) => {
        const shutdown = aShutdown();
        const log: [ShutdownStage, 'begins' | 'ends'][] = [];
        closings.forEach(({ stage, takesMs, fails }, i) =>
          shutdown.at(stage, `${i}`, async () => {
            log.push([stage, 'begins']);
            await (takesMs === null ? HANGS() : new Promise((end) => setTimeout(end, takesMs)));
            log.push([stage, 'ends']);
            if (fails) throw new Error('it fails');
          }),
        );
        await run(shutdown);
        const begun = log.filter(([, how]) => how === 'begins').map(([stage]) => stage);
        const inOrder = closings.map(({ stage }) => stage).sort(byStage);
        expect(begun).toEqual(inOrder);
        // Of what ended within its time, nothing ended after the next stage had begun.
        log.forEach(([stage, how], i) => {
          const later = log.slice(0, i).some(([before]) => byStage(before, stage) > 0);
          const wasLate = told.some((one) => one.stage === stage && /took longer/.test(one.cause));
          if (how === 'ends' && later) expect(wasLate).toBe(true);
        });
      }),
    );
  });

  it('waits for no stage longer than its limit, and tells what hung and what failed', async () => {
    await fc.assert(
      fc.asyncProperty(someClosings, async (closings) => {
        const shutdown = aShutdown();
        closings.forEach(({ stage, takesMs, fails }, i) =>
          shutdown.at(stage, `${i}`, () => {
            if (fails) throw new Error('it fails');
            return takesMs === null ? HANGS() : new Promise((end) => setTimeout(end, takesMs));
          }),
        );
        const tookMs = await run(shutdown);
        const stages = STAGES.map((stage) => {
          const times = closings
            .filter((one) => one.stage === stage)
            .map(({ takesMs, fails }) => (fails ? 0 : (takesMs ?? Infinity)));
          return Math.min(LIMIT_MS[stage], Math.max(0, ...times));
        });
        expectAbout(
          tookMs,
          stages.reduce((sum, ms) => sum + ms, 0),
        );
        const bad = closings.flatMap(({ stage, takesMs, fails }, i) =>
          fails || takesMs === null || takesMs > LIMIT_MS[stage] ? [`${i}`] : [],
        );
        expect(told.map(({ what }) => what).sort()).toEqual(bad.sort());
      }),
    );
  });

  it('gives answers and running requests the drain time together, which begins after the delay', async () => {
    const shutdown = aShutdown(2000, 10_000);
    const left: number[] = [];
    shutdown.at('notice', 'serves on', () => new Promise((end) => setTimeout(end, 2000)));
    shutdown.at('answers', 'answers', (drainMs) => {
      left.push(drainMs);
      return new Promise((end) => setTimeout(end, 7000));
    });
    shutdown.at('requests', 'requests', (drainMs) => {
      left.push(drainMs);
      return HANGS();
    });
    const tookMs = await run(shutdown);
    expect(left.map((ms) => Math.round(ms / 100) * 100)).toEqual([10_000, 3000]);
    expectAbout(tookMs, 2000 + 10_000 + LIMIT_MS.requests);
  });

  it('closes once, however often it is asked', async () => {
    const shutdown = aShutdown();
    let closed = 0;
    shutdown.at('redis', 'once', () => closed++);
    const both = Promise.all([shutdown.run(), shutdown.run()]);
    await jest.runAllTimersAsync();
    await both;
    expect(closed).toBe(1);
  });
});

/** Timers of some ten stages may each be late by a millisecond or two. */
function expectAbout(tookMs: number, expectedMs: number): void {
  expect(tookMs).toBeGreaterThanOrEqual(expectedMs);
  expect(tookMs).toBeLessThan(expectedMs + 50);
}

const byStage = (a: ShutdownStage, b: ShutdownStage): number =>
  STAGES.indexOf(a) - STAGES.indexOf(b);

it('providers close at the stages that they name: by class, made by a factory, under two names', async () => {
  const closed: string[] = [];
  @Injectable()
  class Last {
    @ClosesAt('postgres')
    close(): void {
      closed.push('last');
    }
  }
  @Injectable()
  class Twice {
    @ClosesAt('redis')
    close(): void {
      closed.push('redis');
    }

    @ClosesAt('notice')
    begin(): void {
      closed.push('notice');
    }
  }
  class Made {
    @ClosesAt('loops')
    async stop(): Promise<void> {
      closed.push('loops');
      throw new Error('told, and no reason to stop here');
    }
  }
  class Heir extends Made {}
  @Module({
    imports: [ShutdownModule.forRoot(new ShutdownTimes(0, 0))],
    providers: [
      Last,
      Twice,
      { provide: Made, useFactory: () => new Heir() },
      { provide: 'another name', useExisting: Made },
    ],
  })
  class Some {}
  const app = await NestFactory.createApplicationContext(Some, { logger: false });
  await app.close();
  expect(closed).toEqual(['notice', 'loops', 'redis', 'last']);
});
