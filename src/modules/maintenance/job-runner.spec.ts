import { describe, expect, it } from '@jest/globals';
import type { DataSource } from 'typeorm';
import type { Job } from './job.js';
import { JobRunner } from './job-runner.js';

/** Of an instance that is alone: the lock is free. */
const alone = {
  createQueryRunner: () => ({
    query: async () => [{ held: true }],
    release: async () => undefined,
  }),
} as unknown as DataSource;

/** A job that is due now, and after a run in an hour. */
function jobOf(name: string, run: () => void, hasMore?: () => boolean): Job {
  let everySeconds = 0;
  return {
    name,
    get everySeconds() {
      return everySeconds;
    },
    run: async () => (run(), (everySeconds = 3600), 0),
    ...(hasMore && { hasMore }),
  };
}

describe('housekeeping', () => {
  it('goes on with a job that has more to do as soon as the others had their turn', async () => {
    const runs: string[] = [];
    await new Promise<void>((resolve) => {
      const long = jobOf(
        'long',
        () => {
          runs.push('long');
          if (runs.length === 4) void runner.stop().then(resolve);
        },
        () => true,
      );
      const runner = new JobRunner(alone, [long, jobOf('short', () => runs.push('short'))]);
      runner.onApplicationBootstrap();
    });
    expect(runs).toEqual(['long', 'short', 'long', 'long']);
  });
});
